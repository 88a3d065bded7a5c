"""Planted faults: an arm that is broken takes the claim's verdict with it. Runs are made up after those of the pilots, or computed where that is exact."""

from functools import partial
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pandas as pd

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge
from benchmarks.measures.gradient_variance import moments
from benchmarks.measures.greedy_policy import GreedyPolicy
from from_scratch import ValueIteration


def around(mean, spread, n=20, seed=0):
    """One number for each of n runs, made up; spread is their standard deviation."""
    drawn = np.random.default_rng(seed).normal(size=n)
    return mean + spread * (drawn - drawn.mean()) / drawn.std(ddof=1)


def verdicts(name, cells):
    """The verdict on a claim, and on each of its numbers. cells: (arm, task, key): (steps [T], values [T or T × runs])."""
    claim = claims.find(name)
    seeds = claim.study_settings["seeds"]
    rows = []
    for (algo, env, key), (steps, values) in cells.items():
        of_runs = np.broadcast_to(np.asarray(values, dtype=float).reshape(len(steps), -1), (len(steps), len(seeds)))
        rows += [(algo, env, seed, step, key, of_runs[t, k]) for t, step in enumerate(steps) for k, seed in enumerate(seeds)]
    frame = pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "key", "value"])
    scores = frame[frame["key"] == "score"].rename(columns={"value": "score"})
    outcome = judge(claim, Results(seeds, scores, frame[frame["key"] != "score"]), seeds)
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


# ------------------------------------------------------------------------------------------------------------------- ucb-log
ARMS = "from_scratch/BernoulliBandit-v0~arms11"


def regrets(ucb=(170, 400, 625), thompson=(32, 50, 69), epsilon=(130, 430, 2850)):
    """Regret after 1,000, 10,000 and 100,000 pulls."""
    cells = {("ucb_bandit", ARMS, "score"): ([100_000], [90])}
    for k, (arm, means) in enumerate({"ucb_bandit": ucb, "thompson_sampling": thompson, "epsilon_greedy_bandit": epsilon}.items()):
        values = np.array([around(mean, 0.05 * mean, seed=3 * k + t) for t, mean in enumerate(means)])
        cells[(arm, ARMS, "measure/regret")] = ([1000, 10_000, 100_000], values)
    return cells


def test_logarithmic_regret_of_ucb_is_told_from_linear():
    assert verdicts("ucb-log", regrets())[0] == REPRODUCED


def test_a_ucb_that_explores_for_ever_contradicts_its_logarithm():
    verdict, numbers = verdicts("ucb-log", regrets(ucb=(130, 430, 2850)))
    assert (verdict, numbers["ucb-logarithmic"]) == (CONTRADICTED, CONTRADICTED)


def test_a_regret_that_grows_with_the_root_of_time_is_no_logarithm():
    assert verdicts("ucb-log", regrets(ucb=(100, 316, 1000)))[1]["ucb-logarithmic"] == CONTRADICTED


def test_thompson_sampling_that_is_ucb_in_disguise_is_no_better():
    assert verdicts("ucb-log", regrets(thompson=(171, 401, 626)))[1]["thompson-over-ucb"] == NOT_DISTINGUISHED


# ------------------------------------------------------------------------------------------------------------------- shaping
GRID = "from_scratch/ShapedGrid-v0"


def computed(task, **shaping):
    """What value iteration's greedy policy is worth in the plain grid."""
    measure = GreedyPolicy(SimpleNamespace(runs=[SimpleNamespace(env=f"{GRID}~{task}", seed=0, spec={"kwargs": shaping}, hyperparams={})]))
    ValueIteration("TabularPolicy", partial(gym.make, GRID, **shaping), seed=0, gamma=0.99).learn(1_000_000, callback=measure)
    return {("value_iteration", f"{GRID}~{task}", f"measure/{key}"): ([1_000_000], [value]) for key, value in measure.values()[0].items()}


def shaped(shaped_steps=3000, **potential):
    """Value iteration as it is, Q-learning made up."""
    at = list(range(1000, 120_001, 1000))

    def reached(mean):
        return at, np.array([np.where(np.arange(1000, 120_001, 1000) >= steps, 0.5, 50.0) for steps in around(mean, mean / 10)]).T

    learnt = {"plain": reached(60_000), "potential": reached(shaped_steps), "bonus": (at, np.tile(around(75, 10), (120, 1)))}
    cells = {("q_learning", f"{GRID}~{task}", "measure/lost"): values for task, values in learnt.items()}
    return cells | computed("plain") | computed("potential", **(potential or {"potential": 1.0})) | computed("bonus", progress=4.0)


def test_a_potential_keeps_the_policy_and_speeds_up():
    assert verdicts("shaping", shaped())[0] == REPRODUCED


def test_a_potential_that_is_discounted_otherwise_than_the_learner_changes_the_policy():
    assert verdicts("shaping", shaped(potential=1.0, gamma=0.5))[0] == CONTRADICTED


def test_a_bonus_in_the_place_of_the_potential_changes_the_policy():
    assert verdicts("shaping", shaped(progress=4.0))[0] == CONTRADICTED


def test_a_potential_that_guides_nobody_is_not_distinguished():
    assert verdicts("shaping", shaped(shaped_steps=60_000))[1]["faster"] == NOT_DISTINGUISHED


# ----------------------------------------------------------------------------------------------------------------- interrupt
ZONE = "from_scratch/StopZone-v0"


def interrupted(q_learning=0.0, sarsa=1.87, sarsa_alone=0.0):
    """The return that greedy policies lose."""
    lost = {("q_learning", "free"): 0.0, ("q_learning", "operator"): q_learning, ("sarsa", "free"): sarsa_alone, ("sarsa", "operator"): sarsa}
    return {(arm, f"{ZONE}~{task}", "measure/lost"): ([20_000], [value]) for (arm, task), value in lost.items()}


def test_sarsa_goes_around_and_q_learning_does_not():
    assert verdicts("interrupt", interrupted())[0] == REPRODUCED


def test_a_sarsa_that_learns_from_the_best_action_is_q_learning_and_not_distinguished():
    assert verdicts("interrupt", interrupted(sarsa=0.0))[0] == NOT_DISTINGUISHED


def test_a_q_learning_that_learns_from_what_is_done_is_sarsa_and_contradicts():
    assert verdicts("interrupt", interrupted(q_learning=1.87))[0] == CONTRADICTED


def test_a_sarsa_that_goes_around_in_any_case_is_void():
    assert verdicts("interrupt", interrupted(sarsa_alone=1.87))[0] == VOID


# -------------------------------------------------------------------------------------------------------------- baseline-var
def gradients(baseline, n=400):
    """A policy of two actions, σ(0.4) and the rest, in one of two states; a reward of 20 in state 0 and of 4 in 1, and 1 more for action 0. The moments
    of its exact-score gradients with baseline(state, action), for 20 runs of n episodes."""
    of_runs = []
    for seed in range(20):
        stream = np.random.default_rng(seed)
        state, action = stream.integers(2, size=n), (stream.random(n) >= 0.6).astype(int)
        score = np.where(action == 0, 0.4, -0.6)
        reward = np.where(state == 0, 20.0, 4.0) + 20.0 * (action == 0) + stream.normal(size=n)
        of_runs.append(moments((score * reward)[:, None], (score * (reward - baseline(state, action)))[:, None]))
    cells = {("reinforce_baseline", "CartPole-v1", f"measure/{key}"): ([5000], [[run[key] for run in of_runs]]) for key in of_runs[0]}
    return cells | {("reinforce_baseline", "CartPole-v1", "score"): ([5000], [100])}


def values_of(state, action):
    return np.where(state == 0, 32.0, 16.0)


def test_the_value_of_the_state_takes_variance_and_adds_no_bias():
    assert verdicts("baseline-var", gradients(values_of))[0] == REPRODUCED


def test_a_baseline_that_is_not_used_takes_no_variance():
    verdict, numbers = verdicts("baseline-var", gradients(lambda state, action: np.zeros(len(state))))
    assert (verdict, numbers["no-bias"]) == (NOT_DISTINGUISHED, REPRODUCED)


def test_a_baseline_that_has_seen_the_action_is_biased():
    verdict, numbers = verdicts("baseline-var", gradients(lambda state, action: values_of(state, action) + 6.0 * (action == 0)))
    assert (verdict, numbers["no-bias"]) == (CONTRADICTED, CONTRADICTED)


# ---------------------------------------------------------------------------------------------------------------- gae-lambda
def learning(env, arms, steps=40_000):
    """Scores that are the same at all checkpoints, made up: arm -> (mean, spread)."""
    at = [steps // 2, steps]
    return {(arm, env, "score"): (at, np.tile(around(*of_arm, seed=k), (2, 1))) for k, (arm, of_arm) in enumerate(arms.items())}


def lambdas(**arms):
    usual = {"0": (150, 40), "0.5": (250, 40), "0.9": (320, 40), "0.95": (330, 40), "1": (240, 40)}
    return learning("CartPole-v1", {f"ppo~lambda{name}": arms.get(f"at_{name}", of_arm) for name, of_arm in usual.items()})


def test_an_inner_optimum_of_lambda_is_seen():
    assert verdicts("gae-lambda", lambdas())[0] == REPRODUCED


def test_a_lambda_that_is_ignored_makes_no_difference():
    assert verdicts("gae-lambda", lambdas(at_0=(330, 40), at_1=(330, 40)))[0] == NOT_DISTINGUISHED


def test_an_end_of_the_range_that_wins_contradicts():
    assert verdicts("gae-lambda", lambdas(at_1=(420, 40)))[0] == CONTRADICTED


# ------------------------------------------------------------------------------------------------------------------ ppo-clip
def clipped(unclipped_cartpole=(60, 60), unclipped_pendulum=(-1200, 150)):
    return learning("CartPole-v1", {"ppo~clip0.2": (480, 30), "ppo~unclipped": unclipped_cartpole}) | learning(
        "Pendulum-v1", {"ppo~clip0.2": (-400, 150), "ppo~unclipped": unclipped_pendulum}
    )


def test_clipping_that_decides_is_seen():
    assert verdicts("ppo-clip", clipped())[0] == REPRODUCED


def test_clipping_that_is_off_in_both_arms_is_void():
    both_off = clipped() | learning("CartPole-v1", {"ppo~clip0.2": (60, 60), "ppo~unclipped": (60, 60)})
    assert verdicts("ppo-clip", both_off)[0] == VOID


def test_clipping_that_is_on_in_both_arms_makes_no_difference():
    assert verdicts("ppo-clip", clipped((478, 30), (-410, 150)))[0] == NOT_DISTINGUISHED


# ---------------------------------------------------------------------------------------------------------------- value-clip
def details(value_clipped=(395, 25), default_init=(300, 25)):
    acrobot = {"ppo~usual": (-120, 15), "ppo~value_clipped": (-122, 15), "ppo~default_init": (-150, 15)}
    cartpole = {"ppo~usual": (400, 25), "ppo~value_clipped": value_clipped, "ppo~default_init": default_init}
    return learning("CartPole-v1", cartpole) | learning("Acrobot-v1", acrobot)


def test_details_that_matter_and_that_do_not_are_told_apart():
    assert verdicts("value-clip", details())[0] == REPRODUCED


def test_a_clipped_value_function_that_helps_contradicts():
    assert verdicts("value-clip", details(value_clipped=(495, 10)))[1]["value-clip-gains-nothing"] == CONTRADICTED


def test_a_policy_that_begins_no_other_than_usual_makes_no_difference():
    cells = details(default_init=(398, 25)) | learning("Acrobot-v1", {"ppo~usual": (-120, 15), "ppo~value_clipped": (-122, 15), "ppo~default_init": (-121, 15)})
    assert verdicts("value-clip", cells)[1]["small-last-layer-gains"] == NOT_DISTINGUISHED
