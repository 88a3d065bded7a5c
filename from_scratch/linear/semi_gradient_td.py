"""Semi-gradient TD(0) (Sutton 1988, Machine Learning 3:9; Sutton & Barto 2018, §9.3 and, off-policy, §11.1).

    for each step: choose A ~ b(·|S), take it, observe R, S'
        δ = R + γ v̂(S', w) − v̂(S, w),  with v̂(S', w) = 0 if the episode terminated
        w ← w + α ρ δ ∇v̂(S, w),  ρ = π(A|S) / b(A|S)

The target is not differentiated, hence "semi". With ρ ≠ 1 it may diverge (§11.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    alpha: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w = m.w[i]
    δ = r + discount * dot(w, x_next) - dot(w, x)
    add(w, m.alpha[i] * rho * δ, x)  # eq. (11.2)
    return δ


class SemiGradientTD(LinearPrediction):
    arrays, update = Arrays, staticmethod(update)
