"""Value iteration (Bellman 1957; Sutton & Barto 2018, §4.4).

    loop:
        Δ ← 0
        for each state s:
            v ← V(s);  V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')];  Δ ← max(Δ, |v − V(s)|)
    until Δ < θ
    π(s) ← argmax_a Σ p(s', r | s, a) [r + γ V(s')]

The box updates V in place; here a sweep reads the old values and writes the new ones, for all states at once. When it stops,
‖V − V*‖ ≤ γ / (1 − γ) · Δ, because a sweep brings V nearer to V* by the factor γ.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class ValueIteration(Planner):
    max_sweeps: int = 1_000_000  # with γ = 1 there may be no optimum to converge to

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        for k in np.flatnonzero(self.active):
            self.Q[k] = self.models[k].backup(self.V[k], self.gamma)
            v = self.Q[k].max(-1)  # eq. (4.10)
            delta[k] = np.abs(v - self.V[k]).max()
            self.V[k] = v
            # The policy follows each sweep: with γ = 1 an action that is as good as the best may yet lead nowhere, and the one that
            # was better first does not.
            self.improve(k)
            self.sweeps[k] += 1
            self.active[k] = delta[k] >= self.theta and self.sweeps[k] < self.max_sweeps
        self.count_sweep(delta)
