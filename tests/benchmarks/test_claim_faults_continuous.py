"""A planted fault flips the verdict: claims on continuous control, goals and shifts, judged on runs in which what they claim is not so."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import OF_CURVE, Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge


def verdict(name, cells):
    """What a claim says of invented runs: {(arm, task): {key: one number a seed}}, and what its numbers say."""
    claim = claims.find(name)
    seeds = claim.study_settings["seeds"]
    rows = [{"algo": arm, "env": env, "seed": seed, "step": 1000, "key": key, "value": float(value)}
            for (arm, env), of_cell in cells.items() for key, values in of_cell.items() for seed, value in zip(seeds, values, strict=True)]  # fmt: skip
    table = pd.DataFrame(rows)
    curves = table.pivot_table(index=["algo", "env", "seed", "step"], columns="key", values="value").reset_index()
    for column in OF_CURVE:
        curves[column] = curves.get(column, 0.0)
    outcome = judge(claim, Results(seeds, curves, table[~table["key"].isin(OF_CURVE)]), seeds)
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


@pytest.fixture
def normal():
    """normal(mean, sd): one draw for each of ten seeds, or of n."""
    rng = np.random.default_rng(0)
    return lambda mean, sd, n=10: rng.normal(mean, sd, n)


# ------------------------------------------------------------------------------------------------------------------------ td3-bias
def biases(ddpg, td3, score=(-160.0, -160.0)):
    of = lambda bias, score: {"measure/overestimation_percent": bias, "score": np.full(10, score)}
    return verdict("td3-bias", {("ddpg", "Pendulum-v1"): of(ddpg, score[0]), ("td3", "Pendulum-v1"): of(td3, score[1])})


def test_a_bias_that_twin_critics_take_away_is_reproduced(normal):
    assert biases(normal(45, 15), normal(-10, 15))[0] == REPRODUCED


def test_two_arms_with_one_critic_each_are_not_distinguished(normal):
    """The fault: TD3 takes its target from one critic, so that both arms are DDPG."""
    overall, numbers = biases(normal(45, 15), normal(45, 15))
    assert overall == NOT_DISTINGUISHED and numbers["ddpg-over"] == REPRODUCED


def test_arms_that_are_exchanged_contradict(normal):
    assert biases(normal(-10, 15), normal(45, 15))[0] == CONTRADICTED


def test_a_critic_without_a_learner_is_void(normal):
    """The fault: an actor that never learns. Its critic's bias is nobody's news."""
    assert biases(normal(45, 15), normal(-10, 15), score=(-1200.0, -160.0))[0] == VOID


# ----------------------------------------------------------------------------------------------------------------- sac-temperature
SMALL, OWN, LARGE = "Pendulum-v1~0.01", "Pendulum-v1", "Pendulum-v1~10"


def scales(tuned, fixed):
    """tuned, fixed: returns in the task's own rewards, at ×0.01, ×1 and ×10."""
    of = lambda arm, returns: {(arm, env): {"measure/unscaled_score": values} for env, values in zip((SMALL, OWN, LARGE), returns, strict=True)}
    return verdict("sac-temperature", of("sac", tuned) | of("sac~fixed", fixed))


def test_a_fixed_temperature_that_fails_at_one_scale_is_reproduced(normal):
    learnt = lambda: normal(-160, 15)
    assert scales([learnt(), learnt(), learnt()], [normal(-1000, 100), learnt(), learnt()])[0] == REPRODUCED


def test_two_tuned_temperatures_are_not_distinguished(normal):
    """The fault: ent_coef is ignored, and both arms are tuned."""
    learnt = lambda: normal(-160, 15)
    overall, numbers = scales([learnt(), learnt(), learnt()], [learnt(), learnt(), learnt()])
    assert overall == NOT_DISTINGUISHED and numbers["fixed-loses"] == NOT_DISTINGUISHED


def test_a_tuned_temperature_that_loses_at_one_scale_contradicts(normal):
    """The fault: the temperature's loss has the wrong sign, and α grows where rewards are large."""
    learnt = lambda: normal(-160, 15)
    overall, numbers = scales([learnt(), learnt(), normal(-900, 100)], [normal(-1000, 100), learnt(), learnt()])
    assert overall == CONTRADICTED and numbers["tuned-at-10"] == CONTRADICTED


# --------------------------------------------------------------------------------------------------------------------- gsde-smooth
def noises(cost, independent_cost, score, independent_score):
    of = lambda cost, score: {"measure/continuity_cost": cost, "score": score}
    return verdict("gsde-smooth", {("ppo", OWN): of(cost, score), ("ppo~independent", OWN): of(independent_cost, independent_score)})


def test_smoother_actions_at_the_same_return_are_reproduced(normal):
    assert noises(normal(4, 0.5), normal(12, 1), normal(-170, 20), normal(-170, 20))[0] == REPRODUCED


def test_noise_that_is_independent_in_both_arms_is_not_distinguished(normal):
    """The fault: use_sde is ignored."""
    assert noises(normal(12, 1), normal(12, 1), normal(-170, 20), normal(-170, 20))[0] == NOT_DISTINGUISHED


def test_smoothness_that_costs_return_contradicts(normal):
    """The fault: the noise is never drawn anew, so that nothing is explored."""
    overall, numbers = noises(normal(4, 0.5), normal(12, 1), normal(-280, 20), normal(-170, 20))
    assert overall == CONTRADICTED and numbers["cost"] == REPRODUCED


# --------------------------------------------------------------------------------------------------------------------- her-bitflip
def flips(hindsight, alone, alone_at_5=95.0):
    few, many = ("from_scratch/BitFlipping-v0~5", "from_scratch/BitFlipping-v0~15")
    of = lambda values: {"measure/success_rate": np.clip(values, 0, 100)}
    return verdict("her-bitflip", {("dqn", few): of(np.full(10, alone_at_5)), ("dqn", many): of(alone), ("dqn~hindsight", many): of(hindsight)})  # fmt: skip


def test_bits_that_hindsight_alone_learns_to_flip_are_reproduced(normal):
    assert flips(normal(98, 1), normal(1, 1))[0] == REPRODUCED


def test_a_memory_whose_goals_are_never_exchanged_is_contradicted(normal):
    """The fault: no transition gets a goal that was reached, so that hindsight is replay, and reaches as little."""
    overall, numbers = flips(normal(1, 1), normal(1, 1))
    assert overall == CONTRADICTED and numbers["gain"] == NOT_DISTINGUISHED and numbers["with"] == CONTRADICTED


def test_bits_that_nothing_learns_to_flip_are_void(normal):
    """The fault: DQN does not learn at all, so that its failing with 15 bits says nothing."""
    assert flips(normal(98, 1), normal(1, 1), alone_at_5=3.0)[0] == VOID


# ------------------------------------------------------------------------------------------------------------------------ dr-shift
def shifts(randomised, fixed):
    """(shifted, nominal) returns of both ways to train."""
    of = lambda returns: dict(zip(("measure/shifted_score", "measure/nominal_score"), returns, strict=True))
    return verdict("dr-shift", {("sac", "from_scratch/Pendulum-v0~randomised"): of(randomised), ("sac", "from_scratch/Pendulum-v0"): of(fixed)})


def test_randomisation_that_helps_under_shift_alone_is_reproduced(normal):
    assert shifts((normal(-200, 10, 20), normal(-165, 10, 20)), (normal(-350, 30, 20), normal(-160, 10, 20)))[0] == REPRODUCED


def test_pendulums_that_are_all_the_same_are_not_distinguished(normal):
    """The fault: reset draws no mass and no length."""
    overall, numbers = shifts((normal(-350, 30, 20), normal(-160, 10, 20)), (normal(-350, 30, 20), normal(-160, 10, 20)))
    assert overall == NOT_DISTINGUISHED and numbers["shifted"] == NOT_DISTINGUISHED


def test_randomisation_that_learns_nothing_contradicts(normal):
    assert shifts((normal(-1200, 50, 20), normal(-1200, 50, 20)), (normal(-350, 30, 20), normal(-160, 10, 20)))[0] == CONTRADICTED
