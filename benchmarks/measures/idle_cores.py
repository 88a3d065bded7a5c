"""How much of the machine was free for a training whose time counts."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measures.measure import Measure

SECONDS = 1.0  # watched
TIMES = Path("/proc/stat")


def idle(before: str, after: str, cores: int) -> float:
    """How many cores had nothing to do between two readings of /proc/stat's first line: user nice system idle iowait irq softirq …, in ticks."""
    spent = [int(b) - int(a) for a, b in zip(before.split()[1:9], after.split()[1:9], strict=True)]
    return cores * (spent[3] + spent[4]) / max(sum(spent), 1)


class IdleCores(Measure):
    """idle_cores: how many of the machine's cores did nothing in the second before training began. 0 where that cannot be known, outside Linux."""

    def _on_training_start(self) -> None:
        self.idle = 0.0
        if TIMES.exists():
            before = TIMES.read_text(encoding="ascii").partition("\n")[0]
            time.sleep(SECONDS)
            self.idle = idle(before, TIMES.read_text(encoding="ascii").partition("\n")[0], os.cpu_count() or 1)

    def values(self) -> Sequence[dict[str, float]]:
        return [{"idle_cores": self.idle}] * self.n_seeds
