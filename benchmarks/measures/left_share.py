"""How often the losing action looks better: left, in state A of the MDP that shows maximisation bias (Sutton & Barto 2018, Example 6.7; their Figure 6.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measures.measure import Measure
from from_scratch.envs.chains.max_bias import LEFT, A


class LeftShare(Measure):
    """Of the choices in A since the last checkpoint, the share that went left, in percent. An ε-greedy agent that knows better still goes left in 100 ε/2."""

    model: Any

    def _on_training_start(self) -> None:
        self.n_left, self.n_choices = np.zeros(self.n_seeds), np.zeros(self.n_seeds)

    def _on_step(self) -> bool:
        in_a = self.model.state == A  # [S, E], where the actions were chosen
        left = self.locals["actions"].reshape(in_a.shape) == LEFT
        self.n_left += (in_a & left).sum(-1)
        self.n_choices += in_a.sum(-1)
        return True

    def values(self) -> Sequence[dict[str, float]]:
        """left_share of each seed. NaN where A was not visited since the last checkpoint."""
        with np.errstate(invalid="ignore"):
            share = 100 * self.n_left / self.n_choices
        self.n_left[:], self.n_choices[:] = 0, 0
        return [{"left_share": float(value)} for value in share]
