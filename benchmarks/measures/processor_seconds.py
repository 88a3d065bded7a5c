"""What a training costs the processor, whatever else the machine was doing meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.measures.measure import Measure


class ProcessorSeconds(Measure):
    """processor_seconds: the processor time, of all cores, that the process has spent on training so far; of seeds that train together each one's share.

    Scoring at checkpoints does not count, nor the step after which it was. So it is a figure of runs that train alone: of a stack it is one for all seeds.
    """

    def _on_training_start(self) -> None:
        self.spent, self.seen, self.was_away = 0.0, time.process_time(), False

    def _on_step(self) -> bool:
        now = time.process_time()
        if not self.was_away:
            self.spent += now - self.seen
        self.seen, self.was_away = now, False
        return True

    def _on_training_end(self) -> None:
        self._on_step()

    def values(self) -> Sequence[dict[str, float]]:
        self.was_away = True
        return [{"processor_seconds": self.spent / self.n_seeds}] * self.n_seeds
