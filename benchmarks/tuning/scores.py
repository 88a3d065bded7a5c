"""What a trial's scores come to: one number a seed, and one over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks import stats


def iqm(scores: Sequence[float]) -> float:
    """The interquartile mean over seeds; of fewer than four, which have no quarter to leave out, the mean."""
    return float(stats.aggregate([np.asarray(scores, dtype=float)], "iqm"))


def by_seed(curve: Mapping[int, list[float]], last: int, n_seeds: int) -> list[float]:
    """Each seed's score: the mean of its last evaluations, in the order of the seeds. Of a trial that was ended early, of those that it came to."""
    points = [scores for _, scores in sorted(curve.items()) if len(scores) == n_seeds][-last:]
    return [float(np.mean(of_seed)) for of_seed in zip(*points, strict=True)]
