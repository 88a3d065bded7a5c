"""The resampling engine: a resample of the runs is a vector of counts, and every metric is a function of counts.

How often each run was drawn is all that a metric needs to know of a resample, so that
    IQM              one cumulative pass over the globally sorted scores, weighted by their counts
    mean, profile    counts · values, task by task
    P(improvement)   c_x^T K c_y, with K[i, j] = 1 if x_i > y_j, 1/2 if they tie: one pass over the runs of both in the order of their scores
need no sort and no gather per replicate. Drawn with replacement, the counts make a bootstrap; counts of 0 and 1 over the pooled runs
of two algorithms make a permutation test, and over the runs of one a smaller study. Where runs of the same seed on several tasks belong
together (`BySeed`), a seed's runs are drawn as one, whatever their correlation is. The definitions of the metrics are those of
Agarwal et al. 2021 (arXiv:2108.13264, rliable); on the same resample every replicate equals rliable's (tests/benchmarks/test_stats.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

try:
    from numba import njit
except ImportError:  # the NumPy kernels below give the same numbers, more slowly
    njit = None  # type: ignore[assignment]

Scores = np.ndarray | Sequence[np.ndarray]  # [runs, tasks], [runs, tasks, checkpoints], or for each task [runs] or [runs, checkpoints]

BLOCK = 1024  # replicates in memory at a time; a part of the definition of the random draws, like the seed
MOST_KEPT = 2**28  # bytes of draws
FIRST, SECOND = 0, 1  # the two sides of a comparison are resampled independently


class BadScores(ValueError):
    """Scores from which no honest number can be computed: NaN, infinite, empty or misshapen."""


# ---------------------------------------------------------------------------------------------------------------- scores


class BySeed(list):
    """Scores with one array, [runs] or [runs, checkpoints], per task, and the seed of each run: runs of one seed are one unit over the tasks.

    Their scores may be correlated, since they share their weights at the start or their random numbers. Units are resampled, and change
    sides, whole: what follows holds for any correlation. Plain lists and arrays are of runs that are independent from task to task.
    """

    def __init__(self, scores: Sequence[np.ndarray], seeds: Sequence[Sequence[int]]) -> None:
        super().__init__(scores)
        self.seeds = [list(of_task) for of_task in seeds]
        for m, (task, of_task) in enumerate(zip(self, self.seeds, strict=True)):
            if len(task) != len(of_task) or len(set(of_task)) < len(of_task):
                raise BadScores(f"task {m} has {len(task)} runs of the seeds {', '.join(map(str, of_task))}: each run needs a seed of its own")


    def of(self, tasks: Sequence[int]) -> BySeed:
        """The same of these tasks alone."""
        return BySeed([self[m] for m in tasks], [self.seeds[m] for m in tasks])


@dataclass(frozen=True)
class Sample:
    """Scores of all runs, task after task: values [N, C], the task of each row [N], runs per task [T], the unit of each row [N].

    unit: numbers from 0; rows of the same unit are drawn together. None where each row is a unit.
    """

    values: np.ndarray
    task: np.ndarray
    runs: np.ndarray
    has_checkpoints: bool
    unit: np.ndarray | None = None

    @classmethod
    def of(cls, scores: Scores, name: str = "the algorithm") -> Sample:
        """BadScores, naming the algorithm, the run and the task, for scores that are not finite or have no common shape."""
        per_task = _per_task(scores, name)
        if not per_task or any(task.ndim == 0 or len(task) == 0 for task in per_task):
            raise BadScores(f"scores of {name} hold a task without a run (runs per task: {[task.shape[0] if task.ndim else 0 for task in per_task]})")
        shapes = {task.shape[1:] for task in per_task}
        if len(shapes) > 1 or any(len(shape) > 1 for shape in shapes):
            raise BadScores(f"scores of {name} differ in their checkpoints from task to task: {sorted(shapes)}. Cut them to checkpoints that all have")
        if shapes == {(0,)}:
            raise BadScores(f"scores of {name} hold no checkpoint")
        runs = np.array([len(task) for task in per_task])
        values = np.concatenate([task.reshape(len(task), -1) for task in per_task])
        for m, task in enumerate(per_task if not np.isfinite(values).all() else []):
            bad = np.argwhere(~np.isfinite(task))
            if len(bad):
                run, *checkpoint = bad[0]
                where = f"run {run}, task {m}" + (f", checkpoint {checkpoint[0]}" if checkpoint else "")
                raise BadScores(f"scores of {name} hold {len(bad)} value(s) that are not finite (first: {where}). A run that failed is missing, not NaN")
        unit = np.unique(np.concatenate(scores.seeds), return_inverse=True)[1] if isinstance(scores, BySeed) and len(runs) > 1 else None
        return cls(values, np.repeat(np.arange(len(runs)), runs), runs, bool(shapes.pop()), unit)

    @property
    def fewest(self) -> int:
        """Runs of the task with the fewest."""
        return int(self.runs.min())

    def tasks(self) -> list[np.ndarray]:
        """The scores of each task, [runs, C]."""
        return np.split(self.values, np.cumsum(self.runs)[:-1])

    def summed(self, rows: np.ndarray) -> np.ndarray:
        """Rows [N, ...] added over the runs of each unit, [units, ...]."""
        return rows if self.unit is None else sum_by(self.unit, rows)


def sum_by(unit: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows [N, ...] added over those with the same number, [numbers, ...]."""
    order = np.argsort(unit, kind="stable")
    begins = np.flatnonzero(np.diff(unit[order], prepend=-1))
    return np.add.reduceat(rows[order], begins, axis=0)


def _per_task(scores: Scores, name: str) -> list[np.ndarray]:
    if not isinstance(scores, np.ndarray):
        return [_table(task, f"task {m} of {name}") for m, task in enumerate(scores)]
    if scores.ndim not in (2, 3):
        raise BadScores(f"scores of {name} have shape {scores.shape}: expected [runs, tasks] or [runs, tasks, checkpoints]")
    return [_table(scores[:, m], f"task {m} of {name}") for m in range(scores.shape[1])]


def _table(task: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(task, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadScores(f"scores of {name}: runs with different numbers of checkpoints, or not numbers; cut them to checkpoints that all have") from None


def pair_of(x: Scores, y: Scores) -> tuple[Sample, Sample]:
    """Both sides of a comparison; BadScores unless they have the same tasks and checkpoints."""
    a, b = Sample.of(x, "x"), Sample.of(y, "y")
    if len(a.runs) != len(b.runs):
        raise BadScores(f"x has {len(a.runs)} task(s), y has {len(b.runs)}: a comparison needs the same tasks in the same order")
    if a.values.shape[1] != b.values.shape[1]:
        raise BadScores(f"x has {a.values.shape[1]} checkpoint(s), y has {b.values.shape[1]}: a comparison needs the same ones")
    if (a.unit is None) != (b.unit is None):
        raise BadScores("the seeds of one side are known, those of the other are not: give both as BySeed, or neither")
    return a, b


def check_paired(a: Sample, b: Sample) -> None:
    """BadScores unless run i of x and run i of y can be a pair on every task."""
    if not np.array_equal(a.runs, b.runs):
        raise BadScores(f"paired runs: x has {a.runs.tolist()} runs per task, y has {b.runs.tolist()}; keep the seeds that both have")
    if a.unit is not None and b.unit is not None and not np.array_equal(a.unit, b.unit):
        raise BadScores("paired runs: x and y have other seeds on some task; keep the seeds that both have, in the same order")


def pooled(a: Sample, b: Sample) -> Sample:
    """The runs of both sides, task by task: those of x, then those of y. The units of y are others than those of x."""
    values = np.concatenate([side for both in zip(a.tasks(), b.tasks(), strict=True) for side in both])
    runs, unit = a.runs + b.runs, None
    if a.unit is not None and b.unit is not None:
        ends = [np.cumsum(side.runs)[:-1] for side in (a, b)]
        unit = np.concatenate([u for both in zip(np.split(a.unit, ends[0]), np.split(b.unit + a.unit.max() + 1, ends[1]), strict=True) for u in both])
    return Sample(values, np.repeat(np.arange(len(runs)), runs), runs, a.has_checkpoints, unit)


# ----------------------------------------------------------------------------------------------------------------- draws


def stream(seed: int, side: int) -> np.random.Generator:
    """The private stream of one side of one analysis."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, side])))


_kept: OrderedDict[tuple, list[np.ndarray]] = OrderedDict()  # draws of late, see `_drawn_once`


def _drawn(runs: np.ndarray, reps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The runs of each task that each replicate draws, with replacement, task by task (the strata): [runs_m, reps]."""
    for n in runs:
        yield rng.integers(0, n, size=(n, reps))


def _with_replacement(runs: np.ndarray, reps: int, rng: np.random.Generator) -> np.ndarray:
    """How often each run is drawn in each replicate, [N, reps]."""
    counts = np.empty((int(runs.sum()), reps))
    replicate = np.arange(reps)
    start = 0
    for n, drawn in zip(runs, _drawn(runs, reps, rng), strict=True):
        counts[start : start + n] = np.bincount((drawn * reps + replicate).ravel(), minlength=n * reps).reshape(n, reps)
        start += n
    return counts


def _units_with_replacement(runs: np.ndarray, unit: np.ndarray, reps: int, rng: np.random.Generator) -> np.ndarray:
    """As `_with_replacement`, with the runs of a unit drawn together. Where tasks lack units, each takes the first of one row of draws that it has."""
    n = int(unit.max()) + 1
    drawn = rng.integers(0, n, size=(20 * n, reps))  # a task with a single run is in them but for one row in e^20
    counts, start, replicate = np.zeros((len(unit), reps)), 0, np.arange(reps)
    for k in runs:
        row_of = np.full(n, -1)
        row_of[unit[start : start + k]] = np.arange(k)
        rows = row_of[drawn]
        taken = (rows >= 0) & (np.cumsum(rows >= 0, axis=0) <= k)
        counts[start : start + k] = np.bincount((rows * reps + replicate)[taken], minlength=k * reps).reshape(k, reps)
        counts[start] += k - counts[start : start + k].sum(axis=0)
        start += k
    return counts


def check_reps(reps: int) -> None:
    if reps < 1:
        raise ValueError(f"reps={reps}: at least 1 resample is needed; 50000 is usual")


def blocks(sample: Sample | np.ndarray, reps: int, seed: int, side: int = FIRST) -> Iterator[np.ndarray]:
    """Counts of `reps` stratified bootstrap resamples, [N, up to BLOCK] at a time. sample: or the numbers of runs per task, all independent."""
    check_reps(reps)
    runs, unit = (sample.runs, sample.unit) if isinstance(sample, Sample) else (sample, None)
    if unit is not None and np.all(runs == unit.max() + 1):  # every task has every unit
        yield from (counts[unit] for counts in blocks(runs[:1], reps, seed, side))
        return

    def resample() -> Iterator[np.ndarray]:
        rng = stream(seed, side)
        for first in range(0, reps, BLOCK):
            width = min(BLOCK, reps - first)
            yield _with_replacement(runs, width, rng) if unit is None else _units_with_replacement(runs, unit, width, rng)

    yield from _drawn_once(("resamples", tuple(runs.tolist()), None if unit is None else unit.tobytes(), reps, seed, side), resample)


def _drawn_once(key: tuple, draw: Callable[[], Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    """The blocks of whole numbers that `draw` makes. The last ones are kept, in few bytes each, as one analysis after another draws the same."""
    if key in _kept:
        _kept.move_to_end(key)
        yield from (block.astype(np.float64) for block in _kept[key])
        return
    made: list[np.ndarray] = []
    size = 0
    for block in draw():
        if size <= MOST_KEPT:
            made.append(block.astype(np.min_scalar_type(int(block.max(initial=0)))))
            size += made[-1].nbytes
        yield block
    if size <= MOST_KEPT:
        _kept[key] = made
        while len(_kept) > 16 or sum(each.nbytes for blocks in _kept.values() for each in blocks) > MOST_KEPT:
            _kept.popitem(last=False)


def draws(runs: np.ndarray, reps: int, seed: int, side: int = FIRST) -> Iterator[list[np.ndarray]]:
    """What `blocks` counts, in the order drawn: the runs of each task, [runs_m, up to BLOCK]. For metrics that are no function of counts."""
    check_reps(reps)
    rng = stream(seed, side)
    for first in range(0, reps, BLOCK):
        yield list(_drawn(runs, min(BLOCK, reps - first), rng))


def subsets(runs: np.ndarray, kept: np.ndarray, reps: int, seed: int, side: int = FIRST) -> Iterator[np.ndarray]:
    """Counts of 0 and 1 that keep `kept[m]` of the `runs[m]` runs of each task, every choice as likely as another: [N, up to BLOCK]."""

    def choose() -> Iterator[np.ndarray]:
        rng = stream(seed, side)
        for first in range(0, reps, BLOCK):
            columns = [np.repeat([1.0, 0.0], [k, n - k])[:, None].repeat(min(BLOCK, reps - first), axis=1) for n, k in zip(runs, kept, strict=True)]
            yield np.concatenate([rng.permuted(of_task, axis=0) for of_task in columns])

    yield from _drawn_once(("subsets", tuple(runs.tolist()), tuple(kept.tolist()), reps, seed, side), choose)


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


def _task_means_loop(counts, values, task, drawn):
    """Mean of the drawn scores of each task, [T, C, reps]. drawn: how many runs each resample holds of each task, [T]."""
    n, reps = counts.shape
    out = np.zeros((len(drawn), values.shape[1], reps))
    for i in range(n):
        for c in range(values.shape[1]):
            score, total, row = values[i, c], out[task[i], c], counts[i]
            if score != 0.0:
                for r in range(reps):
                    total[r] += row[r] * score
    for m in range(len(drawn)):
        for c in range(values.shape[1]):
            for r in range(reps):
                out[m, c, r] /= drawn[m]
    return out


def _task_means_numpy(counts, values, task, drawn):
    out = np.zeros((len(drawn), values.shape[1], counts.shape[1]))
    for i in range(len(values)):
        out[task[i]] += counts[i] * values[i, :, None]
    return out / drawn[:, None, None]


def _improvement_loop(counts_x, counts_y, order_x, order_y, below, upto, runs_x, runs_y):
    """Mean over tasks of the share of drawn pairs whose x is above its y, ties by half, [reps]. order_x to upto: see `standing`.

    Only whole and half numbers are added until the end, which is exact in any order.
    """
    reps = counts_x.shape[1]
    out, wins, lower, no_higher = np.zeros(reps), np.empty(reps), np.empty(reps), np.empty(reps)
    start_x, start_y = 0, 0
    for m in range(len(runs_x)):
        wins[:], lower[:], no_higher[:] = 0.0, 0.0, 0.0
        j, k = 0, 0
        for i in range(start_x, start_x + runs_x[m]):
            while j < below[i]:
                row = counts_y[order_y[start_y + j]]
                for r in range(reps):
                    lower[r] += row[r]
                j += 1
            while k < upto[i]:
                row = counts_y[order_y[start_y + k]]
                for r in range(reps):
                    no_higher[r] += row[r]
                k += 1
            row = counts_x[order_x[i]]
            for r in range(reps):
                wins[r] += row[r] * 0.5 * (lower[r] + no_higher[r])
        for r in range(reps):
            out[r] += wins[r] / (runs_x[m] * runs_y[m])
        start_x += runs_x[m]
        start_y += runs_y[m]
    return out / len(runs_x)


def _improvement_numpy(counts_x, counts_y, order_x, order_y, below, upto, runs_x, runs_y):
    total, start_x, start_y = np.zeros(counts_x.shape[1]), 0, 0
    for n_x, n_y in zip(runs_x, runs_y, strict=True):
        x, y = slice(start_x, start_x + n_x), slice(start_y, start_y + n_y)
        drawn = np.concatenate([np.zeros((1, counts_y.shape[1])), np.cumsum(counts_y[order_y[y]], axis=0)])  # of the lowest 0, 1, ..., n_y runs
        total += (counts_x[order_x[x]] * 0.5 * (drawn[below[x]] + drawn[upto[x]])).sum(axis=0) / (n_x * n_y)
        start_x, start_y = start_x + n_x, start_y + n_y
    return total / len(runs_x)


if njit is None:
    _iqm, _task_means, _improvement = _iqm_numpy, _task_means_numpy, _improvement_numpy
else:
    # cache=True stores the machine code beside this file; where that is read-only numba compiles again, silently.
    _iqm, _task_means, _improvement = (njit(cache=True)(loop) for loop in (_iqm_loop, _task_means_loop, _improvement_loop))


# --------------------------------------------------------------------------------------------------------------- metrics

Compute = Callable[[np.ndarray], np.ndarray]  # counts [N, reps] -> metric [reps, C]


def _mean_over_tasks(means: np.ndarray) -> np.ndarray:
    """[T, C, reps] -> [reps, C], added task by task: the same order, hence the same bits, everywhere."""
    total = means[0].copy()
    for task in means[1:]:
        total += task
    return total.T / len(means)


def _iqm_of(sample: Sample, drawn: np.ndarray, threshold: float) -> Compute:
    n = int(drawn.sum())
    cut = int(0.25 * n)  # as scipy.stats.trim_mean, and so rliable, rounds
    order = np.ascontiguousarray(np.argsort(sample.values, axis=0, kind="stable").T)
    ordered = np.ascontiguousarray(np.take_along_axis(sample.values.T, order, axis=1))
    return lambda counts: _iqm(counts, order, ordered, float(cut), float(n - cut))


def _mean_of(sample: Sample, drawn: np.ndarray, threshold: float) -> Compute:
    return lambda counts: _mean_over_tasks(_task_means(counts, sample.values, sample.task, drawn))


def _median_of(sample: Sample, drawn: np.ndarray, threshold: float) -> Compute:
    return lambda counts: np.median(_task_means(counts, sample.values, sample.task, drawn), axis=0).T


def _optimality_gap_of(sample: Sample, drawn: np.ndarray, threshold: float) -> Compute:
    clipped = np.minimum(sample.values, threshold)
    return lambda counts: threshold - _mean_over_tasks(_task_means(counts, clipped, sample.task, drawn))


METRICS = {
    "iqm": _iqm_of,  # mean of the middle half of all runs of all tasks
    "mean": _mean_of,  # mean of the task means
    "median": _median_of,  # median of the task means
    "optimality_gap": _optimality_gap_of,  # mean distance to `threshold`, scores above it count as it
}


def metric_of(name: str, sample: Sample, *, drawn: np.ndarray | None = None, threshold: float = 1.0) -> Compute:
    """The metric as a function of counts. drawn: how many runs of each task the counts add up to (default: all of them)."""
    if name not in METRICS:
        raise ValueError(f"unknown metric '{name}': one of {', '.join(METRICS)}")
    return METRICS[name](sample, sample.runs if drawn is None else drawn, threshold)


def exceedance(sample: Sample, taus: np.ndarray) -> Compute:
    """The share of runs above each τ, averaged over tasks: [reps, len(taus)]. Numbers of runs are whole, so the products are exact."""
    above = (sample.values > taus).astype(np.float64)  # [N, len(taus)]
    rows = {int(n): np.isin(sample.task, np.flatnonzero(sample.runs == n)) for n in np.unique(sample.runs)}

    def compute(counts: np.ndarray) -> np.ndarray:
        total = np.zeros((len(taus), counts.shape[1]))
        for n, of_tasks in rows.items():
            total += (above[of_tasks].T @ counts[of_tasks]) / n
        return total.T / len(sample.runs)

    return compute


def mean_exceedance(sample: Sample, taus: np.ndarray) -> Compute:
    """The share of tasks whose mean score is above each τ: [reps, len(taus)]. Scores without checkpoints."""

    def compute(counts: np.ndarray) -> np.ndarray:
        means = _task_means(counts, sample.values, sample.task, sample.runs)[:, 0]  # [T, reps]
        return np.array([(means > tau).mean(axis=0) for tau in taus]).T

    return compute


def standing(a: Sample, b: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How the runs of x stand among those of y, task by task, each task's runs from the lowest score on.

    (the runs of x, those of y in that order; for each of these runs of x, how many of its task's y score less, and how many no more).
    """
    by_task: list[tuple[np.ndarray, ...]] = []
    starts = (np.cumsum(side.runs) - side.runs for side in (a, b))
    for x, y, start_x, start_y in zip(*(np.split(side.values[:, 0], np.cumsum(side.runs)[:-1]) for side in (a, b)), *starts, strict=True):
        order_x, order_y = (np.argsort(values, kind="stable") for values in (x, y))
        counts = (np.searchsorted(y[order_y], x[order_x], side) for side in ("left", "right"))
        by_task.append((order_x + start_x, order_y + start_y, *counts))
    order_x, order_y, below, upto = (np.concatenate(parts) for parts in zip(*by_task, strict=True))
    return order_x, order_y, below, upto


def replicates(
    scores: Scores, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, threshold: float = 1.0, side: int = FIRST, name: str = "the algorithm"
) -> np.ndarray:
    """The metric on `reps` stratified resamples of the runs: [reps] or [reps, checkpoints].

    The draws depend on `seed`, `side` and the number of runs per task only: adding an algorithm to a study changes nobody's interval.
    """
    sample = Sample.of(scores, name)
    compute = metric_of(metric, sample, threshold=threshold)
    values = np.concatenate([compute(counts) for counts in blocks(sample, reps, seed, side)])
    return values if sample.has_checkpoints else values[:, 0]


def subset_replicates(
    scores: Scores, n: int, metric: str = "iqm", *, reps: int = 50_000, seed: int = 0, threshold: float = 1.0, side: int = FIRST
) -> np.ndarray:
    """The metric had only n runs of each task been made, for `reps` random choices of them: [reps] or [reps, checkpoints].

    Of scores BySeed, for choices of seeds where every task has the same ones.
    """
    sample = Sample.of(scores)
    if not 1 <= n <= sample.fewest:
        raise ValueError(f"n={n}: the tasks have {sample.fewest} runs at least; choose 1 to {sample.fewest}")
    kept = np.full(len(sample.runs), n)
    compute = metric_of(metric, sample, drawn=kept, threshold=threshold)
    unit = sample.unit if sample.unit is not None and np.all(sample.runs == sample.unit.max() + 1) else None
    chosen = subsets(sample.runs, kept, reps, seed, side) if unit is None else (c[unit] for c in subsets(sample.runs[:1], kept[:1], reps, seed, side))
    values = np.concatenate([compute(counts) for counts in chosen])
    return values if sample.has_checkpoints else values[:, 0]


def aggregate(scores: Scores, metric: str = "iqm", *, threshold: float = 1.0) -> Any:
    """The point estimate: a float, or an array [checkpoints]."""
    sample = Sample.of(scores)
    value = metric_of(metric, sample, threshold=threshold)(np.ones((len(sample.values), 1)))[0]
    return value if sample.has_checkpoints else float(value[0])


def improvement_of(a: Sample, b: Sample) -> Callable[..., np.ndarray]:
    """P(X > Y), averaged over tasks, as a function of both sides' counts, [N, reps] each: [reps, C]."""
    standings = [standing(replace(a, values=a.values[:, [c]]), replace(b, values=b.values[:, [c]])) for c in range(a.values.shape[1])]
    return lambda counts_x, counts_y: np.stack([_improvement(counts_x, counts_y, *s, a.runs, b.runs) for s in standings], axis=1)


def improvement_replicates(x: Scores, y: Scores, *, reps: int = 50_000, seed: int = 0, paired: bool = False) -> np.ndarray:
    """P(X > Y), averaged over tasks, on `reps` resamples of both sides: [reps] or [reps, checkpoints]. paired: run i of both is drawn together."""
    a, b = pair_of(x, y)
    if paired:
        check_paired(a, b)
    compute = improvement_of(a, b)
    both = zip(blocks(a, reps, seed, FIRST), blocks(b, reps, seed, FIRST if paired else SECOND), strict=True)
    values = np.concatenate([compute(*counts) for counts in both])
    return values if a.has_checkpoints else values[:, 0]


def improvement(x: Scores, y: Scores) -> float:
    """The point estimate of P(X > Y)."""
    a, b = pair_of(x, y)
    ones = (np.ones((len(side.values), 1)) for side in (a, b))
    return float(_improvement(*ones, *standing(a, b), a.runs, b.runs)[0])
