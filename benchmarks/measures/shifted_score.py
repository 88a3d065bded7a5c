"""Scores on pendulums whose mass and length are others (Peng et al. 2018, arXiv:1710.06537: what domain randomisation is for)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.measures.elsewhere import Elsewhere
from benchmarks.studies import environments

PENDULUM = "from_scratch/Pendulum-v0"
FACTORS = (0.5, 1.0, 1.5)  # of the mass and of the length


class ShiftedScore(Elsewhere):
    """Of a policy for from_scratch/Pendulum-v0, on nine pendulums, mass and length each 0.5, 1 and 1.5:

    nominal_score, the mean return at (1, 1); shifted_score, that over the other eight; worst_score, that of the worst of the nine.
    """

    def tasks(self, spec: Mapping[str, Any], wrappers: Any) -> dict[str, tuple[dict[str, Any], Any]]:
        if environments.base(self.job.runs[0].env) != PENDULUM:
            raise UserError(f"shifted_score varies the pendulum of {PENDULUM}, not {self.job.runs[0].env}")
        kwargs = spec.get("kwargs") or {}
        return {f"{mass:g} {length:g}": ({**spec, "kwargs": {**kwargs, "mass": mass, "length": length}}, wrappers) for mass in FACTORS for length in FACTORS}

    def summary(self, returns: Mapping[str, np.ndarray]) -> dict[str, float]:
        means = {name: float(of_task.mean()) for name, of_task in returns.items()}
        nominal = means.pop("1 1")
        return {"nominal_score": nominal, "shifted_score": float(np.mean(list(means.values()))), "worst_score": min(nominal, *means.values())}
