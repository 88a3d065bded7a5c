"""Least-squares TD (Bradtke & Barto 1996, Machine Learning 22:33; Sutton & Barto 2018, §9.8).

    A = Σ ρ x (x − γ x')ᵀ + ε I,  b = Σ ρ R x,  w = A⁻¹ b

The inverse is kept and changed by each step (Sherman & Morrison). No step size, and nothing is ever forgotten.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    A_inv: np.ndarray  # [S, n, n]  A⁻¹
    b: np.ndarray  # [S, n]
    alpha: np.ndarray  # [S]        not used


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, A_inv, b = m.w[i], m.A_inv[i], m.b[i]
    δ = r + discount * dot(w, x_next) - dot(w, x)
    v, u = np.zeros(len(w)), np.zeros(len(w))
    for j in range(len(w)):
        u[j] = dot(A_inv[j], x)  # A⁻¹ x
    for j in range(len(x[0])):  # vᵀ = (x − γ x')ᵀ A⁻¹
        v += x[1][j] * A_inv[x[0][j]]
    for j in range(len(x_next[0])):
        v -= discount * x_next[1][j] * A_inv[x_next[0][j]]
    scale = rho / (1.0 + rho * dot(v, x))
    for j in range(len(w)):
        A_inv[j] -= scale * u[j] * v  # eq. (9.22)
    add(b, rho * r, x)  # eq. (9.20)
    for j in range(len(w)):
        w[j] = np.sum(A_inv[j] * b)  # eq. (9.21)
    return δ


class LSTD(LinearPrediction):
    epsilon: float = 1.0  # ε  A before learning is ε I
    learning_rate: ClassVar[float] = 0.0

    arrays, update = Arrays, staticmethod(update)

    def check(self) -> None:
        super().check()
        if not self.epsilon > 0:
            raise ValueError(f"epsilon={self.epsilon}: ε I must have an inverse; give a number above 0.")

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "A_inv": np.eye(self.n_weights) / self.epsilon, "b": np.zeros(self.n_weights)}
