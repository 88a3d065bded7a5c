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
    seeds = claim.study().seeds
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
    """normal(mean, sd): one draw for each of ten seeds."""
    rng = np.random.default_rng(0)
    return lambda mean, sd: rng.normal(mean, sd, 10)


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
