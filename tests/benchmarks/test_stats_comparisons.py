"""Tests, effect sizes, equivalence and power: against SciPy, against counting, and against what repeated studies show."""

import itertools

import numpy as np
import pytest
import scipy.stats

from benchmarks import stats
from benchmarks.stats import comparisons, power
from benchmarks.stats.sequential import SequentialTest


def samples(n=6, m=5, apart=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(apart, 1, n), rng.normal(0, 2, m)


# -------------------------------------------------------------------------------------------------------------------- tests


def test_the_exact_permutation_test_equals_scipys():
    x, y = samples(apart=1.5)
    apart = lambda a, b, axis: np.abs(scipy.stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic)
    theirs = scipy.stats.permutation_test((x, y), apart, n_resamples=np.inf, alternative="greater", vectorized=True)
    ours = stats.permutation_test([x], [y], "mean")
    assert ours.p == pytest.approx(theirs.pvalue) and ours.method == "exact permutation, 462 divisions"


def test_the_permutation_test_of_the_iqm_counts_every_division():
    x, y = samples(4, 4, apart=1.0)
    everything = np.concatenate([x, y])
    yuen = lambda a, b: abs(scipy.stats.ttest_ind(a, b, equal_var=False, trim=0.25).statistic)
    observed = yuen(x, y)
    far = [yuen(everything[list(c)], np.delete(everything, c)) >= observed * (1 - 1e-9) for c in itertools.combinations(range(8), 4)]
    assert stats.permutation_test([x], [y], "iqm").p == pytest.approx(np.mean(far))


def test_a_random_permutation_test_is_near_the_exact_one_and_never_zero():
    x, y = samples(8, 8, apart=1.2)
    exact, random = stats.permutation_test([x], [y], "mean"), stats.permutation_test([x], [y], "mean", most_exact=10, reps=20_000)
    assert random.p == pytest.approx(exact.p, abs=0.01) and "20,000 random divisions" in random.method
    assert stats.permutation_test([x + 100] * 3, [y] * 3, reps=99).p == 0.01


def test_a_paired_permutation_test_flips_the_signs_of_the_differences():
    rng = np.random.default_rng(0)
    y = rng.normal(0, 10, 7)
    x = y + rng.normal(1, 0.5, 7)
    flips = np.array(list(itertools.product([1, -1], repeat=7))) @ (x - y)
    found = stats.permutation_test([x], [y], "mean", paired=True)
    assert found.p == pytest.approx(np.mean(np.abs(flips) >= abs((x - y).sum()) - 1e-9)) and found.method == "exact paired permutation, 128 divisions"
    assert stats.permutation_test([x], [y], "mean").p > 0.5, "unpaired, the spread of the environments hides it"


def test_the_t_test_of_one_task_is_welchs_or_yuens_or_the_paired_one():
    x, y = samples(8, 6, apart=1.0)
    assert stats.t_test([x], [y], "mean").p == pytest.approx(scipy.stats.ttest_ind(x, y, equal_var=False).pvalue)
    assert stats.t_test([x], [y], "iqm").p == pytest.approx(scipy.stats.ttest_ind(x, y, equal_var=False, trim=0.25).pvalue)
    assert stats.t_test([x[:6]], [y], "mean", paired=True).p == pytest.approx(scipy.stats.ttest_rel(x[:6], y).pvalue)


@pytest.mark.parametrize(("n", "m", "spread"), [(10, 10, 5.0), (10, 5, 0.2), (5, 5, 5.0)])
def test_equal_centres_with_unequal_spread_are_seldom_called_different(n, m, spread):
    """A plain permutation test of the difference of IQMs claims one in 18 % (10 against 10) and 39 % (sd 1 against 5 at 10 and 5 runs) of studies."""
    hits = 0
    for study in range(400):
        rng = np.random.default_rng([1, study])
        x, y = rng.normal(0, 1, n), rng.normal(0, spread, m)
        hits += stats.difference_test([x], [y], "iqm", reps=300, most_exact=300, seed=study).p < 0.05
    assert hits / 400 < 0.06 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("metric", ["iqm", "mean"])
@pytest.mark.parametrize(("n", "m", "p"), [(5, 5, 2 / 252), (8, 8, 2 / 12870), (5, 10, 1 / 3003)])
def test_constant_scores_that_differ_are_told_apart_by_counting(metric, n, m, p):
    x, y = np.full(n, 0.1), np.full(m, 0.7)
    assert stats.difference_test([x], [y], metric).p == pytest.approx(p)
    found = stats.equivalence([x], [y], 0.05, metric, reps=200, bounds=(0.0, 1.0))
    assert found.tier == "different" and "no run differs from the others of its side" in found.difference.note


def test_the_larger_p_of_both_tests_decides():
    x, y = samples(5, 5, apart=3.0, seed=2)
    permuted, t, both = (test([x], [y], "iqm") for test in (stats.permutation_test, stats.t_test, stats.difference_test))
    assert both == max(permuted, t, key=lambda test: test.p)


def test_the_error_of_a_difference_is_that_of_simulated_studies():
    """Five tasks, ten runs each, IQM: the standard error that the tests divide by, beside the spread of the difference over studies."""
    rng, apart, errors = np.random.default_rng(0), [], []
    for _ in range(400):
        x, y = rng.normal(0, 1, (10, 5)), rng.normal(0, 2, (10, 5))
        sides = comparisons._sides(x, y, False)
        spread = comparisons._Spread.of("iqm", comparisons.pooled(*sides), *sides, 1.0, False)
        errors.append(spread(comparisons._as_observed(*sides)).sum())
        apart.append(stats.aggregate(x) - stats.aggregate(y))
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(apart), rel=0.1)


def test_runs_change_sides_only_within_their_task():
    x, y = [np.array([0.0, 0.1, 0.2]), np.array([100.0, 100.1, 100.2])], [np.array([0.05, 0.15, 0.25]), np.array([100.05, 100.15, 100.25])]
    assert stats.permutation_test(x, y, "mean", reps=2000).p > 0.2


def test_welch_and_paired_t_tests_equal_scipys():
    x, y = samples(apart=1.0)
    assert stats.welch_test(x, y).p == pytest.approx(scipy.stats.ttest_ind(x, y, equal_var=False).pvalue)
    z = samples(6, 6, seed=3)[1]
    assert stats.paired_test(x, z).p == pytest.approx(scipy.stats.ttest_rel(x, z).pvalue)
    found, theirs = stats.paired_difference(x, z), scipy.stats.ttest_rel(x, z).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_a_test_without_spread_or_with_one_run_says_that_it_is_none():
    assert np.isnan(stats.welch_test(np.ones(5), np.zeros(5)).p) and "no spread" in stats.welch_test(np.ones(5), np.zeros(5)).method
    assert np.isnan(stats.welch_test(np.ones(1), np.zeros(5)).p) and "n = 1" in stats.welch_test(np.ones(1), np.zeros(5)).method
    assert "no spread" in stats.paired_test(np.arange(5.0), np.arange(5.0)).method
    assert not stats.hedges_g(np.ones(4), np.ones(4)).is_claimed and not stats.welch_difference(np.ones(4), np.zeros(4)).is_claimed


def test_holm_by_hand():
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # 3 × 0.01; 2 × 0.03; then 1 × 0.04, but never below the former
    assert stats.holm([0.5, 0.9]) == [1.0, 1.0]
    with_gap = stats.holm([0.01, float("nan"), 0.02])
    assert with_gap[0] == 0.02 and np.isnan(with_gap[1]) and with_gap[2] == 0.02  # what was not tested does not count
    assert stats.holm([]) == []


# ----------------------------------------------------------------------------------------------------------------- effect sizes


def test_cliffs_delta_by_hand():
    found = stats.cliffs_delta([np.array([3.0, 1.0])], [np.array([2.0, 1.0])], reps=50)
    assert found.point == (1 + 1 - 1 + 0) / 4


def test_hedges_g_by_hand():
    x, y = np.array([2.0, 4.0, 6.0]), np.array([1.0, 3.0, 5.0])
    j = 1 - 3 / (4 * 4 - 1)  # the usual approximation of the factor, to 1 %
    assert stats.hedges_g(x, y).point == pytest.approx(0.5 * j, rel=0.01)


def test_the_interval_of_hedges_g_inverts_the_noncentral_t():
    x, y = samples(9, 9, apart=1.0)
    found, factor = stats.hedges_g(x, y), np.sqrt(2 / 9)
    t = scipy.stats.ttest_ind(x, y).statistic
    unbiased = found.point / (t * factor)
    for bound, share in ((found.low, 0.975), (found.high, 0.025)):
        assert scipy.stats.nct.cdf(t, 16, bound / unbiased / factor) == pytest.approx(share, abs=1e-6)


def test_a_huge_effect_has_a_finite_interval():
    found = stats.hedges_g(np.array([1e6, 1e6 + 1]), np.array([0.0, 1.0]))
    assert 0 < found.low < found.point < found.high < np.inf


# ----------------------------------------------------------------------------------------------------------------------- power


def test_power_is_what_the_design_notes_measured():
    assert stats.t_power(20, 20, 1.0) == pytest.approx(0.87, abs=0.01)  # Welch finds 1 sd with 20 seeds, power .87
    assert stats.equivalence_power(20, 1.0) == pytest.approx(0.85, abs=0.02) and stats.runs_for_equivalence(0.5) == 70
    assert stats.runs_to_detect(1.0) == 17 and stats.minimal_detectable_effect(17, 17) < 1 < stats.minimal_detectable_effect(16, 16)
    assert stats.runs_to_detect(0.001, most=1000) is None and stats.runs_for_equivalence(0.5, effect=0.6) is None


def test_the_power_formulas_agree_with_simulation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(1.2, 1, (4000, 8)), rng.normal(0, 1, (4000, 8))
    p = scipy.stats.ttest_ind(x, y, axis=1).pvalue
    assert stats.t_power(8, 8, 1.2) == pytest.approx((p < 0.05).mean(), abs=0.02)
    same = scipy.stats.ttest_ind(x - 1.2, y, axis=1).confidence_interval(0.90)
    assert stats.equivalence_power(8, 1.2) == pytest.approx(((same.low > -1.2) & (same.high < 1.2)).mean(), abs=0.02)


def test_a_simulated_power_curve_rises_and_is_repeatable():
    draw = power.of_spread(1.0)
    curve = lambda: power.power_curve(draw, draw, effect=2.0, margin=2.0, sizes=(3, 10), sd=1.0, reps=60, resamples=100)
    few, many = curve()
    assert few.finds < 0.4 < 0.7 < many.finds and few.equivalent == 0 and many.equivalent > 0.5
    assert curve() == [few, many]
    assert many.detectable == stats.minimal_detectable_effect(10, 10)
    assert power.enough([few, many], lambda p: p.finds, 0.7) == 10 and power.enough([few, many], lambda p: p.finds, 0.999) is None


def test_power_counts_the_other_comparisons_the_pairs_and_the_batches():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 3, 12)  # what both runs of a seed share
    x, y = [hard + rng.normal(0, 0.5, 12)], [hard + rng.normal(0, 0.5, 12)]
    how = {"effect": 1.0, "margin": None, "sizes": (8,), "reps": 100, "resamples": 100}
    free, paired = ((power.of_study(x, y, paired=is_so), is_so) for is_so in (False, True))
    shares = [power.power_curve(*draws[:2], sd=draws[2], paired=is_so, **how)[0] for draws, is_so in (free, paired)]
    assert shares[0].finds < 0.2 < 0.4 < shares[1].finds and shares[1].detectable < shares[0].detectable / 2
    draw = power.of_spread(1.0)
    one, ten = (power.power_curve(draw, draw, sd=1.0, comparisons=k, **how | {"effect": 1.5})[0] for k in (1, 10))
    assert ten.finds < one.finds - 0.1 and ten.detectable > one.detectable and one.used == 8
    looked = power.power_curve(draw, draw, sd=1.0, batch=4, **how | {"effect": 4.0, "sizes": (12,)})[0]
    assert looked.finds > 0.95 and looked.used < 8


@pytest.mark.parametrize(("wrong", "complaint"), [({"effect": 0.0}, "effect=0"), ({"margin": -1.0}, "margin=-1 must be positive")])
def test_a_power_curve_refuses_what_no_study_could_ask(wrong, complaint):
    draw = power.of_spread(1.0)
    with pytest.raises(ValueError, match=complaint):
        power.power_curve(draw, draw, **{"effect": 1.0, "margin": 1.0, "sizes": (5,), "sd": 1.0} | wrong)


def test_a_study_becomes_a_population_without_a_difference():
    rng = np.random.default_rng(0)
    x, y = [rng.normal(3, 1, 10)] * 2, [rng.normal(0, 1, 10)] * 2
    one, other, sd = power.of_study(x, y)
    drawn = [draw(np.random.default_rng(1), 20_000) for draw in (one, other)]
    assert stats.aggregate(drawn[0]) == pytest.approx(stats.aggregate(drawn[1]), abs=0.05) and sd > 0
    with pytest.raises(stats.BadScores, match="do not vary"):
        power.of_study([np.ones(5)], [np.ones(5)])


# ----------------------------------------------------------------------------------------------------------------------- parity


def test_tost_p_is_below_5_percent_exactly_where_the_90_percent_interval_is_inside():
    for seed in range(40):
        x, y = samples(9, 9, seed=seed)
        narrow = stats.welch_difference(x, y, confidence=0.90)
        assert (stats.equivalence_p(x, y, 1.5) < 0.05) == (narrow.low > -1.5 and narrow.high < 1.5)


def test_a_difference_is_claimed_by_the_test_not_by_the_interval():
    """Five runs a side: a bootstrap interval may exclude 0 where no division of the runs is surprising."""
    verdicts = []
    for seed in range(60):
        x, y = samples(5, 5, apart=1.5, seed=seed)
        found = stats.equivalence([x], [y], None, reps=400)
        assert (found.tier in ("different", "unlike")) == (found.test.p < 0.05)
        verdicts.append((found.tier, found.difference.excludes_zero))
        if verdicts[-1] == ("D", True):
            assert "excludes 0, but the test" in found.note
    assert len(set(verdicts)) >= 3


def test_holm_takes_back_a_claim_that_only_one_test_of_many_makes():
    x, y = samples(6, 6, apart=4.0)
    alone = stats.equivalence(x, y, None, method="welch")
    assert alone.tier == "different"
    assert alone.adjusted(0.2).tier == "D" and "after Holm" in alone.adjusted(0.2).note
    assert alone.decided("sequential", is_different=False).tier == "D" and alone.decided("sequential", is_different=True).note == "sequential"


def test_five_seeds_would_often_have_told_another_story_of_a_small_difference():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (2, 20, 3))
    small, large = (stats.fewer_seeds(noise[0] + d, noise[1], 5, reps=2000) for d in (0.2, 10.0))
    assert large.same_sign == 1 and 0.5 < small.same_sign < 1 and small.low < 0 < small.high
    whole = stats.fewer_seeds(noise[0], noise[1], 20, reps=50)
    assert whole.low == pytest.approx(whole.high), "all of the runs are all of the runs"


def test_leaving_a_task_out_leaves_the_others():
    x = [np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 10.0, 10.0, 10.0])]
    assert stats.leave_one_task_out({"a": x}, ["p", "q"]) == {"p": {"a": 10.0}, "q": {"a": 2.5}}
    assert stats.leave_one_task_out({"a": x[:1]}, ["p"]) == {}


# ------------------------------------------------------------------------------------------------------------------ sequential


def repeat(n_studies, deltas, looks=4, n=5, seed=0):
    """The tests of studies in which algorithm k is `deltas[k − 1]` better than the first."""
    for study in range(n_studies):
        rng = np.random.default_rng([seed, study])
        test = SequentialTest([str(k) for k in range(1, len(deltas) + 1)], looks, reps=200, seed=study)
        while not test.is_finished:
            first = rng.normal(0, 1, n)
            test.look({name: ([rng.normal(d, 1, n)], [first]) for name, d in zip(test.names, deltas, strict=True)})
        yield test


def test_looking_four_times_at_equal_algorithms_errs_in_5_percent_of_studies():
    looks = np.array([test.decisions["1"].look for test in repeat(1000, [0.0])])
    assert 0.03 < (looks > 0).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    for k in (1, 2, 3, 4):  # k quarters of the error are spent by the k-th look; what an early look leaves, a later one may use
        assert ((looks > 0) & (looks <= k)).mean() < 0.05 * k / 4 + 3 * np.sqrt(0.05 * k / 4 / 1000)


def test_three_comparisons_together_err_in_5_percent_of_studies():
    false = np.mean([len(test.open) < 3 for test in repeat(500, [0.0, 0.0, 0.0], seed=1)])
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


def test_a_clear_difference_stops_early_and_the_rest_goes_on():
    tests = list(repeat(60, [0.0, 6.0], seed=2))
    assert all(test.decisions["2"].verdict == "larger" for test in tests)
    assert np.mean([test.decisions["2"].look for test in tests]) < 2.5
    assert np.mean([test.decisions["1"].look == 0 for test in tests]) > 0.85 and all(test.taken == 4 for test in tests if test.open)


def test_the_first_boundary_is_the_quantile_of_all_divisions():
    """One look: the sequential test is the permutation test."""
    x, y = np.array([5.0, 6.0, 7.0, 8.0]), np.array([0.0, 1.0, 2.0, 3.0])  # the two extreme divisions of 70: p = 2/70
    for alpha, decided in ((0.06, True), (0.01, False)):
        test = SequentialTest(["a"], 1, alpha=alpha, reps=5000)
        test.look({"a": ([x], [y])})
        assert bool(test.decisions["a"].look) == decided
    assert comparisons.permutation_test([x], [y], "mean").p == pytest.approx(2 / 70)


def test_paired_batches_change_sides_as_pairs():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 8)
    x, y = hard + 1 + rng.normal(0, 0.3, 8), hard + rng.normal(0, 0.3, 8)
    verdicts = []
    for paired in (False, True):
        test = SequentialTest(["a"], 1, reps=2000, paired=paired)
        test.look({"a": ([x], [y])})
        verdicts.append(test.decisions["a"].verdict)
    assert verdicts == ["undecided", "larger"]
    with pytest.raises(stats.BadScores, match="paired runs"):
        SequentialTest(["a"], 1, paired=True).look({"a": ([x], [y[:7]])})


def test_the_unit_of_the_scores_does_not_matter_and_equal_runs_decide_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 1, 6), rng.normal(0, 1, 6)
    decisions = []
    for unit in (1.0, 1e-6, 1e6):
        test = SequentialTest(["a", "equal"], 2, reps=500)
        test.look({"a": ([x * unit], [y * unit]), "equal": ([np.full(6, 0.1)], [np.full(6, 0.1)])})
        decisions.append(test.decisions["a"])
        assert test.decisions["equal"].look == 0
    assert len(set(decisions)) == 1


def test_a_sequential_test_is_over_when_it_is_over():
    test = SequentialTest(["a"], 1, reps=100)
    test.look({"a": ([np.arange(3.0)], [np.arange(3.0)])})
    assert test.is_finished and test.decisions["a"].verdict == "undecided"
    with pytest.raises(ValueError, match="over after 1 of 1 looks"):
        test.look({"a": ([np.arange(3.0)], [np.arange(3.0)])})
    with pytest.raises(ValueError, match="needs at least 200 permutations; reps=100"):
        SequentialTest(["a"], 10, reps=100)
    with pytest.raises(stats.BadScores, match="no runs for b"):
        SequentialTest(["a", "b"], 2, reps=100).look({"a": ([np.arange(3.0)], [np.arange(3.0)])})
