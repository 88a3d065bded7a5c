"""Intervals, ranks, curves and coverage: numbers by hand, SciPy as the oracle, and no interval where none can be claimed."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks import stats
from benchmarks.calibration import populations
from benchmarks.calibration.experiments import holds
from benchmarks.stats import bootstrap, coverage


def scores(runs=7, tasks=4, seed=0):
    return np.random.default_rng(seed).normal(0.7, 0.3, (runs, tasks))


# ------------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [0.1, 500.0, -13.0])
@pytest.mark.parametrize("metric", stats.METRICS)
def test_constant_scores_claim_no_interval_for_any_metric(metric, value):
    found = stats.interval_estimates({"a": np.full((7, 3, 4), value)}, metric, reps=300, simultaneous=True)["a"]
    assert not found.is_claimed and np.isnan(found.low).all() and found.note == "all runs equal: no interval"


def test_a_metric_that_no_resample_moves_claims_no_interval_although_runs_differ():
    x = np.full((20, 1), 500.0)
    x[0] = 0  # the IQM leaves it out, and drawing it six times in twenty is rarer than 1 in 1,000
    found = stats.interval_estimates({"a": x}, "iqm", reps=2000)["a"]
    assert found.point == 500 and not found.is_claimed and "resamples" in found.note
    assert stats.interval_estimates({"a": x}, "mean", reps=2000)["a"].is_claimed


def test_a_curve_claims_no_interval_where_its_runs_agree_and_says_at_how_many_checkpoints():
    curve = np.stack([scores(6, 2), np.full((6, 2), 0.5), scores(6, 2, 1)], axis=2)
    for simultaneous in (False, True):
        found = stats.interval_estimates({"a": curve}, reps=500, simultaneous=simultaneous)["a"]
        assert np.isnan(found.low).tolist() == [False, True, False]
        assert found.is_claimed and "no interval at 1 of 3" in found.warning


def test_runs_that_are_the_same_at_every_checkpoint_are_pointed_out():
    curve = np.random.default_rng(0).normal(size=(5, 2, 6))
    curve[3, 1] = curve[1, 1]
    found = stats.interval_estimates({"a": curve}, reps=100)["a"]
    assert found.warning == "runs 1, 3 of task 1 are the same at every checkpoint: one run counted 2 times?"


def test_runs_that_stay_at_the_maximum_are_not_called_the_same_run():
    curve = np.random.default_rng(0).normal(size=(5, 1, 6))
    curve[:2] = 500
    assert stats.interval_estimates({"a": curve}, reps=100)["a"].warning == ""


def test_ragged_checkpoints_are_refused():
    with pytest.raises(stats.BadScores, match="task 0 of 'a': runs with different numbers of checkpoints"):
        stats.interval_estimates({"a": [[[1.0, 2.0], [1.0]]]}, reps=10)
    with pytest.raises(stats.BadScores, match="differ in their checkpoints from task to task"):
        stats.interval_estimates({"a": [np.ones((3, 2)), np.ones((3, 4))]}, reps=10)
    with pytest.raises(stats.BadScores, match="no checkpoint"):
        stats.interval_estimates({"a": np.ones((3, 2, 0))}, reps=10)
    with pytest.raises(stats.BadScores, match="x has 2 checkpoint"):
        stats.difference(np.ones((3, 2, 2)), np.ones((3, 2, 3)), reps=10)


def test_mistaken_options_are_refused_in_words():
    with pytest.raises(ValueError, match="reps=0"):
        stats.interval_estimates({"a": scores()}, reps=0)
    with pytest.raises(ValueError, match="confidence=95"):
        stats.interval_estimates({"a": scores()}, reps=10, confidence=95)
    with pytest.raises(ValueError, match="unknown metric 'iqr': one of iqm, mean"):
        stats.interval_estimates({"a": scores()}, "iqr", reps=10)
    with pytest.raises(ValueError, match="unknown kind"):
        stats.interval_estimates({"a": scores()}, reps=10, kind="bca")


finite = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)), elements=finite | st.just(0.1)),
    st.sampled_from(list(stats.METRICS)),
)
def test_an_interval_is_never_nan_without_a_reason_and_never_without_width(x, metric):
    found = stats.interval_estimates({"a": x}, metric, reps=64)["a"]
    assert np.isfinite(found.point).all()
    claimed = np.isfinite(found.low)
    assert np.array_equal(claimed, np.isfinite(found.high))
    assert (found.high[claimed] > found.low[claimed]).all()
    assert claimed.all() or found.note or found.warning


# --------------------------------------------------------------------------------------------------------------- the two kinds


def test_the_expanded_interval_is_a_percentile_interval_at_hesterbergs_level():
    x = scores(6, 1)
    tail = scipy.stats.norm.cdf(-np.sqrt(6 / 5) * scipy.stats.t.ppf(0.975, 5))
    low, high = np.quantile(stats.replicates(x, "mean", reps=5000), [tail, 1 - tail])
    found = stats.interval_estimates({"a": x}, "mean", reps=5000, kind="expanded")["a"]
    assert (found.low, found.high) == pytest.approx((low, high))
    narrower = stats.interval_estimates({"a": x}, "mean", reps=5000)["a"]
    assert found.low < narrower.low and narrower.high < found.high


def test_the_expanded_interval_of_a_difference_has_welchs_degrees_of_freedom():
    x, y = scores(8, 1, 1), 4 * scores(5, 1, 2)
    freedom = scipy.stats.ttest_ind(x[:, 0], y[:, 0], equal_var=False).df
    tail = scipy.stats.norm.cdf(-np.sqrt(5 / 4) * scipy.stats.t.ppf(0.975, freedom))
    values = stats.replicates(x, "mean", reps=4000) - stats.replicates(y, "mean", reps=4000, side=bootstrap.SECOND)
    found = stats.difference(x, y, "mean", reps=4000)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [tail, 1 - tail])))


def test_the_expanded_band_is_the_percentile_band_stretched_about_the_curve():
    x = np.random.default_rng(0).normal(size=(6, 1, 8))
    narrow, wide = (stats.interval_estimates({"a": x}, "mean", reps=2000, simultaneous=True, kind=kind)["a"] for kind in ("percentile", "expanded"))
    ratio = (wide.high - wide.point) / (narrow.high - narrow.point)
    np.testing.assert_allclose(ratio, (wide.point - wide.low) / (narrow.point - narrow.low))
    assert ratio.min() > np.sqrt(6 / 5) and np.ptp(ratio) < 1e-9  # one task: the same degrees of freedom at every checkpoint
    profile = stats.performance_profile({"a": x[:, :, 0]}, np.linspace(-2, 2, 9), reps=500, kind="expanded")["a"]
    assert np.nanmin(profile.low) >= 0 and np.nanmax(profile.high) <= 1


def test_the_expanded_band_holds_the_truth_where_the_percentile_band_does_not():
    true, held = populations.truth("normal", 1), {"expanded": 0.0, "percentile": 0.0}
    for study in range(60):
        rng = np.random.default_rng([3, study])
        runs = populations.curves(populations.draw("normal", 5, 1, rng), rng)
        for kind in held:
            held[kind] += holds(stats.interval_estimates({"x": runs}, "iqm", simultaneous=True, kind=kind, reps=200)["x"], true["band"]) / 60
    assert held["expanded"] > 0.75 and held["expanded"] > held["percentile"] + 0.1


def test_paired_runs_are_drawn_together():
    x = scores(8, 2)
    apart = stats.difference(x + np.linspace(0, 1e-3, 8)[:, None], x, "mean", reps=2000, paired=True)
    assert 0 < apart.low < apart.high < 2e-3  # whatever was drawn, the same was drawn from both
    free = stats.difference(x + np.linspace(0, 1e-3, 8)[:, None], x, "mean", reps=2000)
    assert free.low < -0.05 and free.high > 0.05
    with pytest.raises(stats.BadScores, match="keep the seeds that both have"):
        stats.difference(x, x[:5], reps=10, paired=True)


# ---------------------------------------------------------------------------------------------------------------------- ranks


def test_ranks_by_hand():
    found = stats.ranks({"a": np.array([[3.0], [1.0]]), "b": np.array([[2.0], [2.0]])}, reps=200)
    assert found["a"].share.point.tolist() == [0.5, 0.5] and found["a"].mean.point == 1.5
    tie = stats.ranks({"a": np.array([[1.0]]), "b": np.array([[1.0]]), "c": np.array([[0.0]])}, reps=10)
    assert tie["a"].share.point.tolist() == [0.5, 0.5, 0.0] and tie["c"].mean.point == 3


@pytest.mark.parametrize("decimals", [1, 8])
def test_rank_shares_equal_counting_every_choice_of_one_run_each(decimals):
    algos = {name: np.round(scores(4, 2, seed), decimals) for seed, name in enumerate("abc")}
    expected = {name: np.zeros(3) for name in algos}
    for task in range(2):
        for choice in itertools.product(range(4), repeat=3):
            values = {name: algos[name][run, task] for name, run in zip(algos, choice, strict=True)}
            for name, mine in values.items():
                above, tied = sum(v > mine for v in values.values()), sum(v == mine for v in values.values())
                expected[name][above : above + tied] += 1 / tied / 64 / 2
    found = stats.ranks(algos, reps=50)
    for name in algos:
        np.testing.assert_allclose(found[name].share.point, expected[name], atol=1e-12)


def test_the_mean_rank_is_one_more_than_the_sum_of_the_others_probabilities_of_improvement():
    algos = {name: scores(5, 3, seed) for seed, name in enumerate("abc")}
    found = stats.ranks(algos, reps=300)
    better = sum(stats.probability_of_improvement(algos[other], algos["a"], reps=10).point for other in "bc")
    assert found["a"].mean.point == pytest.approx(1 + better)
    assert found["a"].mean.low < found["a"].mean.point < found["a"].mean.high


# ------------------------------------------------------------------------------------------------------------------- one task


def test_the_tolerance_interval_needs_as_many_runs_as_wilks_says():
    assert stats.runs_for_tolerance(0.9, 0.95) == 46 and stats.runs_for_tolerance(0.95, 0.95) == 93  # Wilks 1941, table
    few = stats.tolerance_interval(np.arange(10.0))
    # 1 − 10 p⁹ + 9 p¹⁰ = 0.95 at p = 0.6058
    assert not few.is_claimed and "holds 61 % of runs to come; 90 % needs 46 runs" in few.note
    enough = stats.tolerance_interval(np.arange(46.0))
    assert (enough.low, enough.high) == (0, 45)
    many = stats.tolerance_interval(np.arange(200.0))
    assert (many.low, many.high) == (5, 194)


def test_the_tolerance_interval_holds_its_share_of_the_distribution_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(1000):
        found = stats.tolerance_interval(rng.random(60))
        held.append(found.high - found.low >= 0.9)
    assert 0.93 < np.mean(held) < 1


# --------------------------------------------------------------------------------------------------------------------- curves


def test_the_area_under_a_curve_is_its_mean_height():
    assert stats.area_under_curve(np.array([0.0, 1.0, 1.0]), np.array([0, 10, 20])) == 0.75
    assert stats.area_under_curve(np.array([[3.0]]), np.array([10])).tolist() == [3.0]
    with pytest.raises(stats.BadScores, match="steps must increase"):
        stats.area_under_curve(np.zeros(3), np.array([0, 2, 2]))


def test_kaplan_meier_by_hand():
    # Events at 1 and 3; a run censored at 2: S(1) = 3/4, S(3) = 3/4 · 1/2
    when, survival, low, high = stats.kaplan_meier([1, 2, 3, 4], [True, False, True, False])
    assert when.tolist() == [1, 3] and survival.tolist() == [0.75, 0.375]
    greenwood = np.array([1 / (4 * 3), 1 / (4 * 3) + 1 / (2 * 1)])
    half = scipy.stats.norm.ppf(0.975) * np.sqrt(greenwood) / np.log(survival)
    np.testing.assert_allclose(low, survival ** np.exp(-half))
    np.testing.assert_allclose(high, survival ** np.exp(half))


def test_kaplan_meier_equals_scipys():
    rng = np.random.default_rng(0)
    times, happened = rng.integers(1, 12, 30), rng.random(30) < 0.6
    data = scipy.stats.CensoredData(uncensored=times[happened], right=times[~happened])
    theirs = scipy.stats.ecdf(data).sf
    when, survival, low, high = stats.kaplan_meier(times, happened)
    np.testing.assert_allclose(survival, theirs.evaluate(when))
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = theirs.confidence_interval(method="log-log")
    inner = survival > 0
    np.testing.assert_allclose(low[inner], bounds.low.evaluate(when)[inner])
    np.testing.assert_allclose(high[inner], bounds.high.evaluate(when)[inner])


def test_a_run_that_never_arrives_is_censored_not_dropped():
    curves = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = stats.steps_to_threshold(curves, np.array([10, 20, 30]), 0.5)
    assert found.times.tolist() == [20, 30, 30, 30] and found.reached.tolist() == [True, True, False, False]
    assert found.survival.tolist() == [0.75, 0.5] and found.median == 30 and np.isnan(found.high)
    assert found.restricted_mean == (20 + 30 + 30 + 30) / 4
    assert found.note == "2 of 4 runs did not reach it and are censored at 30 steps"
    nobody = stats.steps_to_threshold(curves * 0, np.array([10, 20, 30]), 0.5)
    assert np.isnan(nobody.median) and nobody.restricted_mean == 30 and nobody.n == 4


# ------------------------------------------------------------------------------------------------------------------- coverage


@pytest.fixture
def table(monkeypatch):
    rows = [
        {"kind": "task_t", "distribution": "normal", "n": "5", "tasks": "1", "share": "0.95"},
        {"kind": "task_t", "distribution": "failing", "n": "5", "tasks": "1", "share": "0.66"},
        {"kind": "task_t", "distribution": "normal", "n": "10", "tasks": "1", "share": "0.95"},
        {"kind": "task_t", "distribution": "failing", "n": "10", "tasks": "1", "share": "0.91"},
        {"kind": "aggregate", "distribution": "normal", "n": "10", "tasks": "1", "share": "0.88"},
        {"kind": "aggregate", "distribution": "normal", "n": "10", "tasks": "20", "share": "0.93"},
        {"kind": "task_tolerance", "distribution": "normal", "n": "10", "tasks": "1", "share": ""},
    ]
    monkeypatch.setattr(coverage, "measured", lambda: tuple(rows))


def test_the_warning_is_read_from_the_table_of_measured_coverages(table):
    assert stats.coverage_warning("task_t", 5) == "n = 5: in calibration such an interval held the true value not 95 % of the time, but 66 % for failing scores"
    assert stats.coverage_warning("task_t", 10) == ""
    assert "66 %" in stats.coverage_warning("task_t", 7), "7 runs are judged by the 5 that were measured, not by 10"
    assert "66 %" in stats.coverage_warning("task_t", 3), "nothing smaller was measured"
    assert "88 %" in stats.coverage_warning("aggregate", 10, tasks=8) and stats.coverage_warning("aggregate", 30, tasks=25) == ""
    assert stats.coverage_warning("task_t", 1) == "", "one run has no interval"
    assert "at n = 5 such an interval" in stats.coverage_warning("task_t", 7) and "at n = 5" not in stats.coverage_warning("task_t", 5)
    for unknown in (stats.coverage_warning("task_t", 5, confidence=0.9), stats.coverage_note(5, 0.9), stats.coverage_warning("task_tolerance", 10)):
        assert "not been calibrated" in unknown, "only 95 % intervals were measured, and no tolerance interval was ever claimed"


def test_the_worst_of_several_true_differences_is_what_counts_and_90_percent_intervals_have_a_bound_of_their_own(monkeypatch):
    one = {"distribution": "normal", "n": "5", "tasks": "1"}
    rows = [one | {"kind": "cliffs", "shift": "0", "share": "0.95"}, one | {"kind": "cliffs", "shift": "2", "share": "0.71"},
            one | {"kind": "welch_90", "shift": "0", "share": "0.86"}, one | {"kind": "difference_90", "shift": "0", "share": "0.84"}]
    monkeypatch.setattr(coverage, "measured", lambda: tuple(rows))
    assert "71 % for normal scores" in stats.coverage_warning("cliffs", 5)
    assert stats.coverage_warning("welch_90", 5, confidence=0.99) == ""
    assert "not 90 % of the time, but 84 %" in stats.coverage_warning("difference_90", 5)


def test_what_is_said_of_one_task():
    table = {"normal": "0.95", "failing": "0.66"}
    rows = tuple({"kind": "task_t", "distribution": d, "n": "5", "tasks": "1", "share": share} for d, share in table.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "measured", lambda: rows)
        assert "the t interval 95 % for normal scores and 66 % in the worst case" in stats.coverage_note(5)


def test_the_installed_table_covers_every_interval_that_the_report_prints():
    kinds = {row["kind"] for row in coverage.measured()}
    assert set(coverage.KINDS) <= kinds
    for row in coverage.measured():
        assert row["share"] == "" or 0 <= float(row["share"]) <= 1


def test_few_runs_are_warned_of():
    assert stats.coverage_warning("task_bootstrap", 3) and "n = 3" in stats.coverage_note(3)
