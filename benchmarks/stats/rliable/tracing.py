"""What a function computes of scores, found by calling it once with stand-ins for them: then it need not be called for every resample.

    scores -> np.array([aggregate_median(scores), aggregate_iqm(scores[..., 3])])     median of all, IQM at frame 3

The metrics of `benchmarks.stats.rliable.metrics` answer a stand-in with what they were asked for. A function that does anything else with a
stand-in, or with such an answer, fails, and then counts as unknown: it is called for every resample. So does one that, of the scores themselves,
does not return what it asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class StandIn:
    """Scores of which only the shape is known. [..., k] and [:, :, k] are those of frame k; everything else fails."""

    def __init__(self, side: int, shape: tuple[int, ...], frame: int | None = None):
        self.side, self.shape, self.ndim, self.frame = side, shape, len(shape), frame

    def __getitem__(self, key: Any) -> StandIn:
        of_all, k = (key[:-1], key[-1]) if isinstance(key, tuple) and key else ((), None)
        is_frame = of_all in ((Ellipsis,), (slice(None), slice(None)), (slice(None), slice(None), Ellipsis))
        if self.ndim != 3 or not is_frame or not isinstance(k, (int, np.integer)) or not -self.shape[2] <= k < self.shape[2]:
            raise TypeError("not a frame")
        return StandIn(self.side, self.shape[:2], int(k) % self.shape[2])


@dataclass(frozen=True)
class Asked:
    """A metric of the scores of one side, or P(improvement) of two, at a frame (None: the scores have none)."""

    metric: str
    sides: tuple[int, ...]
    frame: int | None
    threshold: float = 1.0


def asked_of(metric: str, *scores: Any, threshold: float = 1.0) -> Asked | None:
    """The answer to stand-ins; None where these are scores. TypeError where they are of several frames."""
    if not any(isinstance(s, StandIn) for s in scores):
        return None
    if any(not isinstance(s, StandIn) or s.ndim != 2 or s.frame != scores[0].frame for s in scores):
        raise TypeError(f"{metric} of several frames at once")
    return Asked(metric, tuple(s.side for s in scores), scores[0].frame, threshold)


def asked_by(func: Callable[..., Any], shapes: list[tuple[int, ...]]) -> list[Asked] | None:
    """What the function asks of scores of these shapes, one for each number that it returns; None where that cannot be known."""
    try:
        answer = np.array(func(*(StandIn(side, shape) for side, shape in enumerate(shapes))), dtype=object).ravel()
    except Exception:  # whatever it does instead, it does to numbers only
        return None
    return list(answer) if len(answer) and all(isinstance(a, Asked) for a in answer) else None
