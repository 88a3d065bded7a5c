"""Gradient Monte Carlo (Sutton & Barto 2018, §9.3).

    generate an episode S_0, A_0, R_1, …, S_T by π
    for t = 0, 1, …, T−1:
        w ← w + α [G_t − v̂(S_t, w)] ∇v̂(S_t, w)

An episode that is cut short goes on in the estimate: its returns end in v̂ of the last state. From steps of another policy each return
is weighted by the ratios ρ_t ⋯ ρ_{T−1} of all actions that it comes from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    index: np.ndarray  # [S, capacity, k]  x(S_0), x(S_1), … of the episode so far
    value: np.ndarray  # [S, capacity, k]
    r: np.ndarray  # [S, capacity]  R_1, R_2, …
    rho: np.ndarray  # [S, capacity]
    length: np.ndarray  # [S]
    alpha: np.ndarray  # [S]
    gamma: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    last = int(m.length[i])
    m.index[i, last], m.value[i, last], m.r[i, last], m.rho[i, last] = x[0], x[1], r, rho
    m.length[i] = last + 1
    if not done:
        return 0.0
    G, ratio, w, total = dot(m.w[i], x_next), 1.0, m.w[i], 0.0
    for t in range(last, -1, -1):  # R and ρ make room for G_t and ρ_t ⋯ ρ_{T−1}
        G = m.r[i, t] + discount * G
        ratio *= m.rho[i, t]
        m.r[i, t], m.rho[i, t], discount = G, ratio, m.gamma[i]
    for t in range(last + 1):
        x_t = (m.index[i, t], m.value[i, t])
        error = m.r[i, t] - dot(w, x_t)
        add(w, m.alpha[i] * m.rho[i, t] * error, x_t)  # eq. (9.7)
        total += abs(error)
    m.length[i] = 0
    return total


class GradientMC(LinearPrediction):
    arrays, update = Arrays, staticmethod(update)
    stretch = 1000

    def new_memory(self) -> dict[str, np.ndarray]:
        S, k = self.n_seeds, self.x.k
        return {"index": np.zeros((S, 1, k), np.int64), "value": np.zeros((S, 1, k)), "r": np.zeros((S, 1)), "rho": np.zeros((S, 1)), "length": np.zeros(S)}

    def parameters(self) -> dict[str, float]:
        return {"gamma": self.gamma}

    def reserve(self, steps: int) -> None:
        needed, capacity = int(self.memory["length"].max()) + steps, self.memory["r"].shape[1]
        if needed > capacity:
            for name in ("index", "value", "r", "rho"):
                old = self.memory[name]
                self.memory[name] = np.zeros((len(old), max(needed, 2 * capacity), *old.shape[2:]), old.dtype)
                self.memory[name][:, :capacity] = old
            self._collect()
