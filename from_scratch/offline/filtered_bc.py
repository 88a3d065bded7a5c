"""Behaviour cloning of the best episodes alone: "10 % BC" (Chen et al. 2021, arXiv:2106.01345, §4.1; Tarasov et al. 2022, arXiv:2210.07105).

    keep the episodes with the highest returns that hold at most a fraction of all steps
    clone these

The simplest use of rewards that there is: no value is learnt, and no episode is better than the best that were recorded.
"""

from __future__ import annotations

from typing import Any

from from_scratch.core.datasets import Dataset
from from_scratch.core.hyperparameters import check_range
from from_scratch.offline.bc import BC


class FilteredBC(BC):
    fraction: float = 0.1  # how much of the data set is cloned, counted in steps

    def check(self) -> None:
        super().check()
        check_range(self, "fraction", above=0, high=1)

    def new_memory(self, data: Dataset) -> Any:
        return super().new_memory(data.best(self.fraction))
