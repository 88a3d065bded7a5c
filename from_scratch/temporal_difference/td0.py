"""Tabular TD(0), prediction (Sutton 1988, Machine Learning 3:9; Sutton & Barto 2018, §6.1).

    for each step of each episode:
        A ← action given by π for S
        take action A, observe R, S'
        V(S) ← V(S) + α [R + γ V(S') − V(S)],  with V(S') = 0 if the episode terminated
        S ← S'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.prediction import TabularPrediction


class TD0(TabularPrediction):
    def iterate(self) -> None:
        for s, _, r, s_next, discount in self.play(self.choose(self.state)).lanes():
            self.update(s, r, s_next, discount)

    def update(self, s: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        V, i = self.V, self.i
        δ = r + discount * V[i, s_next] - V[i, s]  # eq. (6.5)
        V[i, s] += self.step_size(s) * δ  # eq. (6.2)
        self.keep(δ)
