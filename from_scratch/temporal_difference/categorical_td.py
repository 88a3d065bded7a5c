"""Categorical temporal differences, prediction (Rowland et al. 2018, arXiv:1802.08163; Bellemare, Dabney & Rowland 2023, "Distributional RL", chapter 3).

    η(S) = Σ_j p_j(S) δ(z_j), a distribution of returns on m fixed atoms z_1 < … < z_m
    for each step of each episode:
        A ← action given by π for S
        take action A, observe R, S'
        η(S) ← (1 − α) η(S) + α Π [R + γ η(S')],  with η(S') = δ(0) if the episode terminated

Π splits the mass of a return that lies between two atoms in proportion to nearness, so that means stay what they are (Lyle, Bellemare & Castro 2019): as
long as no return leaves the atoms' range, the means V(S) = Σ_j p_j(S) z_j are those of TD(0).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.atoms import OnAtoms, projected
from from_scratch.temporal_difference.td0 import TD0


class CategoricalTD(OnAtoms, TD0):
    P: np.ndarray  # [S, n_states, m]  p_j(s); V is their mean

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "V": np.full(self.n_states, self.before @ self.z), "P": np.tile(self.before, (self.n_states, 1))}

    def update(self, s: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        V, P, i, z = self.V, self.P, self.i, self.z
        target = projected(P[i, s_next], r[:, None] + discount[:, None] * z, z)
        δ = (target * z).sum(-1) - V[i, s]
        P[i, s] += np.reshape(self.step_size(s), (-1, 1)) * (target - P[i, s])  # a mixture: no mass is lost
        V[i, s] = (P[i, s] * z).sum(-1)
        self.keep(δ)
