"""True online TD(λ) with linear function approximation (van Seijen & Sutton 2014, "True online TD(λ)"; Sutton & Barto 2018, §12.5).

    z ← 0, V_old ← 0 at the start of each episode; then at each step, x = x(S), x' = x(S')
        V = wᵀx,  V' = wᵀx',  δ = R + γ V' − V,  with V' = 0 if the episode terminated
        z ← γ λ z + (1 − α γ λ zᵀx) x
        w ← w + α (δ + V − V_old) z − α (V − V_old) x
        V_old ← V'

Exactly the online λ-return algorithm, step by step, without its cost. It is on-policy: no behaviour but π.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearPrediction, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n]
    z: np.ndarray  # [S, n]   dutch trace
    decay: np.ndarray  # [S]  γ, or 0 where an episode begins
    v_old: np.ndarray  # [S]
    alpha: np.ndarray  # [S]
    lambda_: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, z, α = m.w[i], m.z[i], m.alpha[i]
    V, V_next, V_old = dot(w, x), dot(w, x_next), m.v_old[i]
    δ = r + discount * V_next - V
    z *= m.decay[i] * m.lambda_[i]
    add(z, 1.0 - α * dot(z, x), x)  # eq. (12.11)
    w += α * (δ + V - V_old) * z
    add(w, -α * (V - V_old), x)  # both lines: §12.5's update of w_{t+1}
    m.v_old[i] = 0.0 if done else V_next
    m.decay[i] = 0.0 if done else discount
    return δ


class LinearTrueOnlineTDLambda(LinearPrediction):
    lambda_: float = 0.9  # λ
    behaviour: ClassVar[Any] = None

    arrays, update = Arrays, staticmethod(update)

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"z": np.zeros((self.n_seeds, self.n_weights)), "decay": np.zeros(self.n_seeds), "v_old": np.zeros(self.n_seeds)}

    def parameters(self) -> dict[str, float]:
        return {"lambda_": self.lambda_}
