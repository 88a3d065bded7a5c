"""One number for each run: of its scores, its lengths of episodes, what it logged, or what was measured of it.

`take` says how the values at the checkpoints become one. A run that never reaches a threshold counts with its whole budget: what is then compared is the
restricted mean of the steps (Royston & Parmar 2013), which needs no guess at when it would have got there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks import IntegrityError
from benchmarks.claims.claim import Metric
from benchmarks.stats import area_under_curve

OF_CURVE = ("score", "episode_length", "seconds")  # columns of curve.parquet; every other name is a key of training.parquet


def _steps(values: np.ndarray, steps: np.ndarray, metric: Metric) -> float:
    """The first checkpoint at which the threshold is reached; the budget where it never is."""
    assert metric.threshold is not None
    reached = np.flatnonzero(values <= metric.threshold if metric.below else values >= metric.threshold)
    return float(steps[reached[0]] if len(reached) else steps[-1])


TAKEN: dict[str, Callable[[np.ndarray, np.ndarray, Metric], float]] = {  # values, steps [checkpoints] -> one number
    "last": lambda values, steps, metric: float(values[-1]),
    "first": lambda values, steps, metric: float(values[0]),
    "mean": lambda values, steps, metric: float(values.mean()),
    "max": lambda values, steps, metric: float(values.max()),
    "min": lambda values, steps, metric: float(values.min()),
    "sum": lambda values, steps, metric: float(values.sum()),
    "area": lambda values, steps, metric: float(area_under_curve(values[None], steps)[0]),
    "steps": _steps,
}


@dataclass(frozen=True)
class Results:
    """What the runs of a claim's study left, as the store holds it: curve.parquet and training.parquet of every finished run."""

    seeds: list[int]
    curves: pd.DataFrame
    training: pd.DataFrame

    def series(self, arm: str, env: str, of: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """seed -> (steps, values), both [checkpoints at which there is a value]."""
        if of in OF_CURVE:
            rows = self.curves.rename(columns={of: "value"})
        else:
            rows = self.training[self.training["key"] == of]
        rows = rows[(rows["algo"] == arm) & (rows["env"] == env)].sort_values(["seed", "step"])
        return {int(seed): (one["step"].to_numpy(dtype=float), one["value"].to_numpy(dtype=float)) for seed, one in rows.groupby("seed")}

    def values(self, arm: str, env: str, metric: Metric) -> np.ndarray:
        """The metric of every run of an arm on a task, [seeds] in the order of `seeds`. IntegrityError where a run has none."""
        found = self.series(arm, env, metric.of)
        lacking = [seed for seed in self.seeds if seed not in found]
        if lacking:
            raise IntegrityError(f"{arm} on {env}: no {metric.of} of seed {', '.join(map(str, lacking[:5]))}{' …' if len(lacking) > 5 else ''}")
        return np.array([metric_of(*found[seed][::-1], metric) for seed in self.seeds])


def metric_of(values: np.ndarray, steps: np.ndarray, metric: Metric) -> float:
    """The metric of one run from its values at the checkpoints; NaN, which no verdict is given on, where one that counts is NaN."""
    taken = TAKEN[metric.take](values, steps, metric)
    if metric.is_share and not np.isnan(taken):  # NaN is neither yes nor no: a net that diverged has not "stayed below", nor has it "not reached"
        assert metric.threshold is not None
        taken = float(taken <= metric.threshold if metric.below else taken >= metric.threshold)
    return taken * metric.scale


HOW: Mapping[str, str] = {
    "last": "", "first": "first ", "mean": "mean ", "max": "largest ", "min": "smallest ", "sum": "sum of ", "area": "mean over training of ",
}  # fmt: skip


def words(metric: Metric) -> str:
    """The metric in a reader's words, for axes and tables."""
    name = {"score": "score", "episode_length": "length of episodes", "seconds": "seconds of training"}.get(metric.of, metric.of.removeprefix("measure/"))
    if metric.take == "steps":
        return f"steps until {name} {'≤' if metric.below else '≥'} {metric.threshold:g}"
    text = f"{HOW[metric.take]}{name}"
    return f"share of runs with {text} {'≤' if metric.below else '≥'} {metric.threshold:g}" if metric.is_share else text
