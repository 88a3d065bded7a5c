"""Interval estimates and performance profiles by the stratified bootstrap (Agarwal et al. 2021, arXiv:2108.13264), under rliable's names.

A function that comes to known metrics (metrics.py, or a stack of them) is answered by the kernels of `benchmarks.stats.bootstrap`; any other is called
for every resample. Both draw the same resamples from `seed`, so they give the same interval. A run is drawn with all of its frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import stats as distributions

from benchmarks.stats import bootstrap
from benchmarks.stats.bootstrap import BadScores, Sample
from benchmarks.stats.intervals import check_confidence
from benchmarks.stats.rliable import metrics
from benchmarks.stats.rliable.tracing import Asked, asked_by

METHODS = ("percentile", "basic", "norm", "bc", "debiased", "bias-corrected", "bca")
TASKS = 2**16  # the stream from which tasks are drawn: no side of a comparison has this number
Function = Callable[..., Any]


class NoInterval(UserWarning):
    """Why an estimate has no interval: its bounds are NaN."""


# ----------------------------------------------------------------------------------------------------------------- the bootstrap


class _Bootstrap:
    """What both bootstraps share. args: arrays [runs, tasks] or [runs, tasks, frames]."""

    def __init__(self, args: Sequence[Any], names: Sequence[str], seed: int, *, is_independent: bool, task_bootstrap: bool = False):
        self.args = tuple(np.asarray(a) for a in args)
        self.samples = [Sample.of(a, name) for a, name in zip(self.args, names, strict=True)]
        self.names, self.seed, self.is_independent, self.task_bootstrap = tuple(names), seed, is_independent, task_bootstrap
        if not is_independent and len({a.shape[:2] for a in self.args}) > 1:
            raise BadScores(f"scores of {', '.join(names)} have shapes {', '.join(str(a.shape) for a in self.args)}: drawn together, they need the same "
                            "runs and tasks; StratifiedIndependentBootstrap draws each by itself")  # fmt: skip

    def bootstrap(self, reps: int) -> Iterator[tuple[tuple[np.ndarray, ...], dict[str, np.ndarray]]]:
        """`reps` resamples of the arguments, as (arrays, {})."""
        rng, n_tasks = bootstrap.stream(self.seed, TASKS), self.args[0].shape[1]
        drawn = [bootstrap.draws(s.runs, reps, self.seed, side) for side, s in enumerate(self.samples if self.is_independent else self.samples[:1])]
        for sides in zip(*drawn, strict=True):
            runs = [np.stack(per_task, axis=1) for per_task in sides]  # [runs, tasks, replicates]
            runs *= 1 if self.is_independent else len(self.args)
            width = runs[0].shape[2]
            tasks = rng.integers(0, n_tasks, size=(width, n_tasks)) if self.task_bootstrap else None
            for r in range(width):
                columns = None if tasks is None else tasks[r]
                yield tuple(_taken(a, rows[..., r], columns) for a, rows in zip(self.args, runs, strict=True)), {}

    def apply(self, func: Function, reps: int = 1000) -> np.ndarray:
        """The function on `reps` resamples, [reps, numbers that it returns]."""
        asked = self._asked(func)
        if asked is not None:
            return self._known(asked, reps)
        return np.array([np.ravel(func(*data)) for data, _ in self.bootstrap(reps)], dtype=np.float64)

    def conf_int(self, func: Function, reps: int = 1000, method: str = "basic", size: float = 0.95) -> np.ndarray:
        """The interval of each number that the function returns, [2, numbers]: lower bounds, then upper ones."""
        check_method(method)
        check_confidence(size)
        return self._interval(func, np.ravel(func(*self.args)).astype(np.float64), self.apply(func, reps), method, size)

    def _asked(self, func: Function) -> list[Asked] | None:
        """What the function asks for, if that is known, and its answer of the scores is just that."""
        known = getattr(metrics, getattr(func, "__name__", ""), None) if getattr(func, "__module__", "") == "rliable.metrics" else func
        asked = None if self.task_bootstrap or known is None else asked_by(known, [a.shape for a in self.args])
        if asked is None or any(a.metric == "improvement" and (a.sides != (0, 1) or not self.is_independent) for a in asked):
            return None
        answer, expected = np.ravel(func(*self.args)), [self._point(a) for a in asked]
        return asked if len(answer) == len(asked) and np.allclose(answer.astype(np.float64), expected, rtol=1e-9, atol=1e-12) else None

    def _frame(self, side: int, frame: int | None) -> np.ndarray:
        return self.args[side] if frame is None else self.args[side][..., frame]

    def _point(self, asked: Asked) -> float:
        x, *y = (self._frame(side, asked.frame) for side in asked.sides)
        return bootstrap.improvement(x, y[0]) if y else bootstrap.aggregate(x, asked.metric, threshold=asked.threshold)

    def _known(self, asked: list[Asked], reps: int) -> np.ndarray:
        """Metrics on `reps` resamples, by the kernels: one pass for all metrics of a side, and all frames of one together."""
        values = np.empty((reps, len(asked)))
        for sides in dict.fromkeys(a.sides for a in asked):
            computes = []
            for kind in dict.fromkeys((a.metric, a.threshold) for a in asked if a.sides == sides):
                places = [k for k, a in enumerate(asked) if a.sides == sides and (a.metric, a.threshold) == kind]
                frames = [Sample.of(np.stack([self._frame(side, asked[k].frame) for k in places], axis=2), self.names[side]) for side in sides]
                computes.append((places, bootstrap.metric_of(kind[0], frames[0], threshold=kind[1]) if len(sides) == 1 else bootstrap.improvement_of(*frames)))
            drawn = [bootstrap.blocks(self.samples[side], reps, self.seed, side if self.is_independent else bootstrap.FIRST) for side in sides]
            first = 0
            for counts in zip(*drawn, strict=True):
                last = first + counts[0].shape[1]
                for places, compute in computes:
                    values[first:last, places] = compute(*counts)
                first = last
        return values

    def _interval(self, func: Function, point: np.ndarray, values: np.ndarray, method: str, size: float, *, is_told: bool = True) -> np.ndarray:
        """[2, numbers]; NaN, and a NoInterval that says why unless `is_told` is False, where no interval can be claimed."""
        if values.shape[1:] != point.shape:
            raise ValueError(f"{self._title}: the function returns {len(point)} number(s) of the scores and {values.shape[1]} of a resample")
        if min(s.fewest for s in self.samples) == 1:
            warnings.warn(f"{self._title}: one run, hence no interval (NaN)", NoInterval, stacklevel=3)
            return np.full((2, len(point)), np.nan)
        flat = np.ptp(values, axis=0) <= 1e-12 * np.abs(values).max(axis=0)
        found = np.full((2, len(point)), np.nan)
        varied = np.flatnonzero(~flat)
        if len(varied):
            one = self._jackknife(func)[:, varied] if method == "bca" else None
            found[:, varied] = _bounds(point[varied], values[:, varied], method, size, one, self._title)
        flat |= found[1] - found[0] <= 1e-12 * np.abs(found).max(axis=0)
        if flat.any() and is_told:
            which = "" if len(flat) == 1 else f" for {int(flat.sum())} of {len(flat)} estimates (first: number {int(np.argmax(flat))})"
            warnings.warn(f"{self._title}: the resamples do not differ, hence no interval (NaN){which}", NoInterval, stacklevel=3)
        found[:, flat] = np.nan
        return found

    @property
    def _title(self) -> str:
        return " and ".join(self.names)

    def _jackknife(self, func: Function) -> np.ndarray:
        """The function without each run in turn (of all tasks and arguments), [runs, numbers]."""
        if len({len(a) for a in self.args}) > 1:
            raise ValueError(f"method='bca' needs as many runs on both sides; {self._title} have {', '.join(str(len(a)) for a in self.args)}")
        return np.array([np.ravel(func(*(np.delete(a, i, axis=0) for a in self.args))) for i in range(len(self.args[0]))], dtype=np.float64)


def _taken(scores: np.ndarray, runs: np.ndarray, tasks: np.ndarray | None) -> np.ndarray:
    """The scores of the runs [runs, tasks] in each task, or in each of the tasks drawn."""
    return scores[runs, np.arange(scores.shape[1]) if tasks is None else tasks]


class StratifiedBootstrap(_Bootstrap):
    """Resamples the runs of each task by itself. Several arguments are drawn together.

    args: arrays [runs, tasks] or [runs, tasks, frames]. task_bootstrap: draw tasks too, as a sample from a population of tasks.
    seed, random_state: see `get_interval_estimates`.
    """

    def __init__(self, *args: np.ndarray, random_state: Any = None, task_bootstrap: bool = False, seed: int = 0):
        names = ["the scores"] if len(args) == 1 else [f"argument {k}" for k in range(len(args))]
        super().__init__(args, names, seed_of(seed, random_state), is_independent=False, task_bootstrap=task_bootstrap)


class StratifiedIndependentBootstrap(_Bootstrap):
    """Resamples the runs of each task by itself, and each argument independently of the others: they may have other numbers of runs."""

    def __init__(self, *args: np.ndarray, random_state: Any = None, seed: int = 0):
        super().__init__(args, [f"argument {k}" for k in range(len(args))], seed_of(seed, random_state), is_independent=True)


def seed_of(seed: int, random_state: Any) -> int:
    """The seed: `seed`, or what random_state says: a whole number is one, a RandomState or Generator is asked for its next."""
    if random_state is None:
        return seed
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    draw = getattr(random_state, "integers", None) or getattr(random_state, "randint", None)
    if draw is None:
        raise TypeError(f"random_state={random_state!r}: give a whole number, a numpy RandomState or Generator, or seed=")
    return int(draw(2**31 - 1))


def check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method='{method}': one of {', '.join(METHODS)}")


def _bounds(point: np.ndarray, values: np.ndarray, method: str, size: float, jackknife: np.ndarray | None, title: str) -> np.ndarray:
    """The bounds of replicates [reps, numbers] (Efron & Tibshirani 1993, chapters 13 and 14): [2, numbers]."""
    tails = np.array([(1 - size) / 2, (1 + size) / 2])
    z = distributions.norm.ppf(tails)[:, None]
    if method == "norm":
        return point + z * values.std(axis=0)
    if method in ("percentile", "basic"):
        found = np.quantile(values, tails, axis=0)
        return found if method == "percentile" else 2 * point - found[::-1]
    below = (values < point).mean(axis=0)
    if below.min() == 0 or below.max() == 1:
        raise ValueError(f"{title}: method='{method}' corrects a bias that is the share of resamples below the estimate, and that is {below.min():g} to "
                         f"{below.max():g}; use method='percentile'")  # fmt: skip
    bias, acceleration = distributions.norm.ppf(below), 0.0
    if jackknife is not None:
        apart = jackknife.mean(axis=0) - jackknife
        spread = np.sum(apart**2, axis=0) ** 1.5
        if (spread == 0).any():
            raise ValueError(f"{title}: method='bca' needs estimates that change as one run is left out; use method='percentile'")
        acceleration = np.sum(apart**3, axis=0) / (6 * spread)
    levels = distributions.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
    return np.array([np.quantile(column, level) for column, level in zip(values.T, levels.T, strict=True)]).T


# ----------------------------------------------------------------------------------------------------------------- score dictionaries


def _arguments(name: str, scores: Any) -> tuple[list[np.ndarray], list[str], bool]:
    """The arrays of one entry of a score dictionary, their names, and whether they are several, as for P(improvement)."""
    if isinstance(scores, np.ndarray):
        return [scores], [f"'{name}'"], False
    if not isinstance(scores, (list, tuple)) or not len(scores):
        raise BadScores(f"scores of '{name}' are a {type(scores).__name__}: expected an array [runs, tasks], or a pair of them for P(improvement)")
    if all(isinstance(s, np.ndarray) and s.ndim > 1 for s in scores):
        return list(scores), [f"'{name}' ({part})" for part in ("X", "Y")] if len(scores) == 2 else [f"'{name}' ({k})" for k in range(len(scores))], True
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in scores]
    for run, length in enumerate(lengths):
        if length != lengths[0]:
            raise BadScores(f"scores of '{name}': run {run} has {length} task(s), run 0 has {lengths[0]}. An array [runs, tasks] holds as many runs of each "
                            "task; where they are not, benchmarks.stats takes one array per task")  # fmt: skip
    return [np.asarray(scores, dtype=np.float64)], [f"'{name}'"], False


def get_interval_estimates(
    score_dict: Mapping[str, Any],
    func: Function,
    method: str = "percentile",
    task_bootstrap: bool = False,
    reps: int = 50000,
    confidence_interval_size: float = 0.95,
    random_state: Any = None,
    *,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Point estimates, as `func` returns them, and their intervals, [2, numbers]: lower bounds, then upper ones.

    score_dict: name -> scores [runs, tasks] or [runs, tasks, frames]; or name -> a pair of them, which `func` takes as two arguments and which are
    resampled independently. func: returns a number or an array [numbers]. method: one of METHODS. task_bootstrap: draw tasks too (not for pairs).
    seed: the same seed gives the same intervals; every name draws from it anew, so another algorithm changes nobody's. random_state: a whole number, or
    a RandomState or Generator that is asked for a seed once a call.

    NaN and a NoInterval warning where no interval can be claimed: of one run, or where all resamples agree. BadScores, with algorithm, run and task,
    for scores that are not finite.
    """
    check_method(method)
    check_confidence(confidence_interval_size)
    seed = seed_of(seed, random_state)
    points, intervals = {}, {}
    for name, scores in score_dict.items():
        args, names, is_several = _arguments(name, scores)
        if task_bootstrap and is_several:
            raise ValueError(f"'{name}' has {len(args)} score arrays: task_bootstrap is for one")
        engine = _Bootstrap(args, names, seed, is_independent=is_several, task_bootstrap=task_bootstrap)
        points[name] = func(*engine.args)
        flat = np.ravel(points[name]).astype(np.float64)
        intervals[name] = engine._interval(func, flat, engine.apply(func, reps), method, confidence_interval_size)
    return points, intervals


# ----------------------------------------------------------------------------------------------------------------- performance profiles


def run_score_deviation(scores: np.ndarray, tau: float) -> Any:
    """The share of all runs of all tasks that score more than τ."""
    return np.mean(np.asarray(scores) > tau)


def mean_score_deviation(scores: np.ndarray, tau: float) -> Any:
    """The share of tasks whose mean score over runs is more than τ."""
    return np.mean(np.mean(scores, axis=0) > tau)


def score_distributions(scores: np.ndarray, tau_list: Any) -> np.ndarray:
    """`run_score_deviation` at each τ."""
    return np.array([run_score_deviation(scores, tau) for tau in tau_list])


def average_score_distributions(scores: np.ndarray, tau_list: Any) -> np.ndarray:
    """`mean_score_deviation` at each τ."""
    means = np.mean(scores, axis=0)
    return np.array([np.mean(means > tau) for tau in tau_list])


def create_performance_profile(
    score_dict: Mapping[str, np.ndarray],
    tau_list: Any,
    use_score_distribution: bool = True,
    custom_profile_func: Function | None = None,
    method: str = "percentile",
    task_bootstrap: bool = False,
    reps: int = 2000,
    confidence_interval_size: float = 0.95,
    *,
    seed: int = 0,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Performance profiles, [len(tau_list)], and their pointwise intervals, [2, len(tau_list)]; NaN at a τ where all resamples agree.

    use_score_distribution: the share of runs above each τ, or else the share of tasks whose mean is. custom_profile_func(scores, tau_list) takes the
    place of both. `benchmarks.stats.performance_profile` has bands that hold a whole profile.
    """
    check_method(method)
    check_confidence(confidence_interval_size)
    taus = np.asarray(tau_list, dtype=np.float64)
    if taus.ndim != 1 or not np.isfinite(taus).all():
        raise ValueError(f"tau_list must be a list of finite scores; its shape is {taus.shape}")
    own = custom_profile_func or (score_distributions if use_score_distribution else average_score_distributions)
    profile: Function = partial(_profile, own, tau_list)
    profiles, intervals = {}, {}
    for name, scores in score_dict.items():
        args, names, is_several = _arguments(name, scores)
        if is_several:
            raise BadScores(f"'{name}' has {len(args)} score arrays: a performance profile is of one")
        engine = _Bootstrap(args, names, seed, is_independent=False, task_bootstrap=task_bootstrap)
        sample = engine.samples[0]
        if custom_profile_func is None and not task_bootstrap and not sample.has_checkpoints:
            compute = bootstrap.exceedance(sample, taus) if use_score_distribution else bootstrap.mean_exceedance(sample, taus)
            values = np.concatenate([compute(counts) for counts in bootstrap.blocks(sample, reps, seed)])
        else:
            values = engine.apply(profile, reps)
        profiles[name] = profile(*engine.args)
        flat = np.ravel(profiles[name]).astype(np.float64)
        intervals[name] = engine._interval(profile, flat, values, method, confidence_interval_size, is_told=False)
    return profiles, intervals


def _profile(own: Function, tau_list: Any, scores: np.ndarray) -> np.ndarray:
    return own(scores, tau_list)
