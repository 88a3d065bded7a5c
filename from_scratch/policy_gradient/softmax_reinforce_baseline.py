"""REINFORCE with baseline, of tables (Williams 1992; Sutton & Barto 2018, §13.4).

    loop for each episode:
        generate an episode S_0, A_0, R_1, …, S_T−1, A_T−1, R_T following π(·|·, θ), the softmax of θ(s, ·)
        for each step t = 0, 1, …, T−1:
            G ← Σ_{k=t+1}^T γ^{k−t−1} R_k
            δ ← G − V(S_t)
            V(S_t) ← V(S_t) + α^w δ
            θ ← θ + α^θ γ^t δ ∇ ln π(A_t|S_t, θ)                                                                      (13.11)
"""

from __future__ import annotations

import numpy as np
from numba import njit

from from_scratch.policy_gradient.softmax_reinforce import SoftmaxREINFORCE, ascend


@njit(cache=True)
def learn(
    theta: np.ndarray, V: np.ndarray, s: np.ndarray, a: np.ndarray, G: np.ndarray, alpha: float, alpha_w: float, gamma: float, floor: float
) -> float:
    """One episode of one seed, [T]: theta [n_states, n_actions] and V [n_states] are changed. Returns the mean |δ|."""
    total = 0.0
    for t in range(len(s)):
        δ = G[t] - V[s[t]]
        V[s[t]] += alpha_w * δ
        ascend(theta[s[t]], a[t], alpha * gamma**t * δ, floor)  # eq. (13.11)
        total += abs(δ)
    return total / len(s)


class SoftmaxREINFORCEBaseline(SoftmaxREINFORCE):
    """Where a time limit cut an episode short, V of its last state stands for what would have followed."""

    baseline_learning_rate: float = 0.1  # α^w

    V: np.ndarray  # [S, n_states]  the baseline

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "V": np.zeros(self.n_states)}

    def learn_from(self, k: int, s: np.ndarray, a: np.ndarray, G: np.ndarray) -> None:
        mean = learn(self.theta[k], self.V[k], s, a, G, self.step_size(i=k), self.baseline_learning_rate, self.gamma, self.min_probability)
        self.keep(mean, k)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.V[k, s]
