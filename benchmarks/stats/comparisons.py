"""X against Y: tests of a difference, tests of equivalence, effect sizes, and what the number of runs lets one see.

A difference is claimed from a permutation test, whose error is controlled at any number of runs, corrected by Holm over its table; never
from an interval that excludes 0, nor from intervals that do not overlap. Equivalence is claimed from the 90 % interval of the difference
(two one-sided tests at 5 %, Schuirmann 1987) against a margin that was fixed before the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np
from scipy import optimize, special
from scipy import stats as distributions

from benchmarks.stats.bootstrap import FIRST, Scores, aggregate, check_paired, metric_of, pair_of, pooled, stream, subset_replicates, subsets
from benchmarks.stats.intervals import (
    NO_SPREAD,
    BadScores,
    Interval,
    check_confidence,
    difference,
    difference_replicates,
    no_interval,
    one_task,
    probability_of_improvement,
)

ALPHA = 0.05  # of every test here
POWER = 0.80
FEWEST_RUNS_FOR_EQUIVALENCE = 5  # below, no interval covers what it claims (results/calibration)
MOST_EXACT = 50_000  # divisions of one task's runs that are all counted (up to 9 against 9); beyond, a random sample of them
BLOCK = 1024


# --------------------------------------------------------------------------------------------------------------- differences


def welch_difference(x: np.ndarray, y: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """mean(x) − mean(y) of one task, with Welch's t interval; x and y are [runs]. Unequal variances and numbers of runs are allowed."""
    check_confidence(confidence)
    x, y = one_task(x, "x"), one_task(y, "y")
    point, n = float(x.mean() - y.mean()), min(len(x), len(y))
    if n == 1:
        return no_interval(point, 1, confidence, "n = 1: no interval")
    error, freedom = _welch(x, y)
    if error == 0:
        return no_interval(point, n, confidence, NO_SPREAD)
    half = float(distributions.t.ppf((1 + confidence) / 2, freedom) * error)
    return Interval(point, point - half, point + half, n, confidence)


def _welch(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The standard error of mean(x) − mean(y), and the Welch–Satterthwaite degrees of freedom."""
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return 0.0, float("nan")
    v_x, v_y = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    return float(np.sqrt(v_x + v_y)), float((v_x + v_y) ** 2 / (v_x**2 / (len(x) - 1) + v_y**2 / (len(y) - 1)))


def paired_difference(x: np.ndarray, y: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """mean(x − y) of one task with the paired t interval; run i of both belongs together."""
    check_confidence(confidence)
    apart = _pairs(x, y)
    point, n = float(apart.mean()), len(apart)
    if n == 1:
        return no_interval(point, 1, confidence, "n = 1: no interval")
    if np.ptp(apart) == 0:
        return no_interval(point, n, confidence, "no spread among the differences: no interval")
    half = float(distributions.t.ppf((1 + confidence) / 2, n - 1) * apart.std(ddof=1) / np.sqrt(n))
    return Interval(point, point - half, point + half, n, confidence)


def _pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = one_task(x, "x"), one_task(y, "y")
    if len(x) != len(y):
        raise BadScores(f"paired runs: x has {len(x)} runs, y has {len(y)}; keep the seeds that both have")
    return x - y


# --------------------------------------------------------------------------------------------------------------- tests


@dataclass(frozen=True)
class Test:
    """The p-value of a two-sided test, and how it was got."""

    __test__ = False  # not one of pytest's

    p: float
    method: str


def welch_test(x: np.ndarray, y: np.ndarray) -> Test:
    """Welch's t test of equal means; p is NaN where neither side varies, and says so."""
    x, y = one_task(x, "x"), one_task(y, "y")
    if min(len(x), len(y)) == 1:
        return Test(float("nan"), "n = 1: no test")
    error, freedom = _welch(x, y)
    if error == 0:
        return Test(float("nan"), "no spread among the runs: no t test")
    return Test(float(2 * distributions.t.sf(abs(x.mean() - y.mean()) / error, freedom)), "Welch's t")


def paired_test(x: np.ndarray, y: np.ndarray) -> Test:
    """The paired t test; run i of both belongs together."""
    apart = _pairs(x, y)
    if len(apart) == 1:
        return Test(float("nan"), "n = 1: no test")
    if np.ptp(apart) == 0:
        return Test(float("nan"), "no spread among the differences: no t test")
    return Test(float(2 * distributions.t.sf(abs(apart.mean()) / (apart.std(ddof=1) / np.sqrt(len(apart))), len(apart) - 1)), "paired t")


def permutation_test(
    x: Scores,
    y: Scores,
    metric: str = "iqm",
    *,
    reps: int = 50_000,
    seed: int = 0,
    threshold: float = 1.0,
    paired: bool = False,
    most_exact: int = MOST_EXACT,
) -> Test:
    """Are the runs of X and Y exchangeable on every task? By how far apart the metric is when runs change sides within their task.

    paired: run i of x and run i of y change sides together. Valid at any number of runs (Pitman 1937); it asks whether the
    distributions are the same, so a difference in spread can be found too. p counts the observed division itself, so it is never 0.
    All divisions of a single task are counted where they are at most `most_exact`, else `reps` random ones.
    """
    a, b = pair_of(x, y)
    if paired:
        check_paired(a, b)
    if a.has_checkpoints:
        raise BadScores("a permutation test needs final scores [runs, tasks], without checkpoints")
    both = pooled(a, b)
    one, other = (metric_of(metric, both, drawn=side.runs, threshold=threshold) for side in (a, b))
    name = "paired permutation" if paired else "permutation"
    exact = _all_divisions(int(a.runs[0]), int(b.runs[0]), paired, most_exact) if len(a.runs) == 1 else None
    counts = _in_blocks(exact) if exact is not None else _divisions(a.runs, b.runs, reps, seed, paired)
    observed = aggregate(x, metric, threshold=threshold) - aggregate(y, metric, threshold=threshold)
    as_far, total = 0, 0
    slack = 1e-9 * max(float(np.ptp(both.values)), np.finfo(float).tiny)  # what rounding may part
    for c in counts:
        apart = np.abs((one(c) - other(1 - c))[:, 0])
        as_far, total = as_far + int((apart >= abs(observed) - slack).sum()), total + len(apart)
    if exact is not None:
        return Test(as_far / total, f"exact {name}, {total:,} divisions")
    return Test((1 + as_far) / (1 + total), f"{name}, {total:,} random divisions")


@lru_cache(4)
def _all_divisions(n_x: int, n_y: int, paired: bool, most: int) -> np.ndarray | None:
    """Every way to divide the runs of one task between the sides, [n_x + n_y, divisions]; None if they are too many."""
    if (2**n_x if paired else comb(n_x + n_y, n_x)) > most:
        return None
    if paired:
        stays = np.array(list(product([1.0, 0.0], repeat=n_x))).T
        return np.concatenate([stays, 1 - stays])
    chosen = np.array(list(combinations(range(n_x + n_y), n_x)))
    division = np.zeros((n_x + n_y, len(chosen)))
    division[chosen.T, np.arange(len(chosen))] = 1
    return division


def _in_blocks(counts: np.ndarray):
    for first in range(0, counts.shape[1], BLOCK):
        yield np.ascontiguousarray(counts[:, first : first + BLOCK])


def _divisions(runs_x: np.ndarray, runs_y: np.ndarray, reps: int, seed: int, paired: bool):
    if not paired:
        yield from subsets(runs_x + runs_y, runs_x, reps, seed, FIRST)
        return
    rng = stream(seed, FIRST)
    for first in range(0, reps, BLOCK):
        stays = [rng.integers(0, 2, size=(n, min(BLOCK, reps - first))).astype(np.float64) for n in runs_x]
        yield np.concatenate([half for task in stays for half in (task, 1 - task)])


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjustment of the p-values of one table: each may be held against α itself. NaN (no test) stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return [float(v) for v in adjusted]


# --------------------------------------------------------------------------------------------------------------- effect sizes


def cliffs_delta(x: Scores, y: Scores, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95, paired: bool = False) -> Interval:
    """Cliff's δ = P(X > Y) − P(X < Y) (Cliff 1993), averaged over tasks, with the bootstrap interval: 2 P(improvement) − 1."""
    p = probability_of_improvement(x, y, reps=reps, seed=seed, confidence=confidence, paired=paired)
    return Interval(2 * p.point - 1, 2 * p.low - 1, 2 * p.high - 1, p.n, confidence, p.note)


def hedges_g(x: np.ndarray, y: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Hedges' g of one task: the difference of means in pooled standard deviations, without d's bias at small n (Hedges 1981, eq. 6e).

    The interval inverts the noncentral t distribution of the pooled t statistic: exact for normal scores of equal variance.
    """
    check_confidence(confidence)
    x, y = one_task(x, "x"), one_task(y, "y")
    n = min(len(x), len(y))
    if n == 1:
        return no_interval(float("nan"), 1, confidence, "n = 1: no effect size")
    freedom = len(x) + len(y) - 2
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return no_interval(float("nan"), n, confidence, "no spread among the runs: no effect size")
    sd = np.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / freedom)
    unbiased = float(np.exp(special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2))  # J
    d = float((x.mean() - y.mean()) / sd)
    scale = np.sqrt(1 / len(x) + 1 / len(y))
    low, high = (_noncentrality(d / scale, freedom, q) * scale for q in ((1 + confidence) / 2, (1 - confidence) / 2))
    return Interval(unbiased * d, unbiased * low, unbiased * high, n, confidence)


def _noncentrality(t: float, freedom: float, quantile: float) -> float:
    """The noncentrality at which the observed t is this quantile of its distribution."""
    reach = 10 * (1 + abs(t))
    return float(optimize.brentq(lambda delta: noncentral_t(t, freedom, delta) - quantile, t - reach, t + reach))


def noncentral_t(t: float, freedom: float, delta: float) -> float:
    """P(T ≤ t) of the noncentral t distribution: Φ(t s − δ), averaged over the pooled standard deviation s. (SciPy's is NaN in places.)"""
    s, weight = _pooled_sd(freedom)
    return float(weight @ special.ndtr(t * s - delta))


@cache
def _pooled_sd(freedom: float) -> tuple[np.ndarray, np.ndarray]:
    """Values of the pooled sd of normal scores of variance 1, and their weights: Gauss–Legendre over its quantiles."""
    node, weight = np.polynomial.legendre.leggauss(200)
    return np.sqrt(distributions.chi2.ppf((node + 1) / 2, freedom) / freedom), weight / 2


# ------------------------------------------------------------------------------------------------------- what n lets one see


def t_power(n_x: int, n_y: int, effect: float, *, alpha: float = ALPHA) -> float:
    """The probability that a two-sided t test finds a difference of `effect` standard deviations of a run, of normal scores."""
    freedom = n_x + n_y - 2
    critical, delta = float(distributions.t.ppf(1 - alpha / 2, freedom)), effect / np.sqrt(1 / n_x + 1 / n_y)
    return 1 - noncentral_t(critical, freedom, delta) + noncentral_t(-critical, freedom, delta)


def minimal_detectable_effect(n_x: int, n_y: int, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest difference of means, in standard deviations of a run, that a two-sided t test finds with this power."""
    if min(n_x, n_y) < 2:
        return float("inf")
    return float(optimize.brentq(lambda effect: t_power(n_x, n_y, effect, alpha=alpha) - power, 0.0, 100.0))


def runs_to_detect(effect: float, *, power: float = POWER, alpha: float = ALPHA, most: int = 10_000) -> int | None:
    """The fewest runs a side with which a difference of `effect` standard deviations is found with this power; None beyond `most`."""
    return _fewest(lambda n: minimal_detectable_effect(n, n, power=power, alpha=alpha) <= abs(effect), most)


def equivalence_power(n: int, margin: float, *, effect: float = 0.0, alpha: float = ALPHA) -> float:
    """The probability that TOST with n runs a side claims equivalence, margin and true difference in standard deviations of a run.

    Of normal scores, by the distribution of the mean given that of the pooled standard deviation (Owen's Q, as an integral over it).
    """
    if n < 2:
        return 0.0
    freedom, scale = 2 * n - 2, np.sqrt(2 / n)
    critical = distributions.t.ppf(1 - alpha, freedom) * scale
    s, weight = _pooled_sd(freedom)
    room = margin - critical * s
    inside = special.ndtr((room - effect) / scale) - special.ndtr((-room - effect) / scale)
    return float(weight @ np.where(room > 0, inside, 0.0))


def runs_for_equivalence(margin: float, *, power: float = POWER, effect: float = 0.0, most: int = 10_000) -> int | None:
    """The fewest runs a side with which two equal algorithms are found equivalent within ±margin (in standard deviations of a run)."""
    if margin <= abs(effect):
        return None
    return _fewest(lambda n: n >= FEWEST_RUNS_FOR_EQUIVALENCE and equivalence_power(n, margin, effect=effect) >= power, most)


def _fewest(enough, most: int) -> int | None:
    """The smallest n from 2 to `most` that is enough; None if none is. More is never too much."""
    if not enough(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


# ------------------------------------------------------------------------------------------------------------------- parity

PARITY = {
    "C": "equivalent within the margin",
    "D": "not distinguished, which is not parity",
    "different": "different",
    "identical": "identical scores in all runs",
    "none": "no interval, no claim",
}


@dataclass(frozen=True)
class Equivalence:
    """Both questions about X and Y: are they different, are they equivalent? And the tier that the answers earn.

    tier: "C" the 90 % interval of the difference lies inside ±margin; "different" it does not, and the permutation test, corrected over
    its table, finds a difference; "D" neither; "identical" all runs of both sides have the same score on each task; "none" where nothing
    can be said.
    """

    tier: str
    difference: Interval  # at the study's confidence
    narrow: Interval  # at 90 %: two one-sided tests at 5 %
    margin: float | None  # None: no margin was fixed beforehand, hence no equivalence can be claimed
    note: str = ""
    test: Test = Test(float("nan"), "")  # the permutation test
    p: float = float("nan")  # its p-value, adjusted over the table it stands in

    @property
    def meaning(self) -> str:
        return PARITY[self.tier]

    def adjusted(self, p: float) -> Equivalence:
        """The same comparison as one of a table, for which Holm's correction makes the p-value p."""
        return judge(self.difference, self.narrow, self.margin, self.test, p, is_identical=self.tier == "identical")

    def decided(self, how: str, *, is_different: bool) -> Equivalence:
        """The same comparison as one that a sequential test has decided, or left open: a p-value after looking several times is none."""
        test = Test(float("nan"), how)
        return judge(self.difference, self.narrow, self.margin, test, test.p, is_identical=self.tier == "identical", is_different=is_different)


def judge(
    wide: Interval, narrow: Interval, margin: float | None, test: Test, p: float, *, is_identical: bool, is_different: bool | None = None
) -> Equivalence:
    """The tier, from both intervals and the test; is_different: what the test decided, where that is not p < α."""
    made = partial(Equivalence, difference=wide, narrow=narrow, margin=margin, test=test, p=p)
    if wide.n == 1:
        return made("none", note=wide.note)
    if is_identical:
        return made("identical", note="no run differs from another: no interval")
    inside = margin is not None and narrow.is_claimed and -margin < narrow.low and narrow.high < margin
    if inside and wide.n >= FEWEST_RUNS_FOR_EQUIVALENCE:
        return made("C")
    shown = test.method
    if is_different is None:
        is_different = p < ALPHA
        shown += f", p = {p:.2g}" + ("" if p == test.p else f" after Holm ({test.p:.2g} before)")
    if is_different:
        return made("different", note=shown)
    if not wide.is_claimed:
        return made("none", note=f"{wide.note}; {shown}")
    if inside:
        return made("D", note=f"n = {wide.n}: too few runs to claim equivalence")
    return made("D", note=f"the interval excludes 0, but the test does not find a difference ({shown})" if wide.excludes_zero else "")


def equivalence(
    x: Scores,
    y: Scores,
    margin: float | None,
    metric: str = "iqm",
    *,
    reps: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
    method: str = "bootstrap",
    paired: bool = False,
    most_exact: int = MOST_EXACT,
) -> Equivalence:
    """Are X and Y the same within ±margin (in the unit of the scores), are they different? The margin must be fixed before the runs.

    method: "bootstrap" for the metric over all tasks; "welch" for the mean of one task, x and y being [runs], by t intervals.
    paired: run i of both belongs together, because their seeds share an environment.
    """
    if margin is not None and not margin > 0:
        raise ValueError(f"margin={margin} must be positive: the largest difference that would still count as none")
    options: dict[str, Any] = {"reps": reps, "seed": seed, "paired": paired}
    if method == "welch":
        one, other, metric = one_task(x, "x"), one_task(y, "y"), "mean"
        compare = partial(paired_difference if paired else welch_difference, one, other)
        x, y = [one], [other]
    elif method == "bootstrap":
        compare = partial(difference, x, y, metric, **options)
    else:
        raise ValueError(f"unknown method '{method}': one of bootstrap, welch")
    wide, narrow = compare(confidence=confidence), compare(confidence=0.90)
    a, b = pair_of(x, y)
    is_identical = all(np.ptp(task) == 0 for task in pooled(a, b).tasks())
    test = permutation_test(x, y, metric, **options, most_exact=most_exact) if wide.n > 1 else Test(float("nan"), "n = 1: no test")
    return judge(wide, narrow, margin, test, test.p, is_identical=is_identical)


def equivalence_p(x: np.ndarray, y: np.ndarray, margin: float, *, paired: bool = False) -> float:
    """The p-value of TOST for the means of one task: the larger of the two one-sided t tests'. Below 5 %, the 90 % interval is inside ±margin."""
    found = paired_difference(x, y) if paired else welch_difference(x, y)
    if not found.is_claimed:
        return float("nan")
    if paired:
        apart = _pairs(x, y)
        error, freedom = float(apart.std(ddof=1) / np.sqrt(len(apart))), float(len(apart) - 1)
    else:
        error, freedom = _welch(one_task(x), one_task(y))
    return float(max(distributions.t.sf((margin + found.point) / error, freedom), distributions.t.sf((margin - found.point) / error, freedom)))


def run_sd(x: Scores, y: Scores, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, paired: bool = False) -> float:
    """The standard error of metric(X) − metric(Y) as the standard deviation of one run: what the formulas above take as their unit."""
    values = difference_replicates(x, y, metric, reps=reps, seed=seed, paired=paired)
    a, b = pair_of(x, y)
    n = min(a.fewest, b.fewest)
    if n == 1:
        return float("nan")
    return float(values.std() * np.sqrt(n / (n - 1)) / np.sqrt(1 / a.runs.mean() + 1 / b.runs.mean()))


# ----------------------------------------------------------------------------------------------------------------- robustness


@dataclass(frozen=True)
class FewerSeeds:
    """Had only n seeds been run: how often the same story would have been told, over random choices of the runs that there are."""

    n: int
    same_sign: float  # share of the choices in which the same side is ahead
    low: float  # 95 % of the choices put the difference between low and high
    high: float


def fewer_seeds(x: Scores, y: Scores, n: int = 5, metric: str = "iqm", *, reps: int = 10_000, seed: int = 0, paired: bool = False) -> FewerSeeds:
    """Would n seeds have told the same story as all of them?"""
    pair_of(x, y)
    point = aggregate(x, metric) - aggregate(y, metric)
    one = subset_replicates(x, n, metric, reps=reps, seed=seed)
    other = subset_replicates(y, n, metric, reps=reps, seed=seed, side=FIRST if paired else FIRST + 1)
    apart = one - other
    low, high = np.quantile(apart, [0.025, 0.975])
    return FewerSeeds(n, float((np.sign(apart) == np.sign(point)).mean()), float(low), float(high))


def leave_one_task_out(scores: Mapping[str, Sequence[np.ndarray]], tasks: Sequence[str], metric: str = "iqm") -> dict[str, dict[str, float]]:
    """The metric of each algorithm without each task: [task][algorithm]. Scores have one array [runs] per task."""
    if len(tasks) < 2:
        return {}
    return {task: {name: aggregate([s for k, s in enumerate(per_task) if k != m], metric) for name, per_task in scores.items()} for m, task in enumerate(tasks)}
