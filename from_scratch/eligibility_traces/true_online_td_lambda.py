"""True online TD(λ), tabular (van Seijen & Sutton 2014, "True online TD(λ)"; Sutton & Barto 2018, §12.5).

    z ← 0 and V_old ← 0 at the beginning of each episode; for each step:
        A ← action given by π for S; take it, observe R, S'
        δ ← R + γ V(S') − V(S),  with V(S') = 0 if the episode terminated
        z ← γλz;  z(S) ← z(S) + 1 − α z(S)
        V ← V + α (δ + V(S) − V_old) z;  V(S) ← V(S) − α (V(S) − V_old),  with the V(S) of before
        V_old ← V(S') of before
        S ← S'

It computes exactly what the on-line λ-return algorithm does, which at every step goes back to the beginning of the episode.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.core.tabular.traces import TRACES, check_traces


class TrueOnlineTDLambda(TabularPrediction):
    lambda_: float = 0.9  # λ

    of_each_seed = ("z", "v_old")

    def check(self) -> None:
        super().check()
        check_traces(self.lambda_)

    def begin(self) -> None:
        self.z = np.zeros((self.n_seeds, self.n_envs, self.n_states))  # of every lane: its own episode
        self.v_old = np.zeros((self.n_seeds, self.n_envs))

    def iterate(self) -> None:
        step = self.play(self.choose(self.state))
        for e, (s, _, r, s_next, discount, done) in enumerate(step.lanes(step.done)):
            self.v_old[:, e] = self.update(self.z[:, e], self.v_old[:, e], s, r, s_next, discount)
            self.z[done, e] = 0

    def update(self, z: np.ndarray, v_old: np.ndarray, s: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> np.ndarray:
        """One update of every seed's table and of its traces z [S, n_states]; the others are [S], discount is γ, and 0 where the episode
        terminated. Returns V(S') as it was before: the next v_old."""
        V, i, α = self.V, self.i, self.step_size(s)
        v, v_next = V[i, s], V[i, s_next]
        δ = r + discount * v_next - v
        z *= self.gamma * self.lambda_
        z[i, s] = TRACES["dutch"](z[i, s], α)  # eq. (12.11)
        V += (α * (δ + v - v_old))[:, None] * z
        V[i, s] -= α * (v - v_old)
        self.keep(δ)
        return v_next
