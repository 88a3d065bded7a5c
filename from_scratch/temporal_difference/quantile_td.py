"""Quantile temporal differences, prediction (Dabney, Rowland, Bellemare & Munos 2018, arXiv:1710.10044; Bellemare, Dabney & Rowland 2023, chapter 6).

    η(S) = 1/m Σ_i δ(θ_i(S)), where θ_i(S) estimates the quantile of the return at τ_i = (2i − 1) / 2m
    for each step of each episode:
        A ← action given by π for S
        take action A, observe R, S'
        θ_i(S) ← θ_i(S) + α/m Σ_j [τ_i − 1{R + γ θ_j(S') < θ_i(S)}],  i = 1 … m,  with θ(S') = 0 if the episode terminated

A quantile steps up by α τ or down by α (1 − τ), however far off a return is: α is in units of return. Its fixed point is nearest to the distribution in the
Wasserstein distance W₁, among those of m atoms of equal weight; V(S), their mean, is then near the expected return, but not equal to it.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.hyperparameters import check_range
from from_scratch.temporal_difference.td0 import TD0


class QuantileTD(TD0):
    n_quantiles: int = 51  # m  quantiles of the return that are learnt

    theta: np.ndarray  # [S, n_states, m]  θ_i(s); V is their mean

    def check(self) -> None:
        super().check()
        check_range(self, "n_quantiles", low=1, whole=True)

    @property
    def tau(self) -> np.ndarray:
        """τ, [m]: the midpoints of m equal parts of [0, 1]."""
        return (2 * np.arange(self.n_quantiles) + 1) / (2 * self.n_quantiles)

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "theta": np.full((self.n_states, self.n_quantiles), float(self.initial_value))}

    def update(self, s: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        V, θ, i = self.V, self.theta, self.i
        returns = r[:, None] + discount[:, None] * θ[i, s_next]
        δ = self.tau - (returns[:, None, :] < θ[i, s][:, :, None]).mean(-1)  # the mean over j
        θ[i, s] += np.reshape(self.step_size(s), (-1, 1)) * δ
        V[i, s] = θ[i, s].mean(-1)
        self.keep(δ.mean(-1))
