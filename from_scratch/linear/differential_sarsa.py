"""Differential semi-gradient Sarsa, for tasks that go on for ever (Sutton & Barto 2018, §10.3).

    for each step:
        take action A, observe R, S'
        choose A' from S', ε-greedily on q̂(S', ·, w)
        δ = R − R̄ + q̂(S', A', w) − q̂(S, A, w)
        R̄ ← R̄ + β δ
        w ← w + α δ ∇q̂(S, A, w)
        S ← S', A ← A'

Values are what is to come beyond the average reward, undiscounted. A time limit changes nothing; an environment that terminates has no
average reward to learn, and behind its end q̂ is 0.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearControl, add, compiled, dot


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_actions · n]
    average_reward: np.ndarray  # [S, 1]  R̄
    alpha: np.ndarray  # [S]
    beta: np.ndarray  # [S]


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w = m.w[i]
    δ = r - m.average_reward[i, 0] + discount * dot(w, x_next) - dot(w, x)  # eq. (10.10)
    m.average_reward[i, 0] += m.beta[i] * δ
    add(w, m.alpha[i] * δ, x)  # eq. (10.12)
    return δ


class DifferentialSARSA(LinearControl):
    beta: float = 0.01  # β
    gamma: ClassVar[float] = 1.0  # no discount

    arrays, update = Arrays, staticmethod(update)

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "average_reward": np.zeros(1)}

    def parameters(self) -> dict[str, float]:
        return {"beta": self.beta}
