"""n-step semi-gradient TD (Sutton & Barto 2018, §9.4; off-policy §11.1).

    G_t:t+n = R_{t+1} + γ R_{t+2} + … + γ^{n−1} R_{t+n} + γ^n v̂(S_{t+n}, w)
    w ← w + α ρ_t ⋯ ρ_{t+n−1} [G_t:t+n − v̂(S_t, w)] ∇v̂(S_t, w)

Where the episode ends earlier, the returns end with it: at once in R_T if it terminated, in v̂ of the last state if it was cut short.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_features]
    index: np.ndarray  # [S, n, k]  x of the last n states, that of time t in place t mod n …
    value: np.ndarray  # [S, n, k]
    r: np.ndarray  # [S, n]         … with R_{t+1}
    discount: np.ndarray  # [S, n]  … the discount behind S_{t+1}
    rho: np.ndarray  # [S, n]       … and ρ_t
    time: np.ndarray  # [S]         t
    alpha: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    n, t, w = m.r.shape[1], int(m.time[i]), m.w[i]
    now = t % n
    m.index[i, now], m.value[i, now], m.r[i, now], m.discount[i, now], m.rho[i, now] = x[0], x[1], r, discount, rho
    error = 0.0
    for τ in range(max(t - n + 1, 0) if done else t - n + 1, (t if done else t - n + 1) + 1):  # at an end, all that are open
        if τ < 0:
            continue
        G, ratio = dot(w, x_next), 1.0
        for k in range(t, τ - 1, -1):
            G = m.r[i, k % n] + m.discount[i, k % n] * G
            ratio *= m.rho[i, k % n]
        x_τ = (m.index[i, τ % n], m.value[i, τ % n])
        error = G - dot(w, x_τ)
        add(w, m.alpha[i] * ratio * error, x_τ)  # eq. (9.15); with ρ (7.9)
    m.time[i] = 0 if done else t + 1
    return error


class NStepSemiGradientTD(LinearPrediction):
    n_steps: int = 4  # n

    arrays, update = Arrays, staticmethod(update)

    def check(self) -> None:
        super().check()
        if self.n_steps < 1:
            raise ValueError(f"n_steps={self.n_steps}: a return has at least one step.")

    def new_memory(self) -> dict[str, np.ndarray]:
        S, n, k = self.n_seeds, self.n_steps, self.x.k
        return {
            "index": np.zeros((S, n, k), np.int64), "value": np.zeros((S, n, k)), "r": np.zeros((S, n)), "discount": np.zeros((S, n)),
            "rho": np.zeros((S, n)), "time": np.zeros(S),
        }  # fmt: skip
