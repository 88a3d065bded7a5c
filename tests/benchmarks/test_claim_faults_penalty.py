"""Planted faults for the claims of PPO's penalty, of random search and of the line search: runs are made up after those of the pilots."""

import numpy as np

from benchmarks.claims import claim as claims
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID
from tests.benchmarks.test_claim_faults_policy import around, verdicts

# ------------------------------------------------------------------------------------------------------------------- ppo-kl
CART_POLE = {"ppo~clip0.2": 490, "ppo_penalty~adaptive": 420, "ppo_penalty~fixed": 410, "ppo~unclipped": 200}
PENDULUM = {"ppo~clip0.2": -270, "ppo_penalty~adaptive": -330, "ppo_penalty~fixed": -320, "ppo~unclipped": -1450}


def scores(**instead):
    """Scores after training, [10] of each arm on each task; instead: another mean for an arm on both tasks."""
    cells = {}
    for k, (task, means) in enumerate({"CartPole-v1": CART_POLE, "Pendulum-v1": PENDULUM}.items()):
        for i, (arm, mean) in enumerate(means.items()):
            mean = means[instead[arm]] if arm in instead else mean
            cells[(arm, task, "score")] = ([40_000], [np.minimum(around(mean, 40, n=10, seed=4 * k + i), 500)])
    return cells


def test_a_penalty_that_holds_the_policy_is_told_from_none():
    numbers = verdicts("ppo-kl", scores())[1]
    assert numbers["adaptive-over-none"] == numbers["fixed-over-none"] == REPRODUCED


def test_a_penalty_whose_coefficient_is_lost_is_as_bad_as_none():
    verdict, numbers = verdicts("ppo-kl", scores(**{"ppo_penalty~adaptive": "ppo~unclipped"}))
    assert verdict != REPRODUCED and numbers["adaptive-over-none"] == NOT_DISTINGUISHED


def test_a_clip_range_that_is_ignored_voids_the_claim():
    assert verdicts("ppo-kl", scores(**{"ppo~clip0.2": "ppo~unclipped"}))[0] == VOID


def test_the_arms_of_the_claim_differ_in_the_objective_alone():
    arms = claims.find("ppo-kl").study_settings["algo"]
    rest = {"use_sde": False, "sde_sample_freq": -1}
    assert {arm: {**of["default"], **rest} for arm, of in arms.items()} == {arm: of["Pendulum-v1"] for arm, of in arms.items()}


# ------------------------------------------------------------------------------------------------------------------- ars-linear
def searched(v1=(300, 450, 498), v2=(480, 498, 499), random=22):
    steps = [5000, 10_000, 50_000]
    of = lambda means, seed: np.array([np.minimum(around(mean, 2, seed=seed + t), 500) for t, mean in enumerate(means)])
    arms = {"ars~v1": of(v1, 0), "ars~v2": of(v2, 3), "random": of((random,) * 3, 6)}
    return {(arm, "CartPole-v1", "score"): (steps, values) for arm, values in arms.items()}


def test_a_linear_policy_that_balances_sooner_with_whitening_is_seen():
    assert verdicts("ars-linear", searched())[0] == REPRODUCED


def test_a_whitening_that_does_nothing_is_not_distinguished():
    assert verdicts("ars-linear", searched(v2=(300, 450, 498)))[1]["whitening"] == NOT_DISTINGUISHED


def test_a_whitening_with_wrong_statistics_contradicts():
    assert verdicts("ars-linear", searched(v2=(100, 200, 450)))[1]["whitening"] == CONTRADICTED


# ------------------------------------------------------------------------------------------------------------------- trpo-step
def lowest(broken_npg=12, broken_trpo=1):
    """Of 20 runs each: so many had a policy that scored 9 at one of three evaluations."""
    of = lambda n: np.array([[200.0] * 20, [9.0] * n + [80.0] * (20 - n), [150.0] * 20])
    return {(arm, "CartPole-v1", "score"): ([2000, 10_000, 20_000], of(n)) for arm, n in (("natural_pg~0.05", broken_npg), ("trpo~0.05", broken_trpo))}


def test_steps_that_are_too_long_are_told_from_searched_ones():
    assert verdicts("trpo-step", lowest())[0] == REPRODUCED


def test_a_line_search_that_takes_every_step_makes_no_difference():
    assert verdicts("trpo-step", lowest(broken_trpo=12))[0] == NOT_DISTINGUISHED
