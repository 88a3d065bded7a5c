"""Aggregates of scores [runs, tasks], as defined by Agarwal et al. 2021 (arXiv:2108.13264), under rliable's names.

Each equals rliable's to rounding. BadScores for scores that are not finite, where rliable answers NaN, and for those of another shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.stats.bootstrap import BadScores
from benchmarks.stats.rliable.tracing import asked_of


def _checked(scores: Any, name: str = "the algorithm") -> np.ndarray:
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim not in (2, 3) or not x.size:
        raise BadScores(f"scores of {name} have shape {x.shape}: expected [runs, tasks] or [runs, tasks, frames]")
    if not np.isfinite(x).all():
        run, task, *frame = np.argwhere(~np.isfinite(x))[0]
        where = f"run {run}, task {task}" + (f", frame {frame[0]}" if frame else "")
        raise BadScores(f"scores of {name} are {x[run, task, *frame]} at {where}. A run that failed is missing, not NaN")
    return x


def aggregate_mean(scores: Any) -> Any:
    """The mean over tasks of the mean over runs. Of [runs, tasks, frames]: [frames]."""
    return asked_of("mean", scores) or _checked(scores).mean(axis=0).mean(axis=0)


def aggregate_median(scores: Any) -> Any:
    """The median over tasks of the mean over runs. Of [runs, tasks, frames]: [frames]."""
    return asked_of("median", scores) or np.median(_checked(scores).mean(axis=0), axis=0)


def aggregate_optimality_gap(scores: Any, gamma: float = 1) -> Any:
    """By how much all scores fall short of γ on average; a score above γ counts as γ."""
    return asked_of("optimality_gap", scores, threshold=gamma) or gamma - np.minimum(_checked(scores), gamma).mean()


def aggregate_iqm(scores: Any) -> Any:
    """The interquartile mean: the mean of the middle half of all scores of all runs and tasks; a quarter, rounded down, is cut at either end."""
    if asked := asked_of("iqm", scores):
        return asked
    ordered = np.sort(_checked(scores), axis=None)
    cut = len(ordered) // 4
    return ordered[cut : len(ordered) - cut].mean()


def probability_of_improvement(scores_x: Any, scores_y: Any) -> Any:
    """The probability that a run of X scores more than a run of Y on the same task, averaged over tasks; ties count one half.

    scores_x: [runs of X, tasks], scores_y: [runs of Y, tasks]. BadScores where their tasks are not as many.
    """
    if asked := asked_of("improvement", scores_x, scores_y):
        return asked
    x, y = _checked(scores_x, "X"), _checked(scores_y, "Y")
    if x.shape[1:] != y.shape[1:] or x.ndim != 2:
        raise BadScores(f"X has scores {x.shape}, Y {y.shape}: P(improvement) needs [runs, tasks] of the same tasks in the same order")
    return ((x[:, None] > y).mean(axis=(0, 1)) + (x[:, None] == y).mean(axis=(0, 1)) / 2).mean()
