"""What exploring a bandit has cost so far: Σ_t [max_a q*(a) − q*(A_t)], the pseudo-regret of Auer, Cesa-Bianchi & Fischer (2002)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measures.measure import Measure


class Regret(Measure):
    """`regret`: of all pulls of training, in rewards, summed over a seed's environments. Of the arms' means, not of the rewards that came by chance."""

    def __init__(self, job: Any):
        super().__init__(job)
        self.regret = np.zeros(self.n_seeds)

    def _on_training_start(self) -> None:
        self.means = self._means()

    def _means(self) -> np.ndarray:
        """q*(a) as the arms are now, [lanes, k], the lanes of the first seed first."""
        return np.array(self.training_env.get_attr("values"))

    def _on_step(self) -> bool:
        arms = np.asarray(self.locals["actions"]).reshape(-1)
        lost = self.means.max(axis=1) - self.means[np.arange(len(arms)), arms]
        self.regret += lost.reshape(self.n_seeds, -1).sum(axis=1)
        self.means = self._means()  # they may drift, and an episode may have begun with others
        return True

    def values(self) -> Sequence[dict[str, float]]:
        return [{"regret": float(regret)} for regret in self.regret]
