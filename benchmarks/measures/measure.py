"""What every measure is: a callback that looks at a job's models and says, at each checkpoint, what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback


class Measure(BaseCallback):
    """Keeps what it sees until the next checkpoint. job: the runs that train together (benchmarks.studies.plan.Job), in the order of the model's seeds."""

    needs_no_values = True  # ours then computes values and log-probabilities in one pass after the rollout

    def __init__(self, job: Any):
        super().__init__()
        self.job = job

    @property
    def n_seeds(self) -> int:
        return len(self.job.runs)

    def _on_step(self) -> bool:
        return True

    def values(self) -> Sequence[dict[str, float]]:
        """What is to be written down now, at a checkpoint, of each seed: {"overestimation": 3.2} becomes `measure/overestimation`."""
        raise NotImplementedError
