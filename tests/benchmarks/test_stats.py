"""The statistics of the report, against rliable on the same resample and against numbers that can be checked by hand."""

import numpy as np
import pytest
import scipy.stats
from rliable import library, metrics

from benchmarks import stats
from benchmarks.stats import bootstrap

ORACLE = {
    "iqm": metrics.aggregate_iqm,
    "mean": metrics.aggregate_mean,
    "median": metrics.aggregate_median,
    "optimality_gap": metrics.aggregate_optimality_gap,
}


def scores(runs=7, tasks=4, seed=0, ties=False):
    x = np.random.default_rng(seed).normal(0.7, 0.3, (runs, tasks))
    return np.round(x, 1) if ties else x


def resample_of(x, counts):
    """The resampled matrix [runs, tasks] that a vector of counts stands for."""
    runs, tasks = x.shape
    return np.stack([np.repeat(x[:, m], counts[m * runs : (m + 1) * runs]) for m in range(tasks)], axis=1)


def resamples(x, reps, side=0):
    runs, tasks = x.shape
    counts = np.concatenate(list(bootstrap.blocks(np.full(tasks, runs), reps, 0, side)), axis=1).astype(int)
    return [resample_of(x, c) for c in counts.T]


@pytest.mark.parametrize("metric", ORACLE)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("runs, tasks", [(7, 4), (10, 1), (2, 3), (3, 6), (10, 10)])
def test_every_replicate_equals_rliable_on_the_same_resample(metric, ties, runs, tasks):
    x = scores(runs, tasks, ties=ties)
    expected = [ORACLE[metric](r) for r in resamples(x, 60)]
    np.testing.assert_allclose(stats.replicates(x, metric, reps=60, seed=0), expected, rtol=0, atol=1e-12)
    assert stats.aggregate(x, metric) == pytest.approx(ORACLE[metric](x), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_probability_of_improvement_equals_rliable_on_the_same_resamples(ties):
    x, y = scores(7, 4, 1, ties), scores(5, 4, 2, ties)
    expected = [metrics.probability_of_improvement(a, b) for a, b in zip(resamples(x, 60, 0), resamples(y, 60, 1), strict=True)]
    np.testing.assert_allclose(stats.improvement_replicates(x, y, reps=60, seed=0), expected, rtol=0, atol=1e-12)
    assert stats.probability_of_improvement(x, y, reps=60).point == pytest.approx(metrics.probability_of_improvement(x, y), abs=1e-12)


def test_performance_profile_equals_rliable():
    x, taus = scores(), np.linspace(0, 1.5, 16)
    found = stats.performance_profile({"a": x}, taus, reps=500, simultaneous=False)["a"]
    np.testing.assert_allclose(found.point, library.score_distributions(x, taus), rtol=0, atol=1e-12)
    replicates = np.array([library.score_distributions(r, taus) for r in resamples(x, 500)])
    low, high = np.quantile(replicates, [0.025, 0.975], axis=0)
    certain = low == high  # below every score and above every score: rliable draws a band of no width, we claim none
    assert 0 < certain.sum() < len(taus)
    np.testing.assert_allclose(found.low, np.where(certain, np.nan, low), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.high, np.where(certain, np.nan, high), rtol=0, atol=1e-12)


def test_intervals_agree_with_rliables_own_bootstrap_within_its_noise():
    x = scores(10, 5)
    np.random.seed(0)  # rliable draws from NumPy's global stream, whatever random_state it is given
    _, theirs = library.get_interval_estimates({"a": x}, lambda s: np.array([metrics.aggregate_iqm(s)]), reps=4000)
    ours = stats.interval_estimates({"a": x}, "iqm", reps=20_000)["a"]
    assert ours.low == pytest.approx(theirs["a"][0, 0], abs=0.01)
    assert ours.high == pytest.approx(theirs["a"][1, 0], abs=0.01)


def test_the_numpy_kernels_give_the_same_bits_as_numba():
    x, y = scores(9, 5, 3), scores(6, 5, 4)
    a, b = bootstrap.pair_of(x, y)
    counts_x, counts_y = next(bootstrap.blocks(a.runs, 200, 0, 0)), next(bootstrap.blocks(b.runs, 200, 0, 1))
    order = np.argsort(a.values, axis=0).T.copy()
    ordered = np.take_along_axis(a.values.T, order, axis=1)
    pairs = [
        (bootstrap._iqm, bootstrap._iqm_numpy, (counts_x, order, ordered, 11.0, 34.0)),
        (bootstrap._task_means, bootstrap._task_means_numpy, (counts_x, a.values, a.task, a.runs)),
        (bootstrap._improvement, bootstrap._improvement_numpy, (counts_x, counts_y, *bootstrap.standing(a, b), a.runs, b.runs)),
    ]
    for compiled, plain, arguments in pairs:
        assert np.array_equal(compiled(*arguments), plain(*arguments))


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    one, again, other = (stats.interval_estimates({"a": scores()}, reps=3000, seed=s)["a"] for s in (0, 0, 1))
    assert (one.low, one.high) == (again.low, again.high)
    assert one.low != other.low


def test_an_interval_does_not_depend_on_the_other_algorithms():
    alone = stats.interval_estimates({"a": scores()}, reps=500)["a"]
    beside = stats.interval_estimates({"b": scores(seed=9), "a": scores()}, reps=500)["a"]
    assert alone == beside


def test_the_global_random_state_is_neither_used_nor_changed():
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    stats.interval_estimates({"a": scores()}, reps=100)
    assert np.array_equal(before, np.random.get_state()[1])


def test_iqm_is_the_mean_of_the_middle_half():
    assert stats.aggregate(np.array([[0.0], [1], [2], [3], [4], [5], [6], [100]])) == (2 + 3 + 4 + 5) / 4


def test_the_probability_of_improvement_by_hand():
    x, y = np.array([[3.0], [1.0]]), np.array([[2.0], [1.0]])
    # 3 > 2, 3 > 1, 1 < 2, 1 = 1
    assert stats.probability_of_improvement(x, y, reps=10).point == (1 + 1 + 0 + 0.5) / 4


def test_the_probability_of_improvement_of_resamples_counts_pairs_and_ties_by_half():
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 4, (7, 3)).astype(float), draw.integers(0, 4, (5, 3)).astype(float)
    pairs = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])  # [runs of x, runs of y, tasks]
    a, b = bootstrap.pair_of(x, y)
    of_x, of_y = (next(bootstrap.blocks(side.runs, 200, 0, k)).reshape(3, -1, 200) for k, side in enumerate((a, b)))
    expected = np.einsum("mir,mjr,ijm->mr", of_x, of_y, pairs).mean(axis=0) / (7 * 5)
    np.testing.assert_allclose(stats.improvement_replicates(x, y, reps=200), expected, rtol=1e-12)


def test_checkpoints_share_one_resample_of_the_runs():
    x = scores(6, 2)
    curve = np.stack([x, x], axis=2)  # the same checkpoint twice
    values = stats.replicates(curve, "iqm", reps=50)
    assert values.shape == (50, 2)
    assert np.array_equal(values[:, 0], values[:, 1])


def test_a_simultaneous_band_is_wider_and_holds_95_of_100_replicate_curves_from_end_to_end():
    x = np.random.default_rng(0).normal(size=(8, 2, 12))
    point = stats.interval_estimates({"a": x}, reps=2000)["a"]
    band = stats.interval_estimates({"a": x}, reps=2000, simultaneous=True)["a"]
    assert np.all(band.low <= point.low) and np.all(point.high <= band.high)
    curves = stats.replicates(x, "iqm", reps=2000)
    inside = np.all((curves >= band.low) & (curves <= band.high), axis=1).mean()
    assert 0.95 <= inside < 0.96
    assert np.all((curves >= point.low) & (curves <= point.high), axis=1).mean() < 0.9


def test_tasks_may_have_different_numbers_of_runs():
    ragged = [np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0])]
    assert stats.aggregate(ragged, "mean") == (2 + 15) / 2
    estimate = stats.interval_estimates({"a": ragged}, "mean", reps=500)["a"]
    assert estimate.n == 2 and estimate.low < estimate.point < estimate.high


def test_one_run_claims_no_interval():
    estimate = stats.interval_estimates({"a": scores(runs=1)}, reps=100)["a"]
    assert np.isnan(estimate.low) and np.isnan(estimate.high)
    assert not estimate.is_claimed and estimate.note == "n = 1: no interval"
    assert stats.t_interval(np.array([3.0])).note == "n = 1: no interval"
    assert stats.equivalence(scores(runs=1), scores(runs=1, seed=1), 0.1, reps=100).tier == "none"


def test_equal_runs_claim_no_interval_rather_than_one_without_width():
    estimate = stats.interval_estimates({"a": np.full((10, 2), -13.0)}, reps=100)["a"]
    assert estimate.point == -13
    assert not estimate.is_claimed and np.isnan(estimate.low) and estimate.note == "all runs equal: no interval"


def test_nan_is_refused_by_the_name_of_who_holds_it():
    x = scores()
    x[3, 1] = np.nan
    with pytest.raises(stats.BadScores, match=r"'ppo' hold 1 value\(s\) that are not finite \(first: run 3, task 1\)"):
        stats.interval_estimates({"ppo": x}, reps=10)
    with pytest.raises(stats.BadScores, match="not finite"):
        stats.difference(scores(), x, reps=10)


def test_misshapen_scores_are_refused():
    with pytest.raises(stats.BadScores, match="expected"):
        stats.interval_estimates({"a": np.zeros(3)}, reps=10)
    with pytest.raises(stats.BadScores, match="the same tasks"):
        stats.difference(scores(tasks=2), scores(tasks=3), reps=10)
    with pytest.raises(stats.BadScores, match="without a run"):
        stats.interval_estimates({"a": [np.array([])]}, reps=10)


def test_the_sides_of_a_difference_are_resampled_independently():
    x = scores()
    found = stats.difference(x, x, reps=2000)
    assert found.point == 0
    assert found.low < 0 < found.high


def test_t_and_welch_intervals_equal_scipys():
    x, y = scores(8, 1, 1)[:, 0], scores(6, 1, 2)[:, 0]
    t = scipy.stats.ttest_1samp(x, 0).confidence_interval(0.95)
    welch = scipy.stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.90)
    assert (stats.t_interval(x).low, stats.t_interval(x).high) == pytest.approx((t.low, t.high))
    found = stats.welch_difference(x, y, confidence=0.90)
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high))


@pytest.mark.parametrize("method", ["bootstrap", "welch"])
def test_the_tiers_of_parity(method):
    rng = np.random.default_rng(0)
    x, near, far, noisy = (rng.normal(m, sd, 30) for m, sd in ((1.0, 0.02), (1.0, 0.02), (0.5, 0.02), (1.0, 1.0)))
    shape = (lambda s: s) if method == "welch" else (lambda s: s[:, None])
    tier = lambda a, b, margin=0.05: stats.equivalence(shape(a), shape(b), margin, method=method, reps=2000).tier
    assert tier(x, near) == "C"
    assert tier(x, far) == "different"
    assert tier(x, noisy) == "D"
    assert tier(x, near, margin=None) != "C"  # no margin fixed beforehand, no claim
    assert tier(np.full(10, 500.0), np.full(10, 500.0)) == "identical"
    flat = tier(np.full(10, 500.0), np.full(10, 400.0))  # by the exact permutation test p = 2 / C(20, 10)
    assert flat == ("unlike" if method == "welch" else "different"), "26 of 100 runs may fail unseen, which an IQM does not notice"
    assert tier(np.full(3, 500.0), np.full(3, 400.0)) == "none"  # p = 2 / C(6, 3) = 0.1
    assert tier(x[:4], x[:4] + 0.001) == "D"  # too few runs, however close


def test_equal_aggregates_of_unequal_tasks_are_not_identical():
    x, y = np.tile([0.0, 1.0], (10, 1)), np.tile([1.0, 0.0], (10, 1))
    assert stats.equivalence(x, y, 0.05, reps=100).tier == "none"


def test_a_margin_must_be_positive():
    with pytest.raises(ValueError, match="margin=0 must be positive"):
        stats.equivalence(scores(), scores(), 0)


def test_separated_runs_claim_no_interval_of_the_probability_of_improvement():
    found = stats.probability_of_improvement(np.full((5, 1), 2.0) + scores(5, 1), np.full((5, 1), -2.0) + scores(5, 1), reps=100)
    assert found.point == 1 and not found.is_claimed and "do not overlap" in found.note


def test_a_task_summary_by_hand():
    summary = stats.task_summary(np.array([1.0, 2.0, 3.0, 10.0]), reps=500)
    assert (summary.n, summary.mean, summary.median, summary.iqm) == (4, 4.0, 2.5, 2.5)
    assert (summary.minimum, summary.maximum) == (1, 10)
    assert summary.sd == pytest.approx(np.sqrt((9 + 4 + 1 + 36) / 3))


