"""Sarsa(λ) with linear function approximation (Rummery 1995; Sutton & Barto 2018, §12.7).

    z ← 0 at the start of each episode; then at each step
        z ← γ λ z, and the trace of x(S, A) grows
        δ = R + γ q̂(S', A', w) − q̂(S, A, w),  with q̂(S', ·, w) = 0 if the episode terminated
        w ← w + α δ z

How the trace grows: "accumulating" z + x; "replacing" (Singh & Sutton 1996) 1 where x is, for binary features; "clearing", the same, and
0 at these features of the other actions; "dutch" (van Seijen & Sutton 2014) z + (1 − α zᵀx) x.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import LinearControl, add, compiled, dot

TRACES = ("accumulating", "replacing", "clearing", "dutch")
ACCUMULATING, REPLACING, CLEARING, DUTCH = range(4)


class Arrays(NamedTuple):
    w: np.ndarray  # [S, n_actions · n]
    z: np.ndarray  # [S, n_actions · n]  the eligibility trace
    decay: np.ndarray  # [S]             γ, or 0 where an episode begins
    alpha: np.ndarray  # [S]
    lambda_: np.ndarray  # [S]
    trace: np.ndarray  # [S]             number of TRACES
    n: np.ndarray  # [S]                 features of one action


@compiled
def update(m: Arrays, i: int, x: Sparse, r: float, x_next: Sparse, discount: float, done: bool, rho: float) -> float:
    w, z, kind, n = m.w[i], m.z[i], int(m.trace[i]), int(m.n[i])
    δ = r + discount * dot(w, x_next) - dot(w, x)
    z *= m.decay[i] * m.lambda_[i]
    if kind == ACCUMULATING:
        add(z, 1.0, x)  # eq. (12.5)
    elif kind == DUTCH:
        add(z, 1.0 - m.alpha[i] * dot(z, x), x)  # eq. (12.11)
    else:
        for j in range(len(x[0])):
            if kind == CLEARING:
                z[x[0][j] % n :: n] = 0.0
            z[x[0][j]] = x[1][j]  # eq. (12.12)
    w += m.alpha[i] * δ * z  # eq. (12.7)
    m.decay[i] = 0.0 if done else discount
    return δ


class LinearSARSALambda(LinearControl):
    lambda_: float = 0.9  # λ
    trace: str = "replacing"

    arrays, update = Arrays, staticmethod(update)

    def check(self) -> None:
        super().check()
        if self.trace not in TRACES:
            raise ValueError(f"trace='{self.trace}': there are {', '.join(TRACES)}.")

    def new_memory(self) -> dict[str, np.ndarray]:
        return {"z": np.zeros((self.n_seeds, self.n_weights)), "decay": np.zeros(self.n_seeds)}

    def parameters(self) -> dict[str, float]:
        return {"lambda_": self.lambda_, "trace": TRACES.index(self.trace), "n": self.x.n}
