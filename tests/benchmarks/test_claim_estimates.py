"""Numbers of claims: contrasts, ratios and shares with their intervals and tests, against SciPy, published examples and numbers worked by hand."""

import itertools

import numpy as np
import pytest
import scipy.stats

from benchmarks import stats
from benchmarks.claims import estimates
from benchmarks.claims.claim import Metric
from benchmarks.claims.estimates import OPEN, Cells, Effort, contrast, ratio, seeds_to_settle, sign_flips, wilson
from benchmarks.claims.metrics import metric_of

HURRIED = Effort(divisions=2000, exact=2000, is_hurried=True)


def cells(*values, by=(1.0, -1.0), **more):
    return Cells(tuple(np.asarray(v, dtype=float) for v in values), tuple(by), **{"paired": False, **more})


def normal(n=8, seed=0, apart=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(apart, 1, n), rng.normal(0, 2, n)


# ---------------------------------------------------------------------------------------------------------------- contrasts


def test_two_independent_arms_have_welchs_interval():
    x, y = normal()
    theirs = scipy.stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    found = contrast(cells(x, y))
    assert (found.point, found.low, found.high) == pytest.approx((x.mean() - y.mean(), theirs.low, theirs.high))


def test_the_p_of_two_independent_arms_is_the_reports():
    x, y = normal()
    assert contrast(cells(x, y)).p == pytest.approx(stats.difference_test([x], [y], "mean").p)


def test_a_difference_is_tested_against_another_number_than_0_as_the_shifted_arm_would_be():
    x, y = normal(apart=5.0)
    assert contrast(cells(x, y), nothing=4.0).p == pytest.approx(contrast(cells(x - 4.0, y)).p)


def test_runs_that_lie_apart_by_just_that_number_are_no_evidence_against_it():
    assert contrast(cells([5] * 8, [1] * 8), nothing=4.0).p == 1


def test_which_arm_is_written_first_does_not_change_the_p():
    x, y = normal(apart=5.0)
    assert contrast(cells(x, y), nothing=4.0).p == pytest.approx(contrast(cells(y, x, by=(-1.0, 1.0)), nothing=4.0).p)


def test_arms_of_the_same_seeds_have_the_paired_interval_and_the_larger_of_two_ps():
    x, y = normal()
    theirs = scipy.stats.ttest_rel(x, y)
    found = contrast(cells(x, y, paired=True))
    flips = np.array(list(itertools.product([1, -1], repeat=8))) @ (x - y)
    by_signs = np.mean(np.abs(flips) >= abs((x - y).sum()) - 1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.p == pytest.approx(max(by_signs, theirs.pvalue))


def test_a_contrast_of_three_arms_has_satterthwaites_degrees_of_freedom():
    """Σ c² s²/n = 1/2·(1/2) … worked by hand: variances 2, 8, 18 of two runs each, c = 1, −½, −½: error² = 1 + 1 + 2.25, ν = 4.25²/(1 + 1 + 2.25²)."""
    found = contrast(cells([1, 3], [0, 4], [0, 6], by=(1.0, -0.5, -0.5)))
    half = scipy.stats.t.ppf(0.975, 4.25**2 / (1 + 1 + 2.25**2)) * 4.25**0.5
    assert (found.point, found.low, found.high) == pytest.approx((2 - 1 - 1.5, -0.5 - half, -0.5 + half))


def test_a_contrast_of_more_arms_is_tested_by_sign_flips_too():
    found = contrast(cells([1, 3, 2, 4], [0, 0.1, 0, 0.1], [0, 0, 0.1, 0.1], by=(1.0, -0.5, -0.5)))
    assert found.p == 2 / 2**4 and found.method == "exact sign flips, 16", "four seeds allow no smaller p, whatever the t test finds"


def test_one_arm_is_compared_with_a_constant_as_students_t_test_does():
    x = normal(12)[0]
    found = contrast(cells(x, by=(1.0,)), nothing=0.5)
    assert (found.low, found.high) == pytest.approx(tuple(scipy.stats.ttest_1samp(x, 0.5).confidence_interval(0.95)))
    assert found.p == pytest.approx(max(scipy.stats.ttest_1samp(x, 0.5).pvalue, sign_flips(x - 0.5)[0]))


def test_coefficients_need_not_sum_to_nothing():
    x, y = normal()
    assert contrast(cells(x, y, by=(1.0, -0.5))).p == pytest.approx(stats.difference_test([x], [0.5 * y], "mean").p)
    assert contrast(cells(x, y, by=(1.0, 1.0))).point == pytest.approx(x.mean() + y.mean())
    assert contrast(cells([2] * 8, [4] * 8, by=(1.0, -0.5))).p == 1, "2 is half of 4"


def test_negative_scores_are_as_good_as_others():
    x, y = normal()
    here, there = contrast(cells(x, y)), contrast(cells(x - 1000, y - 1000))
    assert (here.low, here.high, here.p) == pytest.approx((there.low, there.high, there.p))


# --------------------------------------------------------------------------------------------------------- runs without spread


@pytest.mark.parametrize("paired", [True, False])
def test_one_run_has_an_interval_without_ends_and_a_p_of_1(paired):
    found = contrast(cells([5], [1], paired=paired))
    assert (found.low, found.high) == (found.low90, found.high90) == OPEN and found.p == 1


@pytest.mark.parametrize(("n", "p"), [(2, 1 / 3), (5, 2 / 252)])
def test_runs_that_are_all_alike_are_worth_what_permutation_says(n, p):
    found = contrast(cells([5] * n, [1] * n))
    assert (found.low, found.high) == (4, 4) and found.p == pytest.approx(p)


@pytest.mark.parametrize("by", [(1.0,), (1.0, -0.5, -0.5)])
def test_alike_runs_of_one_arm_or_of_three_are_worth_what_sign_flips_say(by):
    assert contrast(cells(*[[5 + k] * 5 for k in range(len(by))], by=by), nothing=1.0).p == 2 / 2**5


@pytest.mark.parametrize("paired", [True, False])
def test_equal_runs_that_do_not_vary_have_a_p_of_1(paired):
    assert contrast(cells([5, 5, 5], [5, 5, 5], paired=paired)).p == 1


def test_an_exact_number_is_known_from_one_seed():
    found = contrast(cells([5], [1], is_exact=True))
    assert (found.low, found.high, found.p) == (4, 4, 0)
    assert contrast(cells([0.3], [0.1], by=(1.0, -3.0), is_exact=True)).p == 1, "0.3 is 3 · 0.1 but for rounding"


def test_of_an_exact_claim_a_number_that_seeds_change_is_tested_as_any_other():
    x, y = normal()
    assert contrast(cells(x, y, is_exact=True)) == contrast(cells(x, y))


def test_an_arm_that_does_not_vary_leaves_the_error_to_the_other():
    x = normal()[0]
    theirs = scipy.stats.ttest_1samp(x, 0).confidence_interval(0.95)
    found = contrast(cells(x, np.full(8, 2.0)))
    assert (found.low, found.high) == pytest.approx((theirs.low - 2, theirs.high - 2))


# ------------------------------------------------------------------------------------------------------------------- ratios


def test_fiellers_interval_has_its_closed_form():
    x, y = np.array([4.0, 5, 6, 5, 7]), np.array([2.0, 2.5, 2.2, 3.1, 2.4])
    t = scipy.stats.t.ppf(0.975, 4)
    covariance = np.cov(x, y) / 5
    a, b, c = y.mean() ** 2 - t**2 * covariance[1, 1], x.mean() * y.mean() - t**2 * covariance[0, 1], x.mean() ** 2 - t**2 * covariance[0, 0]
    root = np.sqrt(b**2 - a * c)
    found = ratio(x, y, paired=True)
    assert (found.point, found.low, found.high) == pytest.approx((x.mean() / y.mean(), (b - root) / a, (b + root) / a))


def test_an_independent_ratio_holds_exactly_the_values_whose_contrast_holds_0():
    x, y = normal(10, apart=10.0)[0], normal(10, apart=5.0, seed=3)[0]
    found = ratio(x, y, paired=False)
    for r, end in ((found.low, 0), (found.high, 1)):
        assert estimates.interval(cells(x, y, by=(1.0, -r)), 0.95)[end] == pytest.approx(0, abs=1e-8)


def test_a_ratio_whose_denominator_may_be_0_is_open_above():
    found = ratio(np.array([9.0, 10, 11, 10]), np.array([0.1, 3.0, -2.0, 4.0]), paired=False)
    assert found.high == np.inf and 0 < found.low < found.point


def test_a_ratio_that_is_the_same_in_every_seed_is_a_point():
    y = np.array([1.0, 2, 4, 8, 16, 32, 64])
    found = ratio(2 * y, y, paired=True)
    assert (found.low, found.point, found.high) == pytest.approx((2, 2, 2))


def test_a_ratio_of_one_run_a_side_is_open_unless_it_is_exact():
    one, other = np.array([6.0]), np.array([2.0])
    found, exact = ratio(one, other, paired=False), ratio(one, other, paired=False, is_exact=True)
    assert (found.low, found.high, found.p) == (*OPEN, 1)
    assert (exact.low, exact.high, exact.p) == (3, 3, 0)


@pytest.mark.parametrize(("x", "y"), [([1, 2], [-3, -4]), ([-1, -2], [-3, -4]), ([1, 2], [0, 0]), ([1, 2], [np.nan, 1])])
def test_a_ratio_of_means_that_are_not_positive_is_no_number(x, y):
    assert np.isnan(ratio(np.asarray(x, dtype=float), np.asarray(y, dtype=float), paired=False).point)


def test_the_ratio_of_nothing_over_something_is_nothing():
    found = ratio(np.zeros(4), np.array([1.0, 2, 3, 2]), paired=False)
    assert (found.low, found.point, found.high) == (0, 0, 0)


# ------------------------------------------------------------------------------------------------------------------- shares


def test_wilsons_interval_is_newcombes_example():
    """Newcombe (1998a), Table I, method 3: 81 of 263 has 0.2553 to 0.3662, 0 of 20 has 0 to 0.1611."""
    assert wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)


def shares(*counts, n, by=(1.0, -1.0), scale=1.0, **more):
    return cells(*([scale] * k + [0] * (m - k) for k, m in zip(counts, n, strict=True)), by=by, is_share=True, scale=scale, **more)


def test_the_difference_of_two_shares_has_newcombes_interval():
    """Newcombe (1998b), Table II, method 10: 56/70 − 48/80 is 0.2 with 0.0524 to 0.3339; 10/10 − 0/10 is 1 with 0.6075 to 1."""
    found = contrast(shares(56, 48, n=(70, 80)))
    assert (found.point, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    extreme = contrast(shares(10, 0, n=(10, 10)))
    assert (extreme.point, extreme.low, extreme.high) == pytest.approx((1, 0.6075, 1), abs=5e-5)


def test_percent_of_shares_are_a_hundred_times_as_much():
    one, hundred = contrast(shares(9, 2, n=(10, 10))), contrast(shares(9, 2, n=(10, 10), scale=100.0))
    assert (hundred.point, hundred.low, hundred.high, hundred.p) == pytest.approx((100 * one.point, 100 * one.low, 100 * one.high, one.p))


def test_a_share_that_is_scaled_by_a_negative_number_is_the_other_way_round():
    one, turned = contrast(shares(9, 2, n=(10, 10))), contrast(shares(9, 2, n=(10, 10), scale=-1.0))
    assert (turned.point, turned.low, turned.high, turned.p) == pytest.approx((-one.point, -one.high, -one.low, one.p))


def test_two_shares_are_compared_by_boschloos_exact_test():
    theirs = scipy.stats.boschloo_exact([[9, 2], [1, 8]]).pvalue
    assert contrast(shares(9, 2, n=(10, 10))).p == pytest.approx(theirs)


@pytest.mark.parametrize("k", [0, 10])
def test_shares_that_are_all_yes_or_all_no_differ_in_nothing_and_still_have_a_width(k):
    found = contrast(shares(k, k, n=(10, 10)))
    assert found.point == 0 and found.p == 1 and found.low < -0.2 and found.high > 0.2


def test_one_share_is_compared_with_a_constant_by_the_binomial_test():
    found = contrast(shares(9, n=(10,), by=(1.0,), scale=100.0), nothing=50)
    assert found.p == pytest.approx(22 / 1024), "0, 1, 9 or 10 of 10 heads"


def test_a_contrast_of_three_shares_is_put_together_by_squares():
    found, (low, high) = contrast(shares(9, 2, 4, n=(10, 10, 10), by=(1.0, -0.5, -0.5))), wilson(9, 10, 0.95)
    others = [wilson(k, 10, 0.95) for k in (2, 4)]
    down = (0.9 - low) ** 2 + (0.5 * (others[0][1] - 0.2)) ** 2 + (0.5 * (others[1][1] - 0.4)) ** 2
    up = (high - 0.9) ** 2 + (0.5 * (0.2 - others[0][0])) ** 2 + (0.5 * (0.4 - others[1][0])) ** 2
    assert (found.point, found.low, found.high) == pytest.approx((0.6, 0.6 - down**0.5, 0.6 + up**0.5))


def test_shares_of_an_exact_claim_are_tested_as_any_others():
    assert contrast(shares(10, 0, 0, n=(10, 10, 10), by=(1.0, -0.5, -0.5), is_exact=True)).p == 2 / 2**10


# --------------------------------------------------------------------------------------------------------------- sign flips


def test_sign_flips_are_counted_by_hand():
    """Of (3, 2, −1) the sum is 4: of 8 sign choices ±6 and ±4 lie as far, which are 4."""
    assert sign_flips(np.array([3.0, 2.0, -1.0])) == (0.5, "exact sign flips, 8")


def test_random_sign_flips_are_near_all_of_them_and_never_0():
    apart = np.random.default_rng(1).normal(0.5, 1, 12)
    random = sign_flips(apart, effort=Effort(divisions=20_000, exact=100))
    assert random[0] == pytest.approx(sign_flips(apart)[0], abs=0.01)
    assert sign_flips(np.ones(30), effort=Effort(divisions=99))[0] == 0.01


# ----------------------------------------------------------------------------------------------------------------- in a hurry


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("by", [(1.0, -1.0), (1.0, -0.5, -0.5)])
def test_a_hurried_test_is_significant_where_the_whole_one_is(paired, by):
    rng = np.random.default_rng(2)
    for apart in np.linspace(0, 2, 12):
        values = [rng.normal(apart * (k == 0), 1, 6) for k in range(len(by))]
        whole, hurried = (contrast(cells(*values, by=by, paired=paired), effort=e).p for e in (estimates.WHOLE, HURRIED))
        assert hurried == whole or min(hurried, whole) > 0.05


# ------------------------------------------------------------------------------------------------------------------ how many


@pytest.mark.parametrize(("spread", "effect"), [(2.0, 1.5), (1.0, 1.0)])
def test_so_many_seeds_find_the_effect_four_times_in_five(spread, effect):
    """spread: of the contrast of single runs, here of two arms with spread/√2 each."""
    n, rng = seeds_to_settle(spread, effect, is_null=False), np.random.default_rng(0)
    x, y = rng.normal(effect, spread / 2**0.5, (4000, n)), rng.normal(0, spread / 2**0.5, (4000, n))
    assert np.mean(scipy.stats.ttest_ind(x, y, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.05)


def test_so_many_seeds_place_a_null_within_its_margin_four_times_in_five():
    n, rng = seeds_to_settle(2.0, 1.5, is_null=True), np.random.default_rng(0)
    x, y = rng.normal(0, 2**0.5, (4000, n)), rng.normal(0, 2**0.5, (4000, n))
    inside = np.abs(x.mean(1) - y.mean(1)) + scipy.stats.t.ppf(0.95, 2 * n - 2) * np.sqrt((x.var(1, ddof=1) + y.var(1, ddof=1)) / n) <= 1.5
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)


def test_a_null_that_is_not_quite_nothing_needs_more_seeds():
    assert seeds_to_settle(2**0.5, 1.0, is_null=True, off=-0.5) == stats.runs_for_equivalence(1.0, effect=0.5) > seeds_to_settle(2**0.5, 1.0, is_null=True)


@pytest.mark.parametrize(("spread", "effect"), [(0.0, 1.0), (float("nan"), 1.0), (1.0, 0.0), (1.0, 1e-6)])
def test_no_number_of_seeds_is_named_where_none_can_be(spread, effect):
    assert seeds_to_settle(spread, effect, is_null=False) is None


# ------------------------------------------------------------------------------------------------------------------ metrics

STEPS = np.array([10.0, 20.0, 40.0])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric(), 9.0), (Metric(take="first"), 1.0), (Metric(take="max"), 9.0), (Metric(take="min"), 1.0), (Metric(take="sum"), 15.0),
        (Metric(take="mean"), 5.0), (Metric(take="area"), (3 * 10 + 7 * 20) / 30), (Metric(take="steps", threshold=5), 20.0),
        (Metric(take="steps", threshold=100), 40.0), (Metric(take="steps", threshold=2, below=True), 10.0), (Metric(threshold=9), 1.0),
        (Metric(threshold=9.5, scale=100), 0.0), (Metric(threshold=9, scale=100), 100.0), (Metric(threshold=9, below=True), 1.0),
    ],
)  # fmt: skip
def test_a_run_of_1_5_9_at_10_20_and_40_steps_has_these_metrics(metric, value):
    assert metric_of(np.array([1.0, 5.0, 9.0]), STEPS, metric) == pytest.approx(value)


@pytest.mark.parametrize("below", [True, False])
def test_a_run_that_ends_in_nan_says_neither_yes_nor_no(below):
    assert np.isnan(metric_of(np.array([1.0, 5.0, np.nan]), STEPS, Metric(threshold=3, below=below)))


def test_a_run_that_ends_in_infinity_has_passed_every_threshold_from_below():
    assert metric_of(np.array([1.0, 5.0, np.inf]), STEPS, Metric(threshold=1e9)) == 1
