"""Emphatic TD, one-step (Sutton, Mahmood & White 2016, JMLR 17:73, arXiv:1503.04269; Sutton & Barto 2018, §11.8).

    M_t = γ ρ_{t−1} M_{t−1} + I_t,  M_{−1} = 0
    w ← w + α M_t ρ_t δ_t ∇v̂(S_t, w)

The emphasis M moves the weight of the updates from where b is to where π would be, and with it TD is stable again. I, the interest,
is 1 in all states.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import add, compiled, dot
from from_scratch.core.linear.prediction import LinearPrediction


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    follow_on: np.ndarray  # [S]  γ ρ_{t−1} M_{t−1}
    alpha: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w = m.w[i]
    M = m.follow_on[i] + 1.0  # M_t = γ ρ_{t−1} M_{t−1} + I_t
    δ = r + discount * dot(w, x_next) - dot(w, x)
    add(w, m.alpha[i] * M * rho * δ, x)  # w ← w + α M ρ δ x, both §11.8
    m.follow_on[i] = 0.0 if done else discount * rho * M
    return δ


class EmphaticTD(LinearPrediction):
    arrays, update = Arrays, staticmethod(update)

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"follow_on": np.zeros(self.n_seeds)}
