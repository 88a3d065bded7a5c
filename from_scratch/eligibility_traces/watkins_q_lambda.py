"""Watkins's Q(λ), tabular (Watkins 1989, PhD thesis; Sutton & Barto 2018, §12.10).

    z ← 0 at the beginning of each episode; choose A from S by the ε-greedy policy derived from Q; for each step:
        take action A, observe R, S'
        choose A' from S' by the ε-greedy policy derived from Q
        δ ← R + γ max_a Q(S', a) − Q(S, A),  with Q(S', ·) = 0 if the episode terminated
        at (S, A):  z(S, A) ← z(S, A) + 1 (accumulating), 1 (replacing) or (1 − α) z(S, A) + 1 (dutch)
        Q ← Q + α δ z,  for all states and actions
        if Q(S', A') was the maximum:  z ← γλz;  otherwise  z ← 0: the greedy policy goes another way from here
        S ← S', A ← A'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.traces import TRACES
from from_scratch.eligibility_traces.sarsa_lambda import SARSALambda


class WatkinsQLambda(SARSALambda):
    def update(self, z: np.ndarray, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray, a_next: np.ndarray) -> None:
        """As SARSALambda's; z are the traces as the last step left them."""
        Q, i, α = self.Q, self.i, self.step_size(s, a)
        best = Q[i, s_next].max(-1)
        goes_on = Q[i, s_next, a_next] == best
        δ = r + discount * best - Q[i, s, a]  # the error of eq. (6.8)
        z[i, s, a] = TRACES[self.trace](z[i, s, a], α)  # eq. (12.5)
        Q += (α * δ)[:, None, None] * z  # eq. (12.7)
        z *= np.where(goes_on, self.gamma * self.lambda_, 0.0)[:, None, None]  # the cut, §12.10
        self.keep(δ)
