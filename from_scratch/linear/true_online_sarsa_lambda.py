"""True online Sarsa(λ) (van Seijen, Mahmood, Pilarski, Machado & Sutton 2016, JMLR 17:145, arXiv:1512.04087; Sutton & Barto 2018, §12.7).

    z ← 0, Q_old ← 0 at the start of each episode; then at each step, x = x(S, A), x' = x(S', A')
        Q = wᵀx,  Q' = wᵀx',  δ = R + γ Q' − Q,  with Q' = 0 if the episode terminated
        z ← γ λ z + (1 − α γ λ zᵀx) x
        w ← w + α (δ + Q − Q_old) z − α (Q − Q_old) x
        Q_old ← Q'

Exactly the online λ-return algorithm, step by step, without its cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.control import LinearControl
from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_actions · n]
    z: np.ndarray  # [S, n_actions · n]  dutch trace
    decay: np.ndarray  # [S]             γ, or 0 where an episode begins
    q_old: np.ndarray  # [S]
    alpha: np.ndarray  # [S]
    lambda_: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, z, α = m.w[i], m.z[i], m.alpha[i]
    Q, Q_next = dot(w, x), dot(w, x_next)
    Q_old, δ = m.q_old[i], r + discount * Q_next - Q
    z *= m.decay[i] * m.lambda_[i]
    add(z, 1.0 - α * dot(z, x), x)  # eq. (12.11)
    w += α * (δ + Q - Q_old) * z
    add(w, -α * (Q - Q_old), x)  # both lines: §12.5's update of w_{t+1}, of pairs
    m.q_old[i] = 0.0 if done else Q_next
    m.decay[i] = 0.0 if done else discount
    return δ


class TrueOnlineSARSALambda(LinearControl):
    lambda_: float = 0.9  # λ

    arrays, update = Arrays, staticmethod(update)

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"z": np.zeros((self.n_seeds, self.n_weights)), "decay": np.zeros(self.n_seeds), "q_old": np.zeros(self.n_seeds)}

    def parameters(self) -> dict[str, float]:
        return {"lambda_": self.lambda_}
