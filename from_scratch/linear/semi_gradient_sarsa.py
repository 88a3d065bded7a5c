"""Episodic semi-gradient Sarsa (Sutton & Barto 2018, §10.1).

    for each episode: choose A from S, ε-greedily on q̂(S, ·, w)
        for each step:
            take action A, observe R, S'
            choose A' from S', ε-greedily on q̂(S', ·, w)
            w ← w + α [R + γ q̂(S', A', w) − q̂(S, A, w)] ∇q̂(S, A, w),  with q̂(S', ·, w) = 0 if the episode terminated
            S ← S', A ← A'

Semi-gradient TD on pairs: x(S, A) takes the place of x(S).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearControl, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_actions · n]
    alpha: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w = m.w[i]
    δ = r + discount * dot(w, x_next) - dot(w, x)
    add(w, m.alpha[i] * δ, x)  # eq. (10.1)
    return δ


class SemiGradientSARSA(LinearControl):
    arrays, update = Arrays, staticmethod(update)
