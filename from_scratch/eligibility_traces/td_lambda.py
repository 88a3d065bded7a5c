"""Tabular TD(λ) for estimating V ≈ v_π (Sutton 1988, Machine Learning 3:9; Sutton & Barto 2018, §12.2).

    z ← 0 at the beginning of each episode; for each step:
        A ← action given by π for S; take it, observe R, S'
        z ← γλz, and at S:  z(S) ← z(S) + 1               accumulating traces
                            z(S) ← 1                      replacing traces (Singh & Sutton 1996)
                            z(S) ← (1 − α) z(S) + 1       dutch traces (van Seijen & Sutton 2014)
        δ ← R + γ V(S') − V(S),  with V(S') = 0 if the episode terminated
        V ← V + α δ z,  in all states
        S ← S'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.core.tabular.traces import TRACES, check_traces


class TDLambda(TabularPrediction):
    lambda_: float = 0.9  # λ
    trace: str = "accumulating"  # or "replacing", "dutch"

    of_each_seed = ("z",)

    def check(self) -> None:
        super().check()
        check_traces(self.lambda_, self.trace)

    def begin(self) -> None:
        self.z = np.zeros((self.n_seeds, self.n_envs, self.n_states))  # of every lane: its own episode

    def iterate(self) -> None:
        step = self.play(self.choose(self.state))
        for e, (s, _, r, s_next, discount, done) in enumerate(step.lanes(step.done)):
            self.update(self.z[:, e], s, r, s_next, discount)
            self.z[done, e] = 0

    def update(self, z: np.ndarray, s: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table and of its traces z [S, n_states]; the others are [S], discount is γ, and 0 where the episode terminated."""
        V, i, α = self.V, self.i, self.step_size(s)
        δ = r + discount * V[i, s_next] - V[i, s]  # eq. (12.6)
        z *= self.gamma * self.lambda_
        z[i, s] = TRACES[self.trace](z[i, s], α)
        V += (α * δ)[:, None] * z  # eq. (12.7)
        self.keep(δ)
