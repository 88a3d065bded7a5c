"""Point estimates with their intervals: aggregates, profiles, P(improvement), ranks, and the scores of one task.

Two kinds of bootstrap interval, of the same replicates:
    percentile   the quantiles of the replicates: what rliable prints, and too narrow for few runs
    expanded     the percentile interval at a wider nominal level, Φ(−√(n/(n−1)) t_{1−α/2}), which repairs what a resample of n runs
                 lacks: a variance that is (n−1)/n of an unbiased one, and t's tails (Hesterberg 2015, arXiv:1411.5279, section 5.3).
                 The degrees of freedom are Welch–Satterthwaite's over tasks and sides. Comparisons use it, and bands (stretched by the ratio).
How often each covers what it claims is measured: `benchmarks.calibration.measure`, read by `benchmarks.stats.coverage`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from scipy import stats as distributions

from benchmarks.stats.bootstrap import (
    FIRST,
    SECOND,
    BadScores,
    Sample,
    Scores,
    aggregate,
    blocks,
    check_paired,
    exceedance,
    improvement,
    improvement_replicates,
    pair_of,
    replicates,
)

KINDS = ("percentile", "expanded")
NO_SPREAD = "all runs equal: no interval"
NO_SPREAD_WITHIN = "no run differs from the others of its side and task: no interval"  # those of another side or task may differ


@dataclass(frozen=True)
class Interval:
    """A point estimate and its interval; scalars, or arrays [checkpoints]. `low` and `high` are NaN where no interval can be claimed."""

    point: Any
    low: Any
    high: Any
    n: int  # runs of the task with the fewest
    confidence: float
    note: str = ""  # why there is no interval (at any checkpoint)
    warning: str = ""  # what to know of the interval that there is

    @property
    def is_claimed(self) -> bool:
        """Whether there is an interval (for curves: at some checkpoint)."""
        return bool(np.any(np.isfinite(self.low)))

    @property
    def excludes_zero(self) -> bool:
        return bool(np.all(np.asarray(self.low) > 0) or np.all(np.asarray(self.high) < 0))


def no_interval(point: Any, n: int, confidence: float, note: str) -> Interval:
    nothing: Any = np.full(np.shape(point), np.nan) if np.ndim(point) else float("nan")
    return Interval(point, nothing, nothing, n, confidence, note)


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence}: give a share between 0 and 1, such as 0.95")


# ------------------------------------------------------------------------------------------------- from replicates to intervals


def _percentiles(values: np.ndarray, tail: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles `tail` and 1 − `tail` of each column; values [reps, C], tail [C]."""
    if np.all(tail == tail[0]):
        low, high = np.quantile(values, [tail[0], 1 - tail[0]], axis=0)
        return low, high
    both = np.array([np.quantile(values[:, c], [t, 1 - t]) for c, t in enumerate(tail)])
    return both[:, 0], both[:, 1]


def _simultaneous(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, float]:
    """The narrowest equal-rank envelope that holds a share `confidence` of the replicate curves from end to end, [C] twice, and its pointwise tail.

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
    return ordered[:, rank - 1], ordered[:, reps - rank], rank / reps


def _expanded_reach(samples: Sequence[Sample], tail: float) -> np.ndarray:
    """How many standard normal deviations the expanded interval reaches where the percentile interval has this tail, per checkpoint: [C]."""
    variance: Any = 0.0
    spread: Any = 0.0
    for sample in samples:
        for v, freedom in _variances(sample):
            variance, spread = variance + v, spread + v**2 / freedom
    n = min(sample.fewest for sample in samples)
    freedom = np.divide(np.square(variance), spread, out=np.full(np.shape(variance), max(n - 1.0, 1.0)), where=np.asarray(spread) > 0)
    return np.sqrt(n / (n - 1)) * distributions.t.isf(tail, freedom)


def _variances(sample: Sample) -> list[tuple[np.ndarray, int]]:
    """The squared error of the mean over tasks in independent parts, [C] each, with their degrees of freedom: of each task, or of all in units."""
    tasks = [task for task in sample.tasks() if len(task) > 1]
    if sample.unit is None:
        return [(task.var(axis=0, ddof=1) / len(task) / len(sample.runs) ** 2, len(task) - 1) for task in tasks]
    n = sample.runs[sample.task][:, None]
    means = np.array([task.mean(axis=0) for task in sample.tasks()])[sample.task]
    apart = (sample.values - means) / np.sqrt(n * np.maximum(n - 1, 1)) / len(sample.runs)
    return [(np.square(sample.summed(apart)).sum(axis=0), max(sample.fewest - 1, 1))]


def _band(point: np.ndarray, values: np.ndarray, samples: Sequence[Sample], confidence: float, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The simultaneous band, [C] twice; expanded: stretched about the point by as much as the interval of its pointwise tail would widen."""
    low, high, tail = _simultaneous(values, confidence)
    if kind == "percentile":
        return low, high
    tail = min(tail, 0.25)  # where nearly all places are flat, the envelope is at the median
    stretch = _expanded_reach(samples, tail) / distributions.norm.isf(tail)
    return point - stretch * (point - low), point + stretch * (high - point)


def from_replicates(
    point: Any, values: np.ndarray, samples: Sequence[Sample], confidence: float, *, kind: str = "percentile", simultaneous: bool = False
) -> Interval:
    """The interval of replicates [reps] or [reps, C]; none where there is one run, or where the resamples show no spread."""
    check_confidence(confidence)
    if kind not in KINDS:
        raise ValueError(f"unknown kind of interval '{kind}': one of {', '.join(KINDS)}")
    n = min(sample.fewest for sample in samples)
    if n == 1:
        return no_interval(point, 1, confidence, "n = 1: no interval")
    columns = values.reshape(len(values), -1)
    if simultaneous and columns.shape[1] > 1:
        low, high = _band(np.asarray(point), columns, samples, confidence, kind)
    else:
        tail = np.full(columns.shape[1], (1 - confidence) / 2)
        if kind == "expanded":
            tail = np.broadcast_to(distributions.norm.sf(_expanded_reach(samples, tail[0])), tail.shape)
        low, high = _percentiles(columns, tail)
    # So many resamples agree (but for rounding) that the interval has no width: it would claim certainty from a handful of runs.
    flat = high - low <= 1e-12 * np.maximum(np.abs(low), np.abs(high))
    if flat.all():
        same = all(np.ptp(task, axis=0).max() == 0 for sample in samples for task in sample.tasks())
        alone = np.ptp(np.concatenate([sample.values for sample in samples]), axis=0).max() == 0
        return no_interval(point, n, confidence, (NO_SPREAD if alone else NO_SPREAD_WITHIN) if same else "no spread among the resamples: no interval")
    low, high = np.where(flat, np.nan, low), np.where(flat, np.nan, high)
    warning = twice(samples)
    if values.ndim == 1:
        return Interval(point, float(low[0]), float(high[0]), n, confidence, warning=warning)
    if flat.any():
        warning = "; ".join(filter(None, (f"no interval at {int(flat.sum())} of {len(flat)} places, where the resamples show no spread", warning)))
    return Interval(point, low, high, n, confidence, warning=warning)


def twice(samples: Sequence[Sample]) -> str:
    """A warning where two runs of a task are the same at every checkpoint (and not constant): they may be one run, given twice."""
    for sample in samples:
        if sample.values.shape[1] < 2:
            continue
        for m, task in enumerate(sample.tasks()):
            _, where, counts = np.unique(task, axis=0, return_inverse=True, return_counts=True)
            same = np.flatnonzero((counts[where.ravel()] > 1) & (np.ptp(task, axis=1) > 0))
            if len(same):
                group = np.flatnonzero(where.ravel() == where.ravel()[same[0]])
                return f"runs {', '.join(map(str, group))} of task {m} are the same at every checkpoint: one run counted {len(group)} times?"
    return ""


def interval_estimates(
    scores: Mapping[str, Scores],
    metric: str = "iqm",
    *,
    reps: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
    simultaneous: bool = False,
    threshold: float = 1.0,
    kind: str = "percentile",
) -> dict[str, Interval]:
    """A metric with its stratified bootstrap interval for each algorithm, per checkpoint where scores have checkpoints.

    simultaneous: the band holds the whole curve with the stated confidence, rather than each checkpoint alone.
    threshold: the score at which the optimality gap is 0. kind: see the top of this file.
    """
    found = {}
    for name, s in scores.items():
        sample = Sample.of(s, f"'{name}'")
        point = aggregate(s, metric, threshold=threshold)
        values = replicates(s, metric, reps=reps, seed=seed, threshold=threshold)
        found[name] = from_replicates(point, values, [sample], confidence, kind=kind, simultaneous=simultaneous)
    return found


def performance_profile(
    scores: Mapping[str, Scores],
    taus: np.ndarray,
    *,
    reps: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
    simultaneous: bool = True,
    kind: str = "percentile",
) -> dict[str, Interval]:
    """The share of runs that score more than τ, for each τ in `taus`: arrays [len(taus)], with a band. Scores: [runs, tasks]."""
    taus = np.asarray(taus, dtype=np.float64)
    if taus.ndim != 1 or not np.isfinite(taus).all():
        raise ValueError(f"taus must be a list of finite scores, not of shape {taus.shape}")
    profiles = {}
    for name, s in scores.items():
        sample = Sample.of(s, f"'{name}'")
        if sample.has_checkpoints:
            raise BadScores(f"a performance profile needs final scores [runs, tasks]; those of '{name}' have checkpoints")
        compute = exceedance(sample, taus)
        values = np.concatenate([compute(counts) for counts in blocks(sample, reps, seed)])
        point = compute(np.ones((len(sample.values), 1)))[0]
        band = from_replicates(point, values, [sample], confidence, kind=kind, simultaneous=simultaneous)
        profiles[name] = replace(band, low=np.clip(band.low, 0.0, 1.0), high=np.clip(band.high, 0.0, 1.0))
    return profiles


# --------------------------------------------------------------------------------------------------------------- two algorithms


def probability_of_improvement(
    x: Scores, y: Scores, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95, paired: bool = False
) -> Interval:
    """The probability that a run of X scores more than a run of Y on the same task, averaged over tasks; ties count one half."""
    a, b = pair_of(x, y)
    if a.has_checkpoints or b.has_checkpoints:
        raise BadScores("the probability of improvement needs final scores [runs, tasks], without checkpoints")
    point = improvement(x, y)
    found = from_replicates(point, improvement_replicates(x, y, reps=reps, seed=seed, paired=paired), [a, b], confidence)
    if found.is_claimed or found.n == 1:
        return found
    why = "the runs do not overlap" if point in (0.0, 1.0) else "every resample gives the same probability"
    return no_interval(point, found.n, confidence, f"{why}: no interval")


def difference(
    x: Scores,
    y: Scores,
    metric: str = "iqm",
    *,
    reps: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
    threshold: float = 1.0,
    paired: bool = False,
    kind: str = "expanded",
) -> Interval:
    """metric(X) − metric(Y) with the interval of the difference itself, never from whether two intervals overlap.

    The two sides are resampled independently; paired: run i of both is drawn together (seeds that share their environment).
    """
    a, b = pair_of(x, y)
    values = difference_replicates(x, y, metric, reps=reps, seed=seed, threshold=threshold, paired=paired)
    point = aggregate(x, metric, threshold=threshold) - aggregate(y, metric, threshold=threshold)
    if not paired:
        return from_replicates(point, values, [a, b], confidence, kind=kind)
    apart = Sample(a.values - b.values, a.task, a.runs, a.has_checkpoints, a.unit)  # whose spread is that of the difference
    return from_replicates(point, values, [apart], confidence, kind=kind)


def difference_replicates(
    x: Scores, y: Scores, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, threshold: float = 1.0, paired: bool = False
) -> np.ndarray:
    """metric(X) − metric(Y) on `reps` resamples of both sides: [reps] or [reps, checkpoints]."""
    a, b = pair_of(x, y)
    if paired:
        check_paired(a, b)
    sides = ((x, FIRST), (y, FIRST if paired else SECOND))
    one, other = (replicates(scores, metric, reps=reps, seed=seed, threshold=threshold, side=side) for scores, side in sides)
    return one - other


# ----------------------------------------------------------------------------------------------------------- many algorithms


@dataclass(frozen=True)
class Ranks:
    """Rank 1 is the best. share[r]: the probability of rank r + 1 of a random run among random runs of the others, averaged over tasks."""

    share: Interval  # arrays [algorithms]
    mean: Interval


def ranks(scores: Mapping[str, Scores], *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95) -> dict[str, Ranks]:
    """The distribution of each algorithm's rank when one run of each is drawn on a task; ties are broken at random, by exact counting.

    Each algorithm is resampled by itself. The mean rank is 1 + Σ P(another > this one).
    """
    names = list(scores)
    samples = [Sample.of(scores[name], f"'{name}'") for name in names]
    if len(names) < 2:
        raise BadScores(f"ranks need at least 2 algorithms; there is {', '.join(names) or 'none'}")
    for name, sample in zip(names, samples, strict=True):
        if len(sample.runs) != len(samples[0].runs) or sample.has_checkpoints:
            raise BadScores(f"ranks need final scores [runs, tasks] on the same tasks; those of '{name}' are not")
    points = _rank_shares(samples, [np.ones((len(s.values), 1)) for s in samples])[:, :, 0]
    drawn = zip(*(blocks(s, reps, seed, side) for side, s in enumerate(samples)), strict=True)
    values = np.concatenate([_rank_shares(samples, list(counts)) for counts in drawn], axis=2)  # [A, ranks, reps]
    place = np.arange(1.0, len(names) + 1)
    found = {}
    for i, name in enumerate(names):
        share = from_replicates(points[i], values[i].T, samples, confidence)
        found[name] = Ranks(share, from_replicates(float(place @ points[i]), place @ values[i], samples, confidence))
    return found


def _rank_shares(samples: Sequence[Sample], counts: Sequence[np.ndarray]) -> np.ndarray:
    """[algorithm, rank, reps]. Of one run: how many of the others score more, and how many tie, as a product of independent draws."""
    n, tasks = len(samples), len(samples[0].runs)
    starts = [np.concatenate([[0], np.cumsum(s.runs)]) for s in samples]
    out = np.zeros((n, n, counts[0].shape[1]))
    for m in range(tasks):
        rows = [slice(begin[m], begin[m + 1]) for begin in starts]
        scores, weights = [s.values[r, 0] for s, r in zip(samples, rows, strict=True)], [c[r] / (r.stop - r.start) for c, r in zip(counts, rows, strict=True)]
        for i in range(n):
            ahead = {(0, 0): np.ones_like(weights[i])}  # (how many score more, how many tie) -> probability, [runs of i, reps]
            for j in range(n):
                if j == i:
                    continue
                more, same = (is_so.astype(np.float64) @ weights[j] for is_so in (scores[j] > scores[i][:, None], scores[j] == scores[i][:, None]))
                step: dict[tuple[int, int], np.ndarray] = {}
                for (above, tied), p in ahead.items():
                    for key, q in (((above + 1, tied), more), ((above, tied + 1), same), ((above, tied), 1 - more - same)):
                        if np.any(q):
                            step[key] = step.get(key, 0) + p * q
                ahead = step
            for (above, tied), p in ahead.items():
                out[i, above : above + tied + 1] += (weights[i] * p).sum(axis=0) / (tied + 1)
    return out / tasks


# -------------------------------------------------------------------------------------------------------------------- one task


def one_task(scores: Any, name: str = "the task") -> np.ndarray:
    """Final scores [runs] of one task, checked."""
    x = np.asarray(scores)
    if x.ndim != 1:
        raise BadScores(f"scores of {name} have shape {x.shape}: expected [runs] of one task")
    return Sample.of([x], name).values[:, 0]


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
    tolerance: Interval  # where runs to come score; its point is the median


def t_interval(scores: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """The mean of [runs] with Student's t interval."""
    check_confidence(confidence)
    x = one_task(scores)
    mean = float(x.mean())
    if len(x) == 1:
        return no_interval(mean, 1, confidence, "n = 1: no interval")
    if np.ptp(x) == 0:
        return no_interval(mean, len(x), confidence, NO_SPREAD)
    half = float(distributions.t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return Interval(mean, mean - half, mean + half, len(x), confidence)


def tolerance_interval(scores: np.ndarray, *, content: float = 0.9, confidence: float = 0.95) -> Interval:
    """Where at least a share `content` of all runs to come will score, for any continuous distribution (Wilks 1941).

    Between the r-th lowest and r-th highest of n runs lies a share of Beta(n − 2r + 1, 2r) of the distribution; r is the largest
    that holds `content` with `confidence`. Where even the range of the runs does not, there is no interval, and the note says what it holds.
    """
    check_confidence(confidence)
    check_confidence(content)
    x = np.sort(one_task(scores))
    n, median = len(x), float(np.median(x))
    r = _tolerance_rank(n, content, confidence)
    if n == 1:
        return no_interval(median, 1, confidence, "n = 1: no interval")
    if np.ptp(x) == 0:
        return no_interval(median, n, confidence, NO_SPREAD)
    if r == 0:
        held = float(distributions.beta.ppf(1 - confidence, n - 1, 2))
        needed = f"{100 * content:.0f} % needs {runs_for_tolerance(content, confidence)} runs"
        note = f"n = {n}: the range of the runs holds {100 * held:.0f} % of runs to come; {needed}"
        return no_interval(median, n, confidence, note)
    return Interval(median, float(x[r - 1]), float(x[n - r]), n, confidence)


@cache
def _tolerance_rank(n: int, content: float, confidence: float) -> int:
    """The largest r that will do; 0 if none does."""
    return max((r for r in range(1, (n - 1) // 2 + 1) if distributions.beta.sf(content, n - 2 * r + 1, 2 * r) >= confidence), default=0)


@cache
def runs_for_tolerance(content: float = 0.9, confidence: float = 0.95) -> int:
    """The fewest runs whose range holds a share `content` of all runs to come with `confidence`."""
    n = 2
    while distributions.beta.sf(content, n - 1, 2) < confidence:
        n += 1
    return n


def task_summary(scores: np.ndarray, *, reps: int = 50_000, seed: int = 0, confidence: float = 0.95) -> TaskSummary:
    """Mean, median, IQM, extremes and the intervals of the final scores [runs] of one task."""
    x = one_task(scores)
    bootstrap = interval_estimates({"the task": [x]}, "iqm", reps=reps, seed=seed, confidence=confidence)["the task"]
    sd = float(x.std(ddof=1)) if len(x) > 1 else float("nan")
    t, tolerance = t_interval(x, confidence=confidence), tolerance_interval(x, confidence=confidence)
    return TaskSummary(len(x), float(x.mean()), float(np.median(x)), bootstrap.point, float(x.min()), float(x.max()), sd, t, bootstrap, tolerance)
