"""Faults that are planted in what a claim about statistics is of: its verdict must not stay "reproduced"."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.claims import claim as claims
from benchmarks.claims import statistics
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge


def fewer_splits(name, splits=3000):
    claim = claims.find(name)
    return replace(claim, numbers=tuple(replace(n, settings={**n.settings, "splits": splits}) for n in claim.numbers))


def runs_of(scores, arm="a2c", env="CartPole-v1"):
    rows = [(arm, env, seed, 1000, score) for seed, score in enumerate(scores)]
    return Results(list(range(len(scores))), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())


@pytest.fixture
def scores():
    """Of fifty runs, a fifth of which fail, as the pilot's did."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(50) < 0.2, rng.uniform(20, 60, 50), rng.uniform(200, 500, 50))


def judged(scores):
    return judge(fewer_splits("seeds-lie"), runs_of(scores), range(len(scores)))


def test_without_a_fault_five_seeds_against_five_lie(scores):
    assert judged(scores).verdict == REPRODUCED


def test_a_test_that_looks_at_bands_contradicts_the_claim(scores, monkeypatch):
    monkeypatch.setitem(statistics.RULES, "test", statistics.RULES["standard errors"])
    assert judged(scores).verdict == CONTRADICTED


def test_bands_as_wide_as_they_should_be_contradict_it_too(scores, monkeypatch):
    monkeypatch.setitem(statistics.RULES, "standard errors", statistics.RULES["standard deviations"])
    assert judged(scores).verdict == CONTRADICTED


def test_runs_that_the_seed_does_not_change_contradict_it():
    assert judged(np.full(50, 300.0)).verdict == CONTRADICTED


def test_an_algorithm_that_learns_nothing_makes_it_void(scores):
    found = judged(scores / 20)
    assert (found.verdict, found.why[:30]) == (VOID, "a control failed: A2C learns (")


def test_a_lambda_that_is_ignored_reproduces_nothing():
    rng, claim = np.random.default_rng(0), claims.find("gae-lambda")
    rows = [(arm, "CartPole-v1", seed, step, rng.normal(400, 40)) for arm in claim.arms for seed in range(10) for step in (1000, 2000)]
    results = Results(list(range(10)), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())
    assert judge(claim, results, range(10)).verdict == NOT_DISTINGUISHED


# ------------------------------------------------------------------------------------------------------ few runs of a suite


def a_suite(spread=0.2):
    """Runs of both arms on five lakes that lie apart, about as the pilot's did."""
    rng, claim = np.random.default_rng(0), claims.find("iqm-few")
    tasks = claim.study_settings["groups"][0]["envs"]
    rows = [(arm, env, seed, 5000, rng.normal(0.3 + 0.1 * k, spread)) for arm in claim.arms for k, env in enumerate(tasks) for seed in range(40)]
    return claim, Results(list(range(40)), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())


def with_less_work(claim):
    (number,) = claim.numbers
    return replace(claim, numbers=(replace(number, settings={**number.settings, "runs": [3, 6], "resamples": 400, "outer": 30}),))


def test_without_a_fault_the_median_errs_more():
    claim, results = a_suite(spread=0.05)
    assert judge(with_less_work(claim), results, range(40)).verdict == REPRODUCED


def test_an_iqm_that_is_the_median_is_not_distinguished_from_it(monkeypatch):
    monkeypatch.setattr(statistics, "iqms", statistics.medians)
    claim, results = a_suite()
    assert judge(with_less_work(claim), results, range(40)).verdict == NOT_DISTINGUISHED


def test_a_median_and_an_iqm_that_changed_places_contradict_the_claim(monkeypatch):
    medians, iqms = statistics.medians, statistics.iqms
    monkeypatch.setattr(statistics, "iqms", medians)
    monkeypatch.setattr(statistics, "medians", iqms)
    claim, results = a_suite(spread=0.05)
    assert judge(with_less_work(claim), results, range(40)).verdict == CONTRADICTED


def test_runs_that_do_not_vary_have_no_error_to_compare():
    claim, results = a_suite(spread=0.0)
    assert judge(with_less_work(claim), results, range(40)).verdict == VOID
