"""Verdicts on claims: each is reached by runs that earn it, and by no others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import stats
from benchmarks.claims import claim as claims
from benchmarks.claims import estimates, verdict
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, WEAKER, judge, of_all

ENV = "CartPole-v1"
SPREAD = np.array([-2.0, -1, -1, 0, 0, 0, 0, 1, 1, 2])  # of ten runs about their mean; standard error 0.37
GAIN = {"says": "gain", "metric": "score", "contrast": {"dqn": 1, "dqn~b": -1}, "nothing": 0, "enough": 3}
NULL = {"says": "no gain", "metric": "score", "contrast": {"dqn": 1, "dqn~b": -1}, "nothing": 0, "within": [-3, 3]}
RATIO = {"says": "times", "metric": "score", "ratio": ["dqn", "dqn~b"], "nothing": 1, "enough": 2}
LEARNS = {"says": "dqn learns", "cell": "dqn", "metric": "score", "at_least": 1}


def a_claim(numbers, controls=(), paired=False, badge="same task", arms=("dqn", "dqn~b", "dqn~c"), envs=(ENV,)):
    said = {
        "row": 1, "title": "t", "family": "value based", "paper": {"cite": "c", "title": "t", "url": "u", "place": "p"}, "statement": "s", "badge": badge,
        "tier": "S", "differs": "d", "falsifier": "f", "pilot": {"seeds": [], "note": ""}, "paired": paired,
        "study": {"seeds": [100], "groups": [{"name": "g", "algos": list(arms), "envs": list(envs)}]}, "numbers": numbers, "controls": list(controls),
    }  # fmt: skip
    return claims.claim_of("invented", said)


def the_runs(**arms):
    """Results with these final scores; b stands for dqn~b."""
    n = len(next(iter(arms.values())))
    rows = [(f"dqn~{arm}" if arm != "dqn" else arm, ENV, seed, 1000, float(score)) for arm, scores in arms.items() for seed, score in enumerate(scores)]
    return Results(list(range(n)), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())


def judged(numbers, controls=(), seeds=10, paired=False, badge="same task", **arms):
    return judge(a_claim(numbers, controls, paired, badge), the_runs(**arms), range(seeds))


# ------------------------------------------------------------------------------------------------------------ each verdict


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(10, REPRODUCED), (3, WEAKER), (2.5, WEAKER), (0.3, NOT_DISTINGUISHED), (0, NOT_DISTINGUISHED), (-0.3, NOT_DISTINGUISHED), (-5, CONTRADICTED)],
)
@pytest.mark.parametrize("turned", [False, True])
def test_an_effect_that_counts_from_3_on(ahead, expected, turned):
    number = GAIN | ({"contrast": {"dqn": -1, "dqn~b": 1}, "enough": -3} if turned else {})  # the same claim, of a loss
    assert judged({"gain": number}, dqn=20 + ahead + SPREAD, b=20 + SPREAD[::-1]).verdict == expected


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0, REPRODUCED), (1, REPRODUCED), (3, NOT_DISTINGUISHED), (-3, NOT_DISTINGUISHED), (6, CONTRADICTED), (-6, CONTRADICTED)],
)
def test_a_null_that_lies_within_3(ahead, expected):
    assert judged({"null": NULL}, dqn=20 + ahead + SPREAD, b=20 + SPREAD[::-1]).verdict == expected


@pytest.mark.parametrize(("times", "expected"), [(3, REPRODUCED), (2, WEAKER), (1, NOT_DISTINGUISHED), (0.5, CONTRADICTED)])
def test_a_ratio_that_counts_from_2_on(times, expected):
    assert judged({"times": RATIO}, dqn=20 * times + SPREAD, b=20 + SPREAD[::-1]).verdict == expected


def test_a_null_with_one_bound_is_open_on_the_other_side():
    assert judged({"null": NULL | {"within": [None, 3]}}, dqn=SPREAD - 100, b=SPREAD).verdict == REPRODUCED


def test_a_null_is_not_claimed_because_nothing_was_found():
    wide = 20 * SPREAD
    found = judged({"null": NULL}, dqn=wide, b=wide[::-1])
    assert found.numbers[0].estimate.p > 0.9 and found.verdict == NOT_DISTINGUISHED


@pytest.mark.parametrize("side", [1, -1])
def test_the_90_percent_interval_decides_a_null(side):
    apart = side * (3 - 1.05 * (estimates.contrast(estimates.Cells((SPREAD, SPREAD[::-1]), (1.0, -1.0), False)).high90))
    found = judged({"null": NULL}, dqn=apart + SPREAD, b=SPREAD[::-1])
    estimate = found.numbers[0].estimate
    assert max(estimate.high, -estimate.low) > 3 > max(estimate.high90, -estimate.low90) and found.verdict == REPRODUCED


# ------------------------------------------------------------------------------------------------------------- few or equal


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("number", [GAIN, NULL, RATIO])
def test_one_seed_decides_nothing(paired, number):
    b = 20 if number is NULL else 1
    assert judged({"number": number}, seeds=1, paired=paired, dqn=[20], b=[b]).verdict == NOT_DISTINGUISHED


@pytest.mark.parametrize("number", [GAIN, RATIO])
def test_one_seed_decides_an_exact_effect(number):
    assert judged({"number": number}, seeds=1, badge="exact", dqn=[20], b=[1]).verdict == REPRODUCED


def test_one_seed_decides_an_exact_null():
    assert judged({"null": NULL}, seeds=1, badge="exact", dqn=[20], b=[20]).verdict == REPRODUCED


@pytest.mark.parametrize(("n", "expected"), [(4, NOT_DISTINGUISHED), (5, REPRODUCED)])
def test_a_null_needs_as_many_runs_as_a_report_asks_for(n, expected):
    assert stats.FEWEST_RUNS_FOR_EQUIVALENCE == 5
    assert judged({"null": NULL}, seeds=n, dqn=[500] * n, b=[500] * n).verdict == expected


@pytest.mark.parametrize(("n", "expected"), [(3, NOT_DISTINGUISHED), (10, REPRODUCED)])
def test_runs_that_are_all_alike_decide_an_effect_if_they_are_enough(n, expected):
    assert judged({"gain": GAIN}, seeds=n, dqn=[500] * n, b=[9] * n).verdict == expected


# ---------------------------------------------------------------------------------------------------------- several numbers


def test_p_values_are_corrected_by_holm_over_the_numbers_that_are_no_nulls():
    numbers = {"b": GAIN, "c": GAIN | {"contrast": {"dqn": 1, "dqn~c": -1}}, "null": NULL}
    found = judged(numbers, dqn=21 + SPREAD, b=20 + SPREAD[::-1], c=20.2 + SPREAD[::-1])
    raw = [one.estimate.p for one in found.numbers]
    assert raw[0] < raw[1]
    assert [found.numbers[0].p_holm, found.numbers[1].p_holm] == [2 * raw[0], max(2 * raw[0], raw[1])]
    assert np.isnan(found.numbers[2].p_holm)


def test_a_number_that_is_beyond_chance_alone_is_not_among_others_that_are_chance():
    alone, noise = {"b": GAIN | {"enough": 0.001}}, {f"n{k}": GAIN | {"contrast": {"dqn": 1, "dqn~c": -1}} for k in range(9)}
    arms = {"dqn": 20 + SPREAD, "b": 18.8 + SPREAD[::-1], "c": 20 + SPREAD}
    assert judged(alone, **arms).numbers[0].verdict == REPRODUCED
    assert judged(alone | noise, **arms).numbers[0].verdict == NOT_DISTINGUISHED


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([REPRODUCED, REPRODUCED], REPRODUCED), ([REPRODUCED, WEAKER], WEAKER), ([WEAKER, NOT_DISTINGUISHED], NOT_DISTINGUISHED),
        ([CONTRADICTED, REPRODUCED], CONTRADICTED), ([CONTRADICTED, NOT_DISTINGUISHED], CONTRADICTED),
    ],
)  # fmt: skip
def test_a_claim_is_contradicted_if_one_number_is_and_else_as_good_as_the_worst(verdicts, expected):
    assert of_all(verdicts) == of_all(verdicts[::-1]) == expected


def test_arms_of_the_same_seeds_are_compared_seed_by_seed():
    hard = 100 * np.arange(10.0)  # seeds that differ far more than the arms
    arms = {"dqn": hard + 5 + 0.1 * SPREAD, "b": hard}
    assert judged({"gain": GAIN}, paired=True, **arms).verdict == REPRODUCED
    assert judged({"gain": GAIN}, paired=False, **arms).verdict == NOT_DISTINGUISHED


def test_an_arm_on_all_its_tasks_enters_with_their_mean():
    one = a_claim({"gain": GAIN}, envs=(ENV, "Acrobot-v1"))
    assert verdict.coefficients_of(one, one.numbers[0]) == {("dqn", ENV): 0.5, ("dqn", "Acrobot-v1"): 0.5, ("dqn~b", ENV): -0.5, ("dqn~b", "Acrobot-v1"): -0.5}


# --------------------------------------------------------------------------------------------------------------------- void


def test_fewer_seeds_than_were_frozen_are_no_verdict():
    found = judged({"gain": GAIN}, seeds=11, dqn=30 + SPREAD, b=20 + SPREAD)
    assert found.verdict == VOID and found.why == "1 of 11 seeds have not finished" and not found.numbers


def test_no_seeds_are_no_verdict():
    assert judge(a_claim({"gain": GAIN}), the_runs(dqn=SPREAD, b=SPREAD), []).verdict == VOID


def test_a_run_that_lacks_the_number_makes_the_claim_void_and_is_named():
    runs = the_runs(dqn=30 + SPREAD, b=20 + SPREAD)
    found = judge(a_claim({"gain": GAIN}), replace(runs, curves=runs.curves[(runs.curves.algo != "dqn~b") | (runs.curves.seed != 7)]), range(10))
    assert (found.verdict, found.why) == (VOID, f"dqn~b on {ENV}: no score of seed 7")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_run_that_is_not_finite_makes_the_claim_void(value):
    found = judged({"gain": GAIN}, dqn=[*(30 + SPREAD[1:]), value], b=20 + SPREAD)
    assert (found.verdict, found.why) == (VOID, f"gain: dqn on {ENV} has runs without a finite value")


def test_a_share_of_nan_is_void_and_of_infinity_is_counted():
    solved = GAIN | {"metric": {"of": "score", "threshold": 100, "scale": 100}, "enough": 20}
    assert judged({"solved": solved}, dqn=[np.nan] + [200] * 9, b=[0] * 10).verdict == VOID
    assert judged({"solved": solved}, dqn=[np.inf] + [200] * 9, b=[0] * 10).numbers[0].estimate.point == 100


def test_a_ratio_of_negative_means_is_void():
    found = judged({"times": RATIO}, dqn=SPREAD - 30, b=SPREAD - 60)
    assert (found.verdict, found.why) == (VOID, "no number: times")


@pytest.mark.parametrize("number", [GAIN, NULL])
def test_a_control_that_fails_makes_any_verdict_void(number):
    found = judged({"number": number}, [LEARNS], dqn=SPREAD, b=SPREAD - 50 * (number is GAIN))
    assert (found.verdict, found.why) == (VOID, "a control failed: dqn learns (0)") and found.numbers[0].verdict == REPRODUCED


@pytest.mark.parametrize(("limits", "holds"), [({"at_least": 20}, True), ({"at_least": 20.1}, False), ({"at_most": 20}, True), ({"at_most": 19}, False)])
def test_a_control_holds_at_its_limit(limits, holds):
    control = {key: value for key, value in LEARNS.items() if key != "at_least"} | limits
    assert judged({"gain": GAIN}, [control], dqn=20 + SPREAD, b=SPREAD).controls[0].holds == holds


# ----------------------------------------------------------------------------------------------------------------- settling


def test_an_undecided_number_says_how_many_seeds_would_decide_it():
    found = judged({"gain": GAIN}, dqn=20 + 6 * SPREAD, b=19 + 6 * SPREAD[::-1]).numbers[0]
    sd = 6 * SPREAD.std(ddof=1)
    assert found.verdict == NOT_DISTINGUISHED and found.estimate.settle == stats.runs_to_detect(3 / sd)


def test_where_that_many_were_not_enough_the_effect_that_was_seen_is_what_seeds_are_reckoned_from():
    found = judged({"gain": GAIN}, dqn=20.3 + SPREAD, b=20 + SPREAD[::-1]).numbers[0]
    sd = SPREAD.std(ddof=1)
    assert stats.runs_to_detect(3 / sd) < 10 < found.estimate.settle == stats.runs_to_detect(0.3 / sd)


def test_an_undecided_null_says_so_too():
    found = judged({"null": NULL}, dqn=20 + 6 * SPREAD, b=20 + 6 * SPREAD[::-1]).numbers[0]
    assert found.estimate.settle == stats.runs_for_equivalence(3 / (6 * SPREAD.std(ddof=1)))


def test_a_decided_number_names_no_other_number_of_seeds():
    found = judged({"gain": GAIN}, dqn=80 + 6 * SPREAD, b=20 + 6 * SPREAD[::-1]).numbers[0]
    assert stats.runs_to_detect(3 / (6 * SPREAD.std(ddof=1))) > 10 and found.verdict == REPRODUCED and found.estimate.settle is None
