"""Prioritised value iteration: the states first whose values are the most wrong (Moore & Atkeson 1993, with a model that is known;
Wingate & Seppi 2005, JMLR 6).

    H(s) ← |max_a Σ p(s', r | s, a) [r + γ V(s')] − V(s)|  for each s                          the Bellman errors
    loop:
        s ← argmax H
        v ← V(s);  V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')];  H(s) ← 0
        for each predecessor s̄:  H(s̄) ← H(s̄) + γ max_a p(s | s̄, a) |V(s) − v|
    until H(s) < θ everywhere

H is a bound: no Bellman error is larger, because a change of V(s) changes that of s̄ by no more than what is added. So when it stops,
‖V − V*‖ ≤ θ / (1 − γ). What is called a sweep here are n_states backups, of which the first computes the errors.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class PrioritisedValueIteration(Planner):
    max_sweeps: int = 1_000_000  # with γ = 1 there may be no optimum to converge to

    H: np.ndarray  # [S, n_states]

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "H": np.full(self.n_states, np.inf)}

    def _setup_learn(self, *args, **kwargs):
        result = super()._setup_learn(*args, **kwargs)
        self.reach = [np.ascontiguousarray(model.p.max(1).T) for model in self.models]  # [n_states, n_states]  max_a p(s | s̄, a) of s, s̄
        return result

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "reach"]

    def iterate(self) -> None:
        delta, backups = np.zeros(self.n_seeds), np.zeros(self.n_seeds, dtype=int)
        for k in np.flatnonzero(self.active):
            H, V = self.H[k], self.V[k]
            if np.isinf(H).all():
                H[:] = np.abs(self.models[k].backup(V, self.gamma).max(-1) - V)
                delta[k], backups[k] = H.max(), self.n_states
            while H.max() >= self.theta and backups[k] < self.n_states:
                s = H.argmax()
                change = self.back_up(k, s)  # eq. (4.10)
                H[s] = 0
                H += self.gamma * change * self.reach[k][s]
                delta[k] = max(delta[k], change)
                backups[k] += 1
            self.sweeps[k] += 1
            self.active[k] = H.max() >= self.theta and self.sweeps[k] < self.max_sweeps
        self.count_sweep(delta, backups=backups.max())
