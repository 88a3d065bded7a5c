"""Semi-gradient TD(λ) (Sutton 1988, Machine Learning 3:9; Sutton & Barto 2018, §12.2 and, off-policy, §12.9).

    z ← 0 at the start of each episode; then at each step
        z ← ρ (γ λ z + ∇v̂(S, w)),  ρ = π(A|S) / b(A|S)
        δ = R + γ v̂(S', w) − v̂(S, w),  with v̂(S', w) = 0 if the episode terminated
        w ← w + α δ z

With one feature for each state it is the tabular TD(λ) with accumulating traces. λ = 0 is semi-gradient TD(0).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    z: np.ndarray  # [S, n]   eligibility trace
    decay: np.ndarray  # [S]  γ, or 0 where an episode begins
    alpha: np.ndarray  # [S]
    lambda_: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, z = m.w[i], m.z[i]
    δ = r + discount * dot(w, x_next) - dot(w, x)  # eq. (12.6)
    z *= rho * m.decay[i] * m.lambda_[i]
    add(z, rho, x)  # eqs. (12.5), (12.25)
    w += m.alpha[i] * δ * z  # eq. (12.7)
    m.decay[i] = 0.0 if done else discount
    return δ


class LinearTDLambda(LinearPrediction):
    lambda_: float = 0.9  # λ

    arrays, update = Arrays, staticmethod(update)

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"z": np.zeros((self.n_seeds, self.n_weights)), "decay": np.zeros(self.n_seeds)}

    def parameters(self) -> dict[str, float]:
        return {"lambda_": self.lambda_}
