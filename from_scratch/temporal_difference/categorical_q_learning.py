"""Categorical Q-learning: C51 in a table (Bellemare, Dabney & Munos 2017, arXiv:1707.06887; Lyle, Bellemare & Castro 2019, arXiv:1901.11084).

    η(S, A) = Σ_j p_j(S, A) δ(z_j), a distribution of returns on m fixed atoms z_1 < … < z_m;  Q(S, A) is its mean
    for each step of each episode:
        choose A from S by the ε-greedy policy derived from Q
        take action A, observe R, S'
        η(S, A) ← (1 − α) η(S, A) + α Π [R + γ η(S', argmax_a Q(S', a))],  with η(S', ·) = δ(0) if the episode terminated
        S ← S'

As long as no return leaves the atoms' range, Q is Q-learning's (Lyle, Bellemare & Castro 2019).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.atoms import OnAtoms, projected
from from_scratch.temporal_difference.q_learning import QLearning


class CategoricalQLearning(OnAtoms, QLearning):
    P: np.ndarray  # [S, n_states, n_actions, m]  p_j(s, a); Q is their mean

    def tables(self) -> dict[str, np.ndarray]:
        q = np.where(np.isfinite(self.first_q()), self.before @ self.z, -np.inf)
        return {**self.with_counts(Q=q), "P": np.tile(self.before, (self.n_states, self.n_actions, 1))}

    def update(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        Q, P, i, z = self.Q, self.P, self.i, self.z
        target = projected(P[i, s_next, Q[i, s_next].argmax(-1)], r[:, None] + discount[:, None] * z, z)
        δ = (target * z).sum(-1) - Q[i, s, a]
        P[i, s, a] += np.reshape(self.step_size(s, a), (-1, 1)) * (target - P[i, s, a])
        Q[i, s, a] = (P[i, s, a] * z).sum(-1)
        self.keep(δ)
