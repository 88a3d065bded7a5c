"""Learning curves as numbers: the area under them, and the steps to a threshold with runs that never get there kept as censored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats as distributions

from benchmarks.stats.bootstrap import BadScores, Sample


def area_under_curve(scores: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The mean score during training: the trapezoidal area under each curve over the steps it spans. [..., checkpoints] -> [...].

    In the unit of the scores, so it stands beside the final score. With a single checkpoint it is that score.
    """
    scores, steps = np.asarray(scores, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    if scores.shape[-1] != len(steps) or np.any(np.diff(steps) <= 0):
        raise BadScores(f"area under a curve: {scores.shape[-1]} scores at {len(steps)} checkpoints; steps must increase")
    if len(steps) == 1:
        return scores[..., 0]
    return np.trapezoid(scores, steps, axis=-1) / (steps[-1] - steps[0])


@dataclass(frozen=True)
class TimeToThreshold:
    """When runs first reach a threshold. times: the checkpoint of each run, [runs]; where reached is False, the end of the run instead.

    survival: the Kaplan–Meier estimate at each step where it falls. median, low, high: steps until half of the runs are there, with
    the interval of Brookmeyer & Crowley (1982) on Greenwood's log(−log) scale; NaN where the runs end before.
    restricted_mean: mean steps, runs that never get there counted with the whole budget.
    """

    threshold: float
    times: np.ndarray
    reached: np.ndarray
    steps: np.ndarray
    survival: np.ndarray
    median: float
    low: float
    high: float
    confidence: float
    restricted_mean: float
    note: str

    @property
    def n(self) -> int:
        return len(self.times)


def steps_to_threshold(scores: np.ndarray, steps: np.ndarray, threshold: float, *, confidence: float = 0.95) -> TimeToThreshold:
    """Steps until each run [runs, checkpoints] first scores at least `threshold`; a run that never does is censored at its end, not dropped.

    A crossing is known to the checkpoint only: the true one lies up to one interval of evaluation earlier.
    """
    values = Sample.of([np.asarray(scores, dtype=np.float64)], "the task").values
    steps = np.asarray(steps, dtype=np.float64)
    if values.shape[1] != len(steps) or np.any(np.diff(steps) <= 0):
        raise BadScores(f"steps to a threshold: {values.shape[1]} scores at {len(steps)} checkpoints; steps must increase")
    above = values >= threshold
    reached = np.asarray(above.any(axis=1))
    times = np.where(reached, steps[above.argmax(axis=1)], steps[-1])
    when, survival, low, high = kaplan_meier(times, reached, confidence)
    median = first_at_or_below(when, survival, 0.5)
    note = "" if reached.all() else f"{int((~reached).sum())} of {len(reached)} runs did not reach it and are censored at {steps[-1]:,.0f} steps"
    ends = np.concatenate([when, [steps[-1]]])
    held = np.concatenate([[1.0], survival])
    restricted = float(np.sum(held * np.diff(np.concatenate([[0.0], ends]))))
    return TimeToThreshold(threshold, times, reached, when, survival, median, first_at_or_below(when, low, 0.5), first_at_or_below(when, high, 0.5), confidence,
                           restricted, note)


def kaplan_meier(times: np.ndarray, happened: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The product-limit estimate (Kaplan & Meier 1958): the times of events, the share still waiting after each, and its interval.

    The interval is Greenwood's variance on the scale of log(−log S), so it stays within 0 and 1; where S is 0 it is 0 to its last bound.
    """
    times, happened = np.asarray(times, dtype=np.float64), np.asarray(happened, dtype=bool)
    when = np.unique(times[happened])
    waiting = np.array([(times >= t).sum() for t in when], dtype=np.float64)
    events = np.array([(happened & (times == t)).sum() for t in when], dtype=np.float64)
    survival = np.cumprod(1 - events / waiting)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (waiting * (waiting - events)))
        half = distributions.norm.ppf((1 + confidence) / 2) * np.sqrt(greenwood) / np.abs(np.log(survival))
        low, high = survival ** np.exp(half), survival ** np.exp(-half)
    gone = survival == 0  # the last run arrived: no variance is left to estimate
    previous = np.concatenate([[1.0], high[:-1]])
    return when, survival, np.where(gone, 0.0, low), np.where(gone, previous, high)


def first_at_or_below(when: np.ndarray, share: np.ndarray, level: float) -> float:
    """The first time at which the share is at or below the level; NaN where it never is."""
    under = np.flatnonzero(share <= level)
    return float(when[under[0]]) if len(under) else float("nan")
