"""Asynchronous value iteration (Bertsekas 1982; Sutton & Barto 2018, §4.5), of states drawn at random.

    loop:
        draw a state s, each with the same probability
        V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')]
    until every state was backed up since a backup changed a value by θ or more

It converges in any order in which no state is left out for ever. What is called a sweep here are n_states draws, some states among them twice and
others not at all.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class AsynchronousValueIteration(Planner):
    max_sweeps: int = 1_000_000  # with γ = 1 there may be no optimum to converge to

    settled: np.ndarray  # [S, n_states]  1: backed up since the last change of θ or more

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "settled": np.zeros(self.n_states)}

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        drawn = (self._rng.uniform(self.n_states) * self.n_states).astype(int)  # [S, n_states]
        for k in np.flatnonzero(self.active):
            for s in drawn[k]:
                change = self.back_up(k, s)  # eq. (4.10)
                if change >= self.theta:
                    self.settled[k] = 0
                self.settled[k, s] = change < self.theta
                delta[k] = max(delta[k], change)
            self.sweeps[k] += 1
            self.active[k] = not self.settled[k].all() and self.sweeps[k] < self.max_sweeps
        self.count_sweep(delta)
