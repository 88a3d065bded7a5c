"""Gradient TD, version 2 (Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvári & Wiewiora 2009, ICML; Sutton & Barto 2018, §11.7).

    δ = R + γ v̂(S', w) − v̂(S, w)
    w ← w + α ρ (x − γ x') xᵀv
    v ← v + β ρ (δ − vᵀx) x

v learns, by least mean squares, to predict δ from x. It is to follow w, so β is larger than α. The projected Bellman error
falls, whatever the behaviour policy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    v: np.ndarray  # [S, n]
    alpha: np.ndarray  # [S]
    beta: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, v = m.w[i], m.v[i]
    δ, predicted = r + discount * dot(w, x_next) - dot(w, x), dot(v, x)
    add(w, m.alpha[i] * rho * predicted, x)
    add(w, -m.alpha[i] * rho * discount * predicted, x_next)  # w ← w + α ρ (x − γ x') xᵀv
    add(v, m.beta[i] * rho * (δ - predicted), x)  # v ← v + β ρ (δ − vᵀx) x, both §11.7
    return δ


class GTD2(LinearPrediction):
    beta: float = 0.05  # β

    arrays, update = Arrays, staticmethod(update)

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "v": np.zeros(self.n_weights)}

    def parameters(self) -> dict[str, float]:
        return {"beta": self.beta}
