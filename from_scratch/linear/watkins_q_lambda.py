"""Watkins's Q(λ) with linear function approximation (Watkins 1989; Sutton & Barto 2018, §12.10).

    z ← 0 at the start of each episode; then at each step
        z ← γ λ z + x(S, A)
        δ = R + γ max_a q̂(S', a, w) − q̂(S, A, w),  with q̂(S', ·, w) = 0 if the episode terminated
        w ← w + α δ z
        z ← 0 if A' is not a greedy action

The target policy is greedy, the behaviour ε-greedy: behind an exploring action the trace no longer says what the greedy policy would have
been paid, so it is cut.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearControl, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_actions · n]
    z: np.ndarray  # [S, n_actions · n]
    decay: np.ndarray  # [S]  γ; 0 where an episode begins or the trace was cut
    alpha: np.ndarray  # [S]
    lambda_: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    """x_next is that of the greedy action; rho is 1 if A' is one, 0 otherwise."""
    w, z = m.w[i], m.z[i]
    δ = r + discount * dot(w, x_next) - dot(w, x)  # the error of eq. (6.8)
    z *= m.decay[i] * m.lambda_[i]
    add(z, 1.0, x)  # eq. (12.5)
    w += m.alpha[i] * δ * z  # eq. (12.7)
    m.decay[i] = 0.0 if done else discount * rho  # the cut, §12.10
    return δ


class LinearWatkinsQLambda(LinearControl):
    lambda_: float = 0.9  # λ

    arrays, update = Arrays, staticmethod(update)
    off_policy = True

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"z": np.zeros((self.n_seeds, self.n_weights)), "decay": np.zeros(self.n_seeds)}

    def parameters(self) -> dict[str, float]:
        return {"lambda_": self.lambda_}
