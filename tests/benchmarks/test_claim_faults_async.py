"""Planted faults of the claims on policy lag and asynchrony. Runs are made up after those of the pilots."""

import numpy as np
import pandas as pd

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, WEAKER, judge
from tests.benchmarks.test_claim_faults_policy import around, verdicts

CATCH = "from_scratch/Catch-v0"


def lags(**changed):
    """Scores of a training, the same at every checkpoint: about what the pilot had, but for what is changed."""
    means = {"0": 0.99, "4": 0.94, "16": 0.91, "64": 0.63, "eps16": 0.78, "eps64": 0.32, "none16": 0.4, "none64": 0.06, **changed}
    spreads = {"64": 0.18, "eps64": 0.3, "none64": 0.3}
    runs = {arm: np.tile(around(mean, spreads.get(arm, 0.05), seed=k), (2, 1)) for k, (arm, mean) in enumerate(means.items())}
    return {(f"impala~{arm}", CATCH, "score"): ([1, 2], scores) for arm, scores in runs.items()}


def test_v_trace_is_said_to_keep_learning_where_it_does():
    assert verdicts("vtrace-lag", lags())[0] == REPRODUCED


def test_v_trace_that_ignores_the_ratio_is_no_better_than_no_correction():
    """Its runs are those without: the number that compares the two is 0 in every run, and not distinguished."""
    cells = lags()
    cells["impala~64", CATCH, "score"] = cells["impala~none64", CATCH, "score"]
    cells["impala~16", CATCH, "score"] = cells["impala~none16", CATCH, "score"]
    verdict, numbers = verdicts("vtrace-lag", cells)
    assert verdict != REPRODUCED and numbers["over-none"] == NOT_DISTINGUISHED and numbers["vtrace-keeps"] == CONTRADICTED


def test_a_lag_that_is_none_costs_nobody_anything():
    verdict, numbers = verdicts("vtrace-lag", lags(none16=0.99, none64=0.99, **{"16": 0.99, "64": 0.99, "eps16": 0.99, "eps64": 0.99}))
    assert verdict != REPRODUCED and numbers["none-loses"] == NOT_DISTINGUISHED


def test_where_the_learner_without_lag_does_not_learn_there_is_no_verdict():
    assert verdicts("vtrace-lag", lags(**{"0": -0.6}))[0] == VOID


def of_times(two, idle=2.0):
    """The verdict where one worker takes 20 seconds, and two of them so many."""
    claim, n = claims.find("a3c-speedup"), 10
    seeds, seconds = claim.study_settings["seeds"], {"a3c~1": around(20, 0.5, n), "a3c~2": around(two, 0.5, n, seed=1)}
    rows = [{"algo": arm, "env": "CartPole-v1", "seed": seed, "step": 1, "score": 200.0, "seconds": x, "key": "measure/idle_cores", "value": idle}
            for arm, times in seconds.items() for seed, x in zip(seeds, times, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows)
    return judge(claim, Results(seeds, frame.drop(columns=["key", "value"]), frame.drop(columns=["score", "seconds"])), seeds).verdict


def test_workers_that_wait_for_one_another_are_no_faster():
    assert of_times(two=11) == REPRODUCED
    assert of_times(two=20) == NOT_DISTINGUISHED
    assert of_times(two=15) == WEAKER


def test_on_cores_that_others_use_time_says_nothing():
    assert of_times(two=11, idle=0.8) == VOID


def both(a2c, a3c):
    runs = {"a2c~together": around(a2c, 0.03), "a3c~workers": around(a3c, 0.03, seed=1)}
    return {(arm, CATCH, "score"): ([1, 2], np.tile(scores, (2, 1))) for arm, scores in runs.items()}


def test_an_a3c_that_is_much_better_speaks_against_waiting():
    assert verdicts("a2c-is-a3c", both(0.95, 0.95))[0] == REPRODUCED
    assert verdicts("a2c-is-a3c", both(0.81, 0.98))[0] == CONTRADICTED


def test_an_a3c_that_does_not_learn_decides_nothing():
    assert verdicts("a2c-is-a3c", both(0.95, -0.6))[0] == VOID
