"""A planted fault flips the verdict: claims on heads, noise and memory, judged on invented runs in which what they claim is not so."""

import numpy as np
import pandas as pd

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import OF_CURVE, Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge

TREASURE, NOTHING = 0.99, 0.0


def _verdict(name, scores):
    """What the claim says of invented runs, and of each of its numbers: {(arm, task): the last scores of all seeds}."""
    claim = claims.find(name)
    seeds = claim.study_settings["seeds"]
    rows = [
        {"algo": arm, "env": env, "seed": seed, "step": 100, "score": float(score)}
        for (arm, env), values in scores.items()
        for seed, score in zip(seeds, values, strict=True)
    ]
    curves = pd.DataFrame(rows).reindex(columns=["algo", "env", "seed", "step", *OF_CURVE])
    outcome = judge(claim, Results(seeds, curves, pd.DataFrame(columns=["algo", "env", "seed", "step", "key", "value"])), seeds)
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


def _dives(name, n_solved):
    """Of each cell, how many of the claim's runs end at the treasure: spread over the seeds, another way in each cell."""
    n = len(claims.find(name).study_settings["seeds"])
    return {cell: np.roll(np.where(np.arange(n) < solved, TREASURE, NOTHING), 3 * i) for i, (cell, solved) in enumerate(n_solved.items())}


# ------------------------------------------------------------------------------------------------------------------------- DeepSea
def _seas(eps, noisy, heads, small=30):
    sea = "from_scratch/DeepSea-v0~14"
    cells = {("dqn", "from_scratch/DeepSea-v0~4"): small, ("dqn", sea): eps, ("noisy_dqn", sea): noisy, ("bootstrapped_dqn", sea): heads}
    return _verdict("noisy-deepsea", _dives("noisy-deepsea", cells))


def test_heads_that_dive_where_chance_does_not_are_told_apart():
    assert _seas(0, 15, 30)[1]["deep"] == REPRODUCED


def test_heads_that_find_no_more_than_chance_are_not_distinguished():
    assert _seas(30, 30, 30)[1] == {"deep": NOT_DISTINGUISHED, "less": NOT_DISTINGUISHED, "more": NOT_DISTINGUISHED}


def test_heads_that_find_less_than_chance_contradict():
    assert _seas(30, 30, 0)[0] == CONTRADICTED


def test_a_dqn_that_solves_not_even_four_rows_makes_the_claim_void():
    assert _seas(0, 15, 30, small=6)[0] == VOID


def _priors(without, with_priors, small=10):
    cells = {("bootstrapped_dqn~no_priors", "from_scratch/DeepSea-v0~5"): small}
    cells |= {("bootstrapped_dqn~no_priors", "from_scratch/DeepSea-v0~16"): without, ("bootstrapped_dqn", "from_scratch/DeepSea-v0~16"): with_priors}
    return _verdict("prior-needed", _dives("prior-needed", cells))


def test_priors_that_are_needed_are_told_apart():
    assert _priors(0, 10)[0] in (REPRODUCED, "weaker")


def test_priors_of_no_effect_are_not_distinguished():
    assert _priors(10, 10)[0] == _priors(0, 0)[0] == NOT_DISTINGUISHED


def test_priors_that_do_harm_contradict():
    assert _priors(10, 0)[0] == CONTRADICTED


def test_heads_that_learn_nothing_make_the_claim_void():
    assert _priors(0, 10, small=0)[0] == VOID


# -------------------------------------------------------------------------------------------------------------------------- memory
def _memories(plain, stacked, recurrent):
    rng = np.random.default_rng(0)
    means = {"dqn": plain, "dqn~stack4": stacked, "drqn": recurrent}
    return _verdict("drqn-flicker", {(arm, "from_scratch/CartPoleNoVel-v1"): rng.normal(mean, 10, 10) for arm, mean in means.items()})


def test_a_memory_that_does_what_a_stack_does_is_reproduced():
    assert _memories(40, 150, 200)[0] == REPRODUCED


def test_an_lstm_that_forgets_is_not_distinguished_from_none():
    assert _memories(100, 100, 100)[1]["memory"] == NOT_DISTINGUISHED


def test_an_lstm_that_falls_short_of_the_stack_contradicts():
    assert _memories(40, 200, 130)[1] == {"memory": REPRODUCED, "stack": CONTRADICTED}
