"""Scores in the rewards of the environment, of policies that train with scaled ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.measures.elsewhere import Elsewhere
from benchmarks.studies import environments

SCALE = "from_scratch.envs.ScaleReward"


class UnscaledScore(Elsewhere):
    """unscaled_score: the mean return without the ScaleReward that the policy trains with, so that scales of the reward can be compared."""

    def tasks(self, spec: Mapping[str, Any], wrappers: Any) -> dict[str, tuple[dict[str, Any], Any]]:
        others = [{path: arguments} for path, arguments in environments.named_wrappers(wrappers) if path != SCALE]
        return {"unscaled": (dict(spec), others)}

    def summary(self, returns: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {"unscaled_score": float(returns["unscaled"].mean())}
