"""Gauss–Seidel value iteration (Hastings 1968; Sutton & Barto 2018, §4.4, as the box stands there).

    loop:
        Δ ← 0
        for each state s:
            v ← V(s);  V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')];  Δ ← max(Δ, |v − V(s)|)
    until Δ < θ

V is updated in place: a backup uses what the sweep has already found for the states before. Needs fewer sweeps than the synchronous form, the
fewer the more the numbers of the states fall along the way. The bound is the same: ‖V − V*‖ ≤ γ / (1 − γ) · Δ.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class GaussSeidelValueIteration(Planner):
    max_sweeps: int = 1_000_000  # with γ = 1 there may be no optimum to converge to

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        for k in np.flatnonzero(self.active):
            delta[k] = max(self.back_up(k, s) for s in range(self.n_states))  # eq. (4.10)
            self.sweeps[k] += 1
            self.active[k] = delta[k] >= self.theta and self.sweeps[k] < self.max_sweeps
        self.count_sweep(delta)
