"""Aggregate scores of reinforcement-learning runs, and what they are worth: point estimates with bootstrap intervals.

The definitions of the metrics are those of Agarwal et al. 2021 (arXiv:2108.13264, rliable). The bootstrap is ours, seeded and fast:
a resample of the runs of a task is a vector of counts (how often each run was drawn), so that
    IQM              one cumulative pass over the globally sorted scores, weighted by their counts
    mean, profile    counts · values, task by task
    P(improvement)   c_x^T K c_y, with K[i, j] = 1 if x_i > y_j, 1/2 if they tie
need no sort and no gather per replicate. On the same resample every replicate equals rliable's metric (tests/benchmarks/test_stats.py).

Scores are `[runs, tasks]` or `[runs, tasks, checkpoints]`; a task with another number of runs is allowed when scores are given as a
sequence with one array, `[runs_m]` or `[runs_m, checkpoints]`, per task. One resample of the runs serves all checkpoints, since the
checkpoints of one run belong together.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import comb
from typing import Any

import numpy as np
from scipy import stats as distributions

try:
    from numba import njit
except ImportError:  # the NumPy kernels below give the same numbers, more slowly
    njit = None  # type: ignore[assignment]

Scores = np.ndarray | Sequence[np.ndarray]

_BLOCK = 1024  # replicates in memory at a time; a part of the definition of the random draws, like the seed
_FIRST, _SECOND = 0, 1  # the two sides of a comparison are resampled independently

# Coverage of a nominal 95 % percentile-bootstrap interval of one task's mean, for normal scores and n runs.
# The t interval covers 95 % there. Where a fifth of the runs fail, both cover less (n = 5: about .65).
COVERAGE_OF_ONE_TASK = {3: 0.76, 5: 0.85, 10: 0.90, 20: 0.93}
FEWEST_RUNS_FOR_EQUIVALENCE = 5  # below, the interval is too narrow for what it claims (table above)


class BadScores(ValueError):
    """Scores from which no honest number can be computed: NaN, infinite, empty or misshapen."""


@dataclass(frozen=True)
class Interval:
    """A point estimate and its interval; scalars, or arrays [checkpoints]. `low` and `high` are NaN where no interval can be claimed."""

    point: Any
    low: Any
    high: Any
    n: int  # runs of the task with the fewest
    confidence: float
    note: str = ""  # why there is no interval, or what to know of it

    @property
    def is_claimed(self) -> bool:
        return bool(np.all(np.isfinite(self.low)))


# ---------------------------------------------------------------------------------------------------------------- scores


@dataclass(frozen=True)
class _Sample:
    """Scores of all runs, task after task: values [N, C], the task of each row [N], runs per task [T]."""

    values: np.ndarray
    task: np.ndarray
    runs: np.ndarray
    has_checkpoints: bool


def _sample(scores: Scores, name: str) -> _Sample:
    if isinstance(scores, np.ndarray):
        if scores.ndim not in (2, 3):
            raise BadScores(f"scores of {name} have shape {scores.shape}: expected [runs, tasks] or [runs, tasks, checkpoints]")
        per_task = [scores[:, m] for m in range(scores.shape[1])]
    else:
        per_task = [np.asarray(task) for task in scores]
    if not per_task or any(len(task) == 0 for task in per_task):
        raise BadScores(f"scores of {name} hold a task without a run (runs per task: {[len(task) for task in per_task]})")
    shapes = {task.shape[1:] for task in per_task}
    if len(shapes) > 1 or any(len(shape) > 1 for shape in shapes):
        raise BadScores(f"scores of {name} differ in their checkpoints from task to task: {sorted(shapes)}")
    for m, task in enumerate(per_task):
        bad = np.argwhere(~np.isfinite(task.astype(np.float64)))
        if len(bad):
            run, *checkpoint = bad[0]
            where = f"run {run}, task {m}" + (f", checkpoint {checkpoint[0]}" if checkpoint else "")
            raise BadScores(f"scores of {name} hold {len(bad)} value(s) that are not finite (first: {where}). A run that failed is missing, not NaN")
    runs = np.array([len(task) for task in per_task])
    values = np.concatenate([task.reshape(len(task), -1) for task in per_task]).astype(np.float64)
    return _Sample(values, np.repeat(np.arange(len(runs)), runs), runs, has_checkpoints=bool(shapes.pop()))


def _counts(runs: np.ndarray, reps: int, rng: np.random.Generator) -> np.ndarray:
    """How often each run is drawn in each replicate, [N, reps]: runs of a task with replacement, task by task (the strata)."""
    counts = np.empty((int(runs.sum()), reps))
    replicate = np.arange(reps)
    start = 0
    for n in runs:
        drawn = rng.integers(0, n, size=(n, reps))
        counts[start : start + n] = np.bincount((drawn * reps + replicate).ravel(), minlength=n * reps).reshape(n, reps)
        start += n
    return counts


def _blocks(runs: np.ndarray, reps: int, seed: int, side: int):
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, side])))
    for first in range(0, reps, _BLOCK):
        yield _counts(runs, min(_BLOCK, reps - first), rng)


# --------------------------------------------------------------------------------------------------------------- kernels
# Counts are [N, reps], so that each step of a kernel is one operation on a row of replicates. Each kernel has a text for numba and one
# for NumPy. Both add in the same order, so they agree to the last bit.


def _iqm_loop(counts, order, ordered, low, high):
    """Trimmed mean of the drawn scores ranked low to high-1, [reps, C]. order, ordered: [C, N], each row sorted."""
    n, reps = counts.shape
    out = np.empty((reps, order.shape[0]))
    rank, total = np.empty(reps), np.empty(reps)
    for c in range(order.shape[0]):
        rank[:] = 0.0
        total[:] = 0.0
        for i in range(n):
            row, score = counts[order[c, i]], ordered[c, i]
            for r in range(reps):
                before = rank[r]
                after = before + row[r]
                rank[r] = after
                first = before if before > low else low
                last = after if after < high else high
                total[r] += score * (last - first if last > first else 0.0)
        for r in range(reps):
            out[r, c] = total[r] / (high - low)
    return out


def _iqm_numpy(counts, order, ordered, low, high):
    out = np.empty((counts.shape[1], len(order)))
    for c in range(len(order)):
        rank, total = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
        for i in range(len(counts)):
            first = np.maximum(rank, low)
            rank = rank + counts[order[c, i]]
            total += ordered[c, i] * np.maximum(np.minimum(rank, high) - first, 0.0)
        out[:, c] = total / (high - low)
    return out


def _task_means_loop(counts, values, task, runs):
    """Mean of the drawn scores of each task, [T, C, reps]."""
    n, reps = counts.shape
    out = np.zeros((len(runs), values.shape[1], reps))
    for i in range(n):
        for c in range(values.shape[1]):
            score, total, row = values[i, c], out[task[i], c], counts[i]
            if score != 0.0:
                for r in range(reps):
                    total[r] += row[r] * score
    for m in range(len(runs)):
        for c in range(values.shape[1]):
            for r in range(reps):
                out[m, c, r] /= runs[m]
    return out


def _task_means_numpy(counts, values, task, runs):
    out = np.zeros((len(runs), values.shape[1], counts.shape[1]))
    for i in range(len(values)):
        out[task[i]] += counts[i] * values[i, :, None]
    return out / runs[:, None, None]


def _improvement_loop(counts_x, counts_y, comparison, runs_x, runs_y):
    """Mean over tasks of c_x^T K c_y / (n_x n_y), [reps]. comparison: [N_x, N_y], 0 between tasks."""
    reps = counts_x.shape[1]
    out, wins, against = np.zeros(reps), np.empty(reps), np.empty(reps)
    start_x, start_y = 0, 0
    for m in range(len(runs_x)):
        wins[:] = 0.0
        for i in range(start_x, start_x + runs_x[m]):
            against[:] = 0.0
            for j in range(start_y, start_y + runs_y[m]):
                share, row = comparison[i, j], counts_y[j]
                if share > 0.0:
                    for r in range(reps):
                        against[r] += share * row[r]
            row = counts_x[i]
            for r in range(reps):
                wins[r] += row[r] * against[r]
        for r in range(reps):
            out[r] += wins[r] / (runs_x[m] * runs_y[m])
        start_x += runs_x[m]
        start_y += runs_y[m]
    return out / len(runs_x)


def _improvement_numpy(counts_x, counts_y, comparison, runs_x, runs_y):
    total, start_x, start_y = np.zeros(counts_x.shape[1]), 0, 0
    for n_x, n_y in zip(runs_x, runs_y, strict=True):
        x, y = slice(start_x, start_x + n_x), slice(start_y, start_y + n_y)
        wins = (counts_x[x] * (comparison[x, y] @ counts_y[y])).sum(axis=0)  # whole and half numbers: exact in any order
        total += wins / (n_x * n_y)
        start_x, start_y = start_x + n_x, start_y + n_y
    return total / len(runs_x)


if njit is None:
    _iqm, _task_means, _improvement = _iqm_numpy, _task_means_numpy, _improvement_numpy
else:
    # cache=True stores the machine code beside this file; where that is read-only numba compiles again, silently.
    _iqm, _task_means, _improvement = (njit(cache=True)(loop) for loop in (_iqm_loop, _task_means_loop, _improvement_loop))


# --------------------------------------------------------------------------------------------------------------- metrics


def _mean_over_tasks(means: np.ndarray) -> np.ndarray:
    """[T, C, reps] -> [reps, C], added task by task: the same order, hence the same bits, everywhere."""
    total = means[0].copy()
    for task in means[1:]:
        total += task
    return total.T / len(means)


def _iqm_of(sample: _Sample, threshold: float):
    n = len(sample.values)
    cut = int(0.25 * n)  # as scipy.stats.trim_mean, and so rliable, rounds
    order = np.ascontiguousarray(np.argsort(sample.values, axis=0, kind="stable").T)
    ordered = np.ascontiguousarray(np.take_along_axis(sample.values.T, order, axis=1))
    return lambda counts: _iqm(counts, order, ordered, float(cut), float(n - cut))


def _mean_of(sample: _Sample, threshold: float):
    return lambda counts: _mean_over_tasks(_task_means(counts, sample.values, sample.task, sample.runs))


def _median_of(sample: _Sample, threshold: float):
    return lambda counts: np.median(_task_means(counts, sample.values, sample.task, sample.runs), axis=0).T


def _optimality_gap_of(sample: _Sample, threshold: float):
    clipped = np.minimum(sample.values, threshold)
    return lambda counts: threshold - _mean_over_tasks(_task_means(counts, clipped, sample.task, sample.runs))


METRICS = {
    "iqm": _iqm_of,  # mean of the middle half of all runs of all tasks
    "mean": _mean_of,  # mean of the task means
    "median": _median_of,  # median of the task means
    "optimality_gap": _optimality_gap_of,  # mean distance to `threshold`, scores above it count as it
}


def _metric(name: str):
    if name not in METRICS:
        raise ValueError(f"unknown metric '{name}': one of {', '.join(METRICS)}")
    return METRICS[name]


def replicates(scores: Scores, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, threshold: float = 1.0, side: int = _FIRST) -> np.ndarray:
    """The metric on `reps` stratified resamples of the runs: [reps] or [reps, checkpoints].

    The draws depend on `seed`, `side` and the number of runs per task only: adding an algorithm to a study changes nobody's interval.
    """
    sample = _sample(scores, "the algorithm")
    compute = _metric(metric)(sample, threshold)
    values = np.concatenate([compute(counts) for counts in _blocks(sample.runs, reps, seed, side)])
    return values if sample.has_checkpoints else values[:, 0]


def aggregate(scores: Scores, metric: str = "iqm", *, threshold: float = 1.0) -> Any:
    """The point estimate: a float, or an array [checkpoints]."""
    sample = _sample(scores, "the algorithm")
    value = _metric(metric)(sample, threshold)(np.ones((len(sample.values), 1)))[0]
    return value if sample.has_checkpoints else float(value[0])


# ------------------------------------------------------------------------------------------------------------- intervals


def _percentiles(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def _simultaneous(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The narrowest equal-rank envelope that holds a share `confidence` of the replicate curves from end to end, [C] twice.

    Mandel & Betensky 2008, "Simultaneous confidence intervals based on the percentile bootstrap approach". values: [reps, C].
    """
    reps = len(values)
    columns = np.ascontiguousarray(values.T)
    ordered = np.empty_like(columns)
    depth = np.full(reps, reps)  # how many replicates lie at or beyond a curve, on its side, where it is most extreme
    for c, column in enumerate(columns):
        order = np.argsort(column)
        ordered[c] = column[order]
        if ordered[c, 0] == ordered[c, -1]:
            continue  # nothing is extreme here
        begins = np.concatenate([[True], ordered[c, 1:] != ordered[c, :-1]])  # ties share the rank that favours them
        first = np.maximum.accumulate(np.where(begins, np.arange(reps), 0))
        last = np.minimum.accumulate(np.where(np.append(begins[1:], True), np.arange(reps), reps)[::-1])[::-1]
        depth[order] = np.minimum(depth[order], np.minimum(last + 1, reps - first))
    rank = int(np.sort(depth)[int(np.floor((1 - confidence) * reps))])
    rank = min(rank, (reps + 1) // 2)
    return ordered[:, rank - 1], ordered[:, reps - rank]


def _interval(point: Any, values: np.ndarray, runs: int, confidence: float, simultaneous: bool = False) -> Interval:
    """From replicates [reps] or [reps, C]. No interval is claimed from a task with a single run: resampling it shows no spread."""
    if runs == 1:
        nothing: Any = np.full_like(np.asarray(point), np.nan) if values.ndim > 1 else float("nan")
        return Interval(point, nothing, nothing, runs, confidence, "n = 1: no interval")
    low: Any
    high: Any
    low, high = _simultaneous(values, confidence) if simultaneous and values.ndim > 1 else _percentiles(values, confidence)
    note = "all runs equal: their spread cannot be estimated" if np.all(values == values[0]) else ""
    if values.ndim == 1:
        low, high = float(low), float(high)
    return Interval(point, low, high, runs, confidence, note)


def interval_estimates(
    scores: Mapping[str, Scores],
    metric: str = "iqm",
    *,
    reps: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
    simultaneous: bool = False,
    threshold: float = 1.0,
) -> dict[str, Interval]:
    """A metric with its stratified percentile-bootstrap interval for each algorithm, per checkpoint where scores have checkpoints.

    simultaneous: the band holds the whole curve with the stated confidence, rather than each checkpoint alone.
    threshold: the score at which the optimality gap is 0.
    """
    return {name: _estimate(name, s, metric, reps, seed, confidence, simultaneous, threshold) for name, s in scores.items()}


def _estimate(name, scores, metric, reps, seed, confidence, simultaneous, threshold) -> Interval:
    sample = _sample(scores, f"'{name}'")
    point = aggregate(scores, metric, threshold=threshold)
    values = replicates(scores, metric, reps=reps, seed=seed, threshold=threshold)
    return _interval(point, values, int(sample.runs.min()), confidence, simultaneous)


def performance_profile(
    scores: Mapping[str, Scores], taus: np.ndarray, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95, simultaneous: bool = True
) -> dict[str, Interval]:
    """The share of runs that score more than τ, for each τ in `taus`: arrays [len(taus)], with a band. Scores: [runs, tasks]."""
    profiles = {}
    for name, s in scores.items():
        sample = _sample(s, f"'{name}'")
        if sample.has_checkpoints:
            raise BadScores(f"a performance profile needs final scores [runs, tasks]; those of '{name}' have checkpoints")
        above = (sample.values > np.asarray(taus)).astype(np.float64)  # [N, len(taus)]
        per_task = np.split(above, np.cumsum(sample.runs)[:-1])
        profiles[name] = _estimate(name, per_task, "mean", reps, seed, confidence, simultaneous, 1.0)
    return profiles


# ----------------------------------------------------------------------------------------------------------- comparisons


def _pair(x: Scores, y: Scores) -> tuple[_Sample, _Sample]:
    a, b = _sample(x, "x"), _sample(y, "y")
    if len(a.runs) != len(b.runs):
        raise BadScores(f"x has {len(a.runs)} task(s), y has {len(b.runs)}: a comparison needs the same tasks in the same order")
    return a, b


def _comparison(a: _Sample, b: _Sample) -> np.ndarray:
    greater = (a.values > b.values.T) + 0.5 * (a.values == b.values.T)
    return greater * (a.task[:, None] == b.task[None, :])


def improvement_replicates(x: Scores, y: Scores, *, reps: int = 50_000, seed: int = 0) -> np.ndarray:
    """P(X > Y), averaged over tasks, on `reps` resamples of both sides: [reps]."""
    a, b = _pair(x, y)
    comparison = _comparison(a, b)
    both = zip(_blocks(a.runs, reps, seed, _FIRST), _blocks(b.runs, reps, seed, _SECOND), strict=True)
    return np.concatenate([_improvement(counts_x, counts_y, comparison, a.runs, b.runs) for counts_x, counts_y in both])


def probability_of_improvement(x: Scores, y: Scores, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95) -> Interval:
    """The probability that a run of X scores more than a run of Y on the same task, averaged over tasks; ties count one half."""
    a, b = _pair(x, y)
    if a.has_checkpoints or b.has_checkpoints:
        raise BadScores("the probability of improvement needs final scores [runs, tasks], without checkpoints")
    ones = (np.ones((len(s.values), 1)) for s in (a, b))
    point = float(_improvement(*ones, _comparison(a, b), a.runs, b.runs)[0])
    values = improvement_replicates(x, y, reps=reps, seed=seed)
    found = _interval(point, values, int(min(a.runs.min(), b.runs.min())), confidence)
    if not found.note and point in (0.0, 1.0):  # every resample of separated samples is separated
        return Interval(point, float("nan"), float("nan"), found.n, confidence, "the runs do not overlap: no interval")
    if found.note.startswith("all runs equal"):
        separated = point in (0.0, 1.0)
        why = "the runs do not overlap: no interval" if separated else "every pair ties: no interval"
        return Interval(point, float("nan"), float("nan"), found.n, confidence, why)
    return found


def difference(
    x: Scores, y: Scores, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95, threshold: float = 1.0
) -> Interval:
    """metric(X) − metric(Y) with the interval of the difference itself; the two sides are resampled independently."""
    a, b = _pair(x, y)
    more = partial(replicates, metric=metric, reps=reps, seed=seed, threshold=threshold)
    values = more(x, side=_FIRST) - more(y, side=_SECOND)
    point = aggregate(x, metric, threshold=threshold) - aggregate(y, metric, threshold=threshold)
    return _interval(point, values, int(min(a.runs.min(), b.runs.min())), confidence)


def welch_difference(x: np.ndarray, y: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """mean(x) − mean(y) of one task, with Welch's t interval; x and y are [runs]. Unequal variances and numbers of runs are allowed."""
    x, y = (_sample([np.asarray(s, dtype=np.float64)], name).values[:, 0] for s, name in ((x, "x"), (y, "y")))
    point, n = float(x.mean() - y.mean()), min(len(x), len(y))
    if n == 1:
        return Interval(point, float("nan"), float("nan"), 1, confidence, "n = 1: no interval")
    v_x, v_y = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    if v_x + v_y == 0:
        return Interval(point, point, point, n, confidence, "all runs equal: their spread cannot be estimated")
    freedom = (v_x + v_y) ** 2 / (v_x**2 / (len(x) - 1) + v_y**2 / (len(y) - 1))  # Welch–Satterthwaite
    half = float(distributions.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(v_x + v_y))
    return Interval(point, point - half, point + half, n, confidence)


PARITY = {
    "C": "equivalent within the margin",
    "D": "not distinguished, which is not parity",
    "different": "different",
    "identical": "identical scores in all runs",
    "none": "no interval, no claim",
}


@dataclass(frozen=True)
class Equivalence:
    """A test of equivalence by two one-sided tests (TOST): the 90 % interval of the difference against ±margin, and the tier it earns.

    tier: "C" the 90 % interval lies inside ±margin; "different" it does not, and the 95 % interval excludes 0; "D" neither;
    "identical" all runs of both sides have the same score on each task; "none" where there is no interval.
    """

    tier: str
    difference: Interval  # at the study's confidence
    narrow: Interval  # at 90 %: two one-sided tests at 5 %
    margin: float | None  # None: no margin was fixed beforehand, hence no equivalence can be claimed
    note: str = ""

    @property
    def meaning(self) -> str:
        return PARITY[self.tier]


def _judge(wide: Interval, narrow: Interval, margin: float | None, identical: bool) -> Equivalence:
    if not wide.is_claimed:
        return Equivalence("none", wide, narrow, margin, wide.note)
    if identical:
        return Equivalence("identical", wide, narrow, margin, "no run differs from another: no interval")
    if wide.low == wide.high:  # neither side varies, so there is no interval; but they can be too many to be apart by chance
        p = 2 / comb(2 * wide.n, wide.n)  # of the exact two-sided permutation test
        tier = "different" if wide.point != 0 and p < 0.05 else "none"
        return Equivalence(tier, wide, narrow, margin, f"no run differs from another of its side: no interval; exact permutation p = {p:.2g}")
    if margin is not None and wide.n >= FEWEST_RUNS_FOR_EQUIVALENCE and -margin < narrow.low and narrow.high < margin:
        return Equivalence("C", wide, narrow, margin)
    if wide.low > 0 or wide.high < 0:
        return Equivalence("different", wide, narrow, margin)
    note = "" if margin is None or wide.n >= FEWEST_RUNS_FOR_EQUIVALENCE else f"n = {wide.n}: too few runs to claim equivalence"
    return Equivalence("D", wide, narrow, margin, note)


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
) -> Equivalence:
    """Are X and Y the same within ±margin (in the unit of the scores)? The margin must be fixed before the runs.

    method: "bootstrap" for the metric over all tasks; "welch" for the mean of one task, x and y being [runs], which keeps its
    coverage at small n.
    """
    if margin is not None and not margin > 0:
        raise ValueError(f"margin={margin} must be positive: the largest difference that would still count as none")
    if method == "welch":
        compare = partial(welch_difference, np.asarray(x), np.asarray(y))
    elif method == "bootstrap":
        compare = partial(difference, x, y, metric, reps=reps, seed=seed)
    else:
        raise ValueError(f"unknown method '{method}': one of bootstrap, welch")
    identical = all(np.ptp(np.concatenate([np.ravel(a), np.ravel(b)])) == 0 for a, b in zip(_tasks(x), _tasks(y), strict=True))
    return _judge(compare(confidence=confidence), compare(confidence=0.90), margin, identical)


def _tasks(scores: Scores) -> list[np.ndarray]:
    if isinstance(scores, np.ndarray):
        return [scores] if scores.ndim == 1 else list(np.moveaxis(scores, 1, 0))
    return list(scores)


# -------------------------------------------------------------------------------------------------------------- one task


@dataclass(frozen=True)
class TaskSummary:
    """The final scores of one algorithm on one task, in the task's own unit."""

    n: int
    mean: float
    median: float
    iqm: float
    minimum: float
    maximum: float
    sd: float  # of the runs, n − 1 in the denominator; NaN for one run
    t: Interval  # of the mean
    bootstrap: Interval  # of the IQM


def t_interval(scores: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """The mean of [runs] with Student's t interval."""
    x = _sample([np.asarray(scores, dtype=np.float64)], "the task").values[:, 0]
    mean = float(x.mean())
    if len(x) == 1:
        return Interval(mean, float("nan"), float("nan"), 1, confidence, "n = 1: no interval")
    if np.ptp(x) == 0:
        return Interval(mean, mean, mean, len(x), confidence, "all runs equal: their spread cannot be estimated")
    half = float(distributions.t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return Interval(mean, mean - half, mean + half, len(x), confidence)


def task_summary(scores: np.ndarray, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95) -> TaskSummary:
    """Mean, median, IQM, extremes and both intervals of the final scores [runs] of one task."""
    x = _sample([np.asarray(scores, dtype=np.float64)], "the task").values[:, 0]
    bootstrap = interval_estimates({"the task": [x]}, "iqm", reps=reps, seed=seed, confidence=confidence)["the task"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the standard deviation of one run is NaN, and said so
        sd = float(x.std(ddof=1))
    t = t_interval(x, confidence=confidence)
    return TaskSummary(len(x), float(x.mean()), float(np.median(x)), bootstrap.point, float(x.min()), float(x.max()), sd, t, bootstrap)


def coverage_note(n: int) -> str:
    """What a reader should know of a nominal 95 % bootstrap interval of one task from n runs; empty where it covers well."""
    if n < 2:
        return "n = 1: no interval"
    known = max((k for k in COVERAGE_OF_ONE_TASK if k <= n), default=min(COVERAGE_OF_ONE_TASK))
    covered = COVERAGE_OF_ONE_TASK[known]
    bound = "at most" if n < known else "about" if n == known else "at least"
    return f"n = {n}: a nominal 95 % bootstrap interval of one task covers {bound} {100 * covered:.0f} % for normal scores, less where some runs fail"
