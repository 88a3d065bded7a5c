"""X against Y: tests of a difference, tests of equivalence, effect sizes, and what the number of runs lets one see.

A difference is claimed where both a studentised permutation test and a t test find it (`difference_test`), corrected by Holm over its table;
never from an interval that excludes 0, nor from intervals that do not overlap. Equivalence is claimed from the 90 % interval of the difference
(two one-sided tests at 5 %, Schuirmann 1987) against a margin that was fixed before the runs.

A mixture is not a shift: of few runs that may fail, no test of a mean or an IQM holds by itself. So either claim must also survive another weighing of
the runs, and runs that were not seen (`Reweighted`); where a difference does not, the claim is that the runs are unlike, which is what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import combinations, product
from math import ceil, comb, log
from typing import Any

import numpy as np
from scipy import optimize, special
from scipy import stats as distributions

from benchmarks.stats.bootstrap import (
    FIRST,
    Sample,
    Scores,
    aggregate,
    check_paired,
    metric_of,
    pair_of,
    pooled,
    stream,
    subset_replicates,
    subsets,
    sum_by,
)
from benchmarks.stats.intervals import (
    NO_SPREAD,
    NO_SPREAD_WITHIN,
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
        return no_interval(point, n, confidence, NO_SPREAD_WITHIN if point else NO_SPREAD)
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
    """Are the runs of X and Y exchangeable on every task? By how many standard errors the metric lies apart when runs change sides within their task.

    paired: run i of x and run i of y change sides together. BySeed: all runs of a seed do, among the seeds with runs on the same tasks.
    The error is that of each division, from the spread of the runs on either side:
    then the test is exact at any number of runs where the distributions are the same (Pitman 1937), and near enough for many runs where only the
    metric is (Janssen 1997; Chung & Romano 2013). Divisions that lie equally many errors apart, such as those of runs that do not vary, are
    ordered by the difference itself, then by that of the means. Of the median over tasks there is no such error; it is compared as it is.
    p counts the observed division itself, so it is never 0. All divisions of a single task, or of seeds, are counted where they are at most
    `most_exact`, else `reps` random ones.
    """
    a, b = _sides(x, y, paired)
    both = pooled(a, b)
    computes = [[metric_of(name, both, drawn=side.runs, threshold=threshold) for side in (a, b)] for name in (metric, "mean")]
    squared_error = _Spread.of(metric, both, a, b, threshold, paired)
    name = "paired permutation" if paired else "permutation"
    if a.unit is not None:
        exact, counts = _divisions_by_seed(a, b, reps, seed, paired, most_exact)
    else:
        exact = _all_divisions(int(a.runs[0]), int(b.runs[0]), paired, most_exact) if len(a.runs) == 1 else None
        counts = _in_blocks(exact) if exact is not None else _divisions(a.runs, b.runs, reps, seed, paired)
    slack = 1e-9 * max(float(np.ptp(both.values)), np.finfo(float).tiny)  # what rounding may part

    def distances(c: np.ndarray) -> list[np.ndarray]:
        """In standard errors, as they are, and of the means: [divisions] each."""
        apart, means = (np.abs((one(c) - other(1 - c))[:, 0]) for one, other in computes)
        with np.errstate(divide="ignore", invalid="ignore"):
            return [np.where(apart <= slack, 0.0, apart / np.sqrt(squared_error(c).sum(axis=0))), apart, means]

    far, *wide = [float(distance[0]) for distance in distances(_as_observed(a, b))]
    around = [(far * (1 - 1e-9), far * (1 + 1e-9)), *((own - slack, own + slack) for own in wide)]
    as_far, total = 0, 0
    for c in counts:
        is_beyond, is_tie = np.zeros(c.shape[1], dtype=bool), np.ones(c.shape[1], dtype=bool)
        for distance, (low, high) in zip(distances(c), around, strict=True):
            is_beyond |= is_tie & (distance > high)
            is_tie &= (distance >= low) & ~is_beyond
        as_far, total = as_far + int((is_beyond | is_tie).sum()), total + len(is_tie)
    if exact is not None:
        return Test(as_far / total, f"exact {name}, {total:,} divisions")
    return Test((1 + as_far) / (1 + total), f"{name}, {total:,} random divisions")


def difference_test(
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
    """Is metric(X) another than metric(Y)? What every claim of a difference rests on: the larger p of the permutation test and of the t test.

    The first errs in no more than α of studies where X and Y are the same in distribution, the second mends the first where they have the same
    metric but another spread and few runs. Skewed scores of unequal spread remain: with means of few runs no test holds for them
    (Bahadur & Savage 1956); results/calibration says by how much. Without spread on either side there is no t, and the first decides alone.
    """
    permuted = permutation_test(x, y, metric, reps=reps, seed=seed, threshold=threshold, paired=paired, most_exact=most_exact)
    t = t_test(x, y, metric, threshold=threshold, paired=paired)
    return t if t.p > permuted.p else permuted


def t_test(x: Scores, y: Scores, metric: str = "iqm", *, threshold: float = 1.0, paired: bool = False) -> Test:
    """Welch's t test of the metric over all tasks, the paired one, or Yuen's (1974) of the IQM; p is NaN where no run varies."""
    a, b = _sides(x, y, paired)
    spread = _Spread.of(metric, pooled(a, b), a, b, threshold, paired)
    parts = spread(_as_observed(a, b))[:, 0]
    apart = aggregate(x, metric, threshold=threshold) - aggregate(y, metric, threshold=threshold)
    if not parts.any():
        return Test(float("nan"), "no spread among the runs: no t test")
    freedom = parts.sum() ** 2 / np.sum(parts[parts > 0] ** 2 / spread.freedom[parts > 0])  # Welch–Satterthwaite
    name = ("Yuen's t" if metric == "iqm" else "t") if paired else ("Yuen–Welch t" if metric == "iqm" else "Welch's t")
    return Test(float(2 * distributions.t.sf(abs(apart) / np.sqrt(parts.sum()), freedom)), f"paired {name}" if paired else name)


def _sides(x: Scores, y: Scores, paired: bool) -> tuple[Sample, Sample]:
    a, b = pair_of(x, y)
    if paired:
        check_paired(a, b)
    if a.has_checkpoints:
        raise BadScores("a test of a difference needs final scores [runs, tasks], without checkpoints")
    return a, b


def _as_observed(a: Sample, b: Sample) -> np.ndarray:
    """The division of the pooled runs that was observed, [N, 1]."""
    return np.concatenate([np.repeat([1.0, 0.0], n) for n in zip(a.runs, b.runs, strict=True)])[:, None]


@dataclass(frozen=True)
class _Spread:
    """The squared standard error of metric(X) − metric(Y) for any division of the pooled runs, in parts: one for each task and side (or pair of sides).

    For means, the variance of the runs of the task. For the IQM that of the runs clipped to the middle half of all, over what is left of them
    (Yuen 1974, here task by task). The median has no part. BySeed, what the runs of a seed deviate by is added over the tasks before it is
    squared, and there is one part for each side: so the correlation of the tasks is in it.
    """

    metric: str
    values: np.ndarray  # [N, 1], pooled; each task's first run is 0, so that equal runs differ by nothing, rather than by rounding
    starts: np.ndarray  # of each task in them
    level: np.ndarray  # [N, 1], what was subtracted
    runs: tuple[np.ndarray, np.ndarray]  # of x and of y, [tasks]
    paired: bool
    unit: np.ndarray | None = None  # of each pooled run, [N]; paired: of each pair

    @classmethod
    def of(cls, metric: str, both: Sample, a: Sample, b: Sample, threshold: float, paired: bool) -> _Spread:
        values = np.minimum(both.values, threshold) if metric == "optimality_gap" else both.values
        starts = np.concatenate([[0], np.cumsum(both.runs)[:-1]])
        level = np.repeat(values[starts], both.runs, axis=0)
        return cls(metric, values - level, starts, level, (a.runs, b.runs), paired, a.unit if paired else both.unit)

    @property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom of each part."""
        if self.unit is not None:
            return np.array([max(float(runs.min()) - 1, 1.0) for runs in (self.runs[:1] if self.paired else self.runs)])
        return np.concatenate([self._left(runs) - 1 for runs in (self.runs[:1] if self.paired else self.runs)])

    def _left(self, runs: np.ndarray) -> np.ndarray:
        """How many runs of each task the metric averages: all, or what trimming leaves (of several tasks, about half of each)."""
        n = runs.sum()
        if self.metric != "iqm":
            return runs.astype(np.float64)
        kept = runs * (1 - 2 * int(0.25 * n) / n)
        return kept if len(runs) == 1 else np.maximum(kept, (runs + 1) / 2)

    def _weights(self, runs: np.ndarray) -> np.ndarray:
        """Of the sum of squares of each task, in the squared error; 0 for a single run, which has no spread."""
        if self.metric == "median":
            return np.zeros(len(runs))
        left = self._left(runs)
        share = runs / runs.sum() if self.metric == "iqm" else 1 / len(runs)
        return np.divide(share**2, left * (left - 1), out=np.zeros(len(runs)), where=runs > 1)

    def _clipped(self, counts: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """The runs as the metric sees them: for the IQM no lower and no higher than the last that are not cut. [N, divisions]."""
        if self.metric != "iqm":
            return self.values
        whole, n = self.values + self.level, int(runs.sum())
        order, cut = np.argsort(whole[:, 0], kind="stable"), int(0.25 * n)
        rank = np.cumsum(counts[order], axis=0)
        low, high = (whole[order][(rank > bound).argmax(axis=0), 0] for bound in (cut, n - cut - 1))
        return np.clip(self.values, low - self.level, high - self.level)

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """[parts, divisions]. counts: 1 where a run is on the side of x."""
        both = [(c, self._clipped(c, runs), runs) for c, runs in zip((counts, 1 - counts), self.runs, strict=True)]
        if not self.paired and self.unit is not None:
            return np.stack([self._of_units(w, c, runs) for c, w, runs in both])
        if not self.paired:
            return np.concatenate([self._squares(c * w, runs) for c, w, runs in both])
        apart = both[0][0] * both[0][1] - both[1][0] * both[1][1]  # what of a pair is on the other side stands where the pair's other half does
        halves = [np.arange(start, start + n) for start, n in zip(self.starts, self.runs[0], strict=True)]
        pairs = [apart[half] + apart[half + len(half)] for half in halves]
        if self.unit is not None:
            return self._of_units(np.concatenate(pairs), np.ones((len(self.unit), 1)), self.runs[0])[None]
        sums = np.array([p.sum(axis=0) for p in pairs]), np.array([(p**2).sum(axis=0) for p in pairs])
        return self._of_sums(*sums, self.runs[0])

    def _squares(self, values: np.ndarray, runs: np.ndarray) -> np.ndarray:
        return self._of_sums(_by_task(values, self.starts), _by_task(values**2, self.starts), runs)

    def _of_units(self, values: np.ndarray, counts: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """The squared error where units are independent, [divisions]: values [N, divisions] of which `counts` are on this side."""
        assert self.unit is not None
        starts = self.starts if not self.paired else np.concatenate([[0], np.cumsum(runs)[:-1]])
        task = np.repeat(np.arange(len(runs)), np.diff(np.append(starts, len(values))))
        kept = counts * values
        means = _by_task(kept, starts) / runs[:, None]
        weight = np.sqrt(self._weights(runs))[task][:, None]
        apart = np.square(sum_by(self.unit, weight * counts * (values - means[task]))).sum(axis=0)
        return np.where(apart <= 1e-12 * np.square(weight * kept).sum(axis=0), 0.0, apart)

    def _of_sums(self, total: np.ndarray, squares: np.ndarray, runs: np.ndarray) -> np.ndarray:
        left = squares - total**2 / runs[:, None]
        return np.where(left <= 1e-12 * squares, 0.0, left) * self._weights(runs)[:, None]


def _by_task(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums over the rows of each task, [tasks, divisions]; along columns `np.add.reduceat` takes twelve times as long."""
    return np.array([rows.sum(axis=0) for rows in np.split(values, starts[1:])])


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


def _divisions_by_seed(a: Sample, b: Sample, reps: int, seed: int, paired: bool, most: int):
    """(all divisions of the seeds or None, divisions of the pooled runs in blocks). A seed's runs stay together; seeds change sides only with
    those that have runs on the same tasks, so that each side keeps its number of runs of every task."""
    assert a.unit is not None
    if paired:
        n = int(a.unit.max()) + 1
        exact = _all_divisions(n, n, True, most)
        units = (c[:n] for c in _in_blocks(exact)) if exact is not None else (c[:n] for c in _divisions(np.array([n]), np.array([n]), reps, seed, True))
        ends = np.cumsum(a.runs)[:-1]
        return exact, (np.concatenate([half for of_task in np.split(a.unit, ends) for half in (c[of_task], 1 - c[of_task])]) for c in units)
    both, n_x = pooled(a, b), int(a.unit.max()) + 1
    assert both.unit is not None
    unit = both.unit
    has = np.zeros((int(unit.max()) + 1, len(a.runs)), dtype=bool)
    has[unit, both.task] = True
    kinds = np.unique(has, axis=0, return_inverse=True)[1].ravel()
    strata = [np.flatnonzero(kinds == kind) for kind in range(kinds.max() + 1)]
    row_of = np.empty(len(has), dtype=int)
    row_of[np.concatenate(strata)] = np.arange(len(has))
    from_x = np.array([int((units < n_x).sum()) for units in strata])
    exact = _all_divisions(int(from_x[0]), len(has) - int(from_x[0]), False, most) if len(strata) == 1 else None
    divisions = _in_blocks(exact) if exact is not None else subsets(np.array([len(units) for units in strata]), from_x, reps, seed, FIRST)
    return exact, (c[row_of[unit]] for c in divisions)


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


# ---------------------------------------------------------------------------------------------------------- what few runs hide

SEEN, UNSEEN = 0.025, 0.05  # tail of the weighings that a claim must survive: of the runs seen, and with runs that were not seen
WEIGHINGS = 4000
TRIMMED = 0.26  # the share of runs that may fail without moving the IQM to speak of: a quarter, and so much as 10 runs cannot tell from it


@dataclass(frozen=True)
class Reweighted:
    """What becomes of metric(X) − metric(Y) if the shares of the outcomes are not those seen: the bounds that a claim must survive.

    Where some runs fail, n runs say little of how many do, and nothing of what fails in 1 of n runs. Each run is given a random weight in place
    of 1/n (Rubin 1981): so a sample with few failures, as it comes from a population with more, is tried as one. Then a weight Beta(1, N) is moved
    from all runs of one side to a run that was not seen, at the lowest or the highest score that a run may have: of N equal runs its 95 % bound
    is 1 − 0.05^{1/N}, Clopper and Pearson's for failures that were not seen ("rule of three"); for means of bounded scores in general the bound is
    Gaffke's (2005; Learned-Miller & Thomas 2019, arXiv:1905.06208).
    """

    metric: str
    seen: tuple[float, float]  # between which 95 % of the weighings of the runs seen lie
    unseen: tuple[float, float] | None  # the least and the most, at 5 % each, with an unseen run on either side; None where no bounds are known
    is_flat: bool  # no run differs from the others of its side and task
    runs: int  # of the side with fewer, all tasks together
    bounds: tuple[float, float] | None = None  # of the score of a run

    @property
    def name(self) -> str:
        return {"iqm": "IQMs", "mean": "means"}[self.metric]

    @property
    def hidden(self) -> float:
        """The share of runs that may fail unseen, at 95 %."""
        return float(1 - UNSEEN ** (1 / self.runs))

    def runs_to_show(self, margin: float) -> int:
        """How many runs a side, none of which fails, show that unseen failures move the metric by no more than the margin. Needs bounds."""
        assert self.bounds is not None
        share = margin / (self.bounds[1] - self.bounds[0])
        share = min(0.25 + share / 2 if self.metric == "iqm" else share, 0.999)  # an IQM is moved by what lies beyond a quarter, twice
        return ceil(log(UNSEEN) / log(1 - share))

    def undoes_difference(self, point: float) -> str:
        """Why a difference of this sign is not one of the metric; empty where it is."""
        ahead = lambda bounds: bounds[0] > 0 if point > 0 else bounds[1] < 0
        if self.unseen is None and self.is_flat and (self.metric == "mean" or self.hidden > TRIMMED):
            return "no run differs from the others of its side and task, and no bounds of the score are known"
        if not point or not ahead(self.seen):
            return f"with other shares of the outcomes seen it lies in {_span(self.seen)}"
        return self._hidden_in(self.unseen) if self.unseen is not None and not ahead(self.unseen) else ""

    def undoes_equivalence(self, margin: float) -> str:
        """Why the difference may lie beyond the margin after all; empty where not."""
        inside = self.unseen is None or (-margin < self.unseen[0] and self.unseen[1] < margin)
        return "" if inside or self.unseen is None else self._hidden_in(self.unseen)

    def _hidden_in(self, unseen: tuple[float, float]) -> str:
        return (f"of {self.runs} runs a side, up to {100 * self.hidden:.0f} % may fail (or succeed) unseen, "
                f"with which the difference of {self.name} lies in {_span(unseen)}")


def _span(bounds: tuple[float, float]) -> str:
    return f"[{bounds[0]:+.3g}, {bounds[1]:+.3g}]".replace("-", "−")


def reweighted(
    x: Scores, y: Scores, metric: str = "iqm", bounds: tuple[float, float] | None = None, *, seed: int = 0, paired: bool = False, reps: int = WEIGHINGS
) -> Reweighted | None:
    """See `Reweighted`. bounds: the scores of a run that fails and of one that succeeds; runs seen beyond them widen them. None for other metrics."""
    if metric not in ("iqm", "mean"):
        return None
    a, b = pair_of(x, y)
    both = pooled(a, b)
    is_flat = all(np.ptp(task) == 0 for side in (a, b) for task in side.tasks())
    rng, n = stream(seed, 2), min(len(a.values), len(b.values))
    drawn_x = _weights(a, reps, rng)
    drawn_y = drawn_x if paired else _weights(b, reps, rng)
    plain = [_weighed(metric, side.values[:, 0], weight) for side, weight in ((a, drawn_x), (b, drawn_y))]
    low, high = (float(q) for q in np.quantile(plain[0] - plain[1], [SEEN, 1 - SEEN]))
    if bounds is None:
        return Reweighted(metric, (low, high), None, is_flat, n)
    lowest, highest = min(bounds[0], float(both.values.min())), max(bounds[1], float(both.values.max()))
    far = {}
    for k, (side, weight) in enumerate(((a, drawn_x), (b, drawn_y))):
        hidden = rng.beta(1, len(side.values), size=reps)
        for score in (lowest, highest):
            far[k, score] = _weighed(metric, np.append(side.values[:, 0], score), np.concatenate([weight * (1 - hidden), hidden[None]]))
    least = min(np.quantile(far[0, lowest] - plain[1], UNSEEN), np.quantile(plain[0] - far[1, highest], UNSEEN))
    most = max(np.quantile(far[0, highest] - plain[1], 1 - UNSEEN), np.quantile(plain[0] - far[1, lowest], 1 - UNSEEN))
    return Reweighted(metric, (low, high), (float(least), float(most)), is_flat, n, (lowest, highest))


def _weights(sample: Sample, reps: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of the runs, uniform over those that add up to 1 on each task, divided by the number of tasks: [N, reps]. Runs of a seed share theirs."""
    units = len(sample.values) if sample.unit is None else int(sample.unit.max()) + 1
    drawn = rng.standard_exponential((units, reps))
    drawn = drawn if sample.unit is None else drawn[sample.unit]
    return drawn / sum_by(sample.task, drawn)[sample.task] / len(sample.runs)


def _weighed(metric: str, scores: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean, or the mean of the middle half of the weight: [reps]. scores [N], weight [N, reps], which add up to 1."""
    if metric == "mean":
        return scores @ weight
    order = np.argsort(scores, kind="stable")
    after = np.cumsum(weight[order], axis=0)
    before = after - weight[order]
    return scores[order] @ np.clip(np.minimum(after, 0.75) - np.maximum(before, 0.25), 0.0, None) / 0.5


# ------------------------------------------------------------------------------------------------------------------- parity

PARITY = {
    "C": "equivalent within the margin",
    "D": "not distinguished, which is not parity",
    "different": "different",
    "unlike": "unlike runs, whose averages are not distinguished",
    "identical": "identical scores in all runs",
    "none": "no interval, no claim",
}


@dataclass(frozen=True)
class Equivalence:
    """Both questions about X and Y: are they different, are they equivalent? And the tier that the answers earn.

    tier: "C" the 90 % interval of the difference lies inside ±margin; "different" it does not, and the test of a difference, corrected over
    its table, finds one; "unlike" the test finds that the runs are not of one distribution, but few runs that may fail do not show that the
    metric differs; "D" none of these; "identical" all runs of both sides have the same score on each task; "none" where nothing
    can be said.
    """

    tier: str
    difference: Interval  # at the study's confidence
    narrow: Interval  # at 90 %: two one-sided tests at 5 %
    margin: float | None  # None: no margin was fixed beforehand, hence no equivalence can be claimed
    note: str = ""
    test: Test = Test(float("nan"), "")  # of a difference (difference_test)
    p: float = float("nan")  # its p-value, adjusted over the table it stands in
    shape: Reweighted | None = None  # what a claim must survive

    @property
    def meaning(self) -> str:
        return PARITY[self.tier]

    def adjusted(self, p: float) -> Equivalence:
        """The same comparison as one of a table, for which Holm's correction makes the p-value p."""
        return judge(self.difference, self.narrow, self.margin, self.test, p, is_identical=self.tier == "identical", shape=self.shape)

    def decided(self, how: str, *, is_different: bool) -> Equivalence:
        """The same comparison as one that a sequential test has decided, or left open: a p-value after looking several times is none."""
        test = Test(float("nan"), how)
        is_identical = self.tier == "identical"
        return judge(self.difference, self.narrow, self.margin, test, test.p, is_identical=is_identical, is_different=is_different, shape=self.shape)


def judge(
    wide: Interval,
    narrow: Interval,
    margin: float | None,
    test: Test,
    p: float,
    *,
    is_identical: bool,
    is_different: bool | None = None,
    shape: Reweighted | None = None,
) -> Equivalence:
    """The tier, from both intervals, the test and what a claim must survive; is_different: what the test decided, where that is not p < α."""
    made = partial(Equivalence, difference=wide, narrow=narrow, margin=margin, test=test, p=p, shape=shape)
    if wide.n == 1:
        return made("none", note=wide.note)
    if is_identical:
        return made("identical", note="no run differs from another: no interval")
    inside = margin is not None and narrow.is_claimed and -margin < narrow.low and narrow.high < margin
    undone = shape.undoes_equivalence(margin) if inside and shape is not None and margin is not None else ""
    if inside and not undone and wide.n >= FEWEST_RUNS_FOR_EQUIVALENCE:
        return made("C")
    shown, decided = test.method, is_different is not None
    if is_different is None:
        is_different = p < ALPHA
        shown += f", p = {p:.2g}" + ("" if p == test.p else f" after Holm ({test.p:.2g} before)")
    if is_different:
        if shape is not None and (why := shape.undoes_difference(wide.point)):
            return made("unlike", note=f"the runs are not of one distribution ({shown}), but that their {shape.name} differ is not shown: {why}")
        return made("different", note=shown + (_against(wide, decided) if wide.is_claimed and not wide.excludes_zero else ""))
    if not wide.is_claimed:
        return made("none", note=f"{wide.note}; {shown}")
    if inside:
        few = f"n = {wide.n}: too few runs to claim equivalence"
        return made("D", note=few if wide.n < FEWEST_RUNS_FOR_EQUIVALENCE else f"the 90 % interval lies inside the margin, but {undone}")
    return made("D", note=f"the interval excludes 0, but the test does not find a difference ({shown})" if wide.excludes_zero else "")


def _against(wide: Interval, decided: bool) -> str:
    """Which is believed where a difference is claimed and the interval holds 0."""
    why = "it takes the number of runs as fixed" if decided else f"at n = {wide.n} it holds the true value more often than it says"
    return (f"; the {100 * wide.confidence:g} % interval holds 0, yet the test is believed: the claim rests on its error, and the interval "
            f"is no test, since {why}")


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
    bounds: tuple[float, float] | None = None,
) -> Equivalence:
    """Are X and Y the same within ±margin (in the unit of the scores), are they different? The margin must be fixed before the runs.

    method: "bootstrap" for the metric over all tasks; "welch" for the mean of one task, x and y being [runs], by t intervals.
    paired: run i of both belongs together, because their seeds share an environment. bounds: the scores of a run that fails and of one that
    succeeds, if they are known: a claim must survive that some did which were not seen (`Reweighted`).
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
    test = difference_test(x, y, metric, **options, most_exact=most_exact) if wide.n > 1 else Test(float("nan"), "n = 1: no test")
    shape = reweighted(x, y, metric, bounds, seed=seed, paired=paired)
    return judge(wide, narrow, margin, test, test.p, is_identical=is_identical, shape=shape)


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
