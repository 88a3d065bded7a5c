"""Policy iteration (Howard 1960; Sutton & Barto 2018, §4.3).

    1. V(s), π(s) arbitrary
    2. policy evaluation: loop  V(s) ← Σ p(s', r | s, π(s)) [r + γ V(s')]  for each s,  until no value changes by θ or more
    3. policy improvement: π(s) ← argmax_a Σ p(s', r | s, a) [r + γ V(s')] for each s;  if π changed, go to 2

The box compares actions and may change between equals for ever (exercise 4.4): here an action must be better to replace the old one.
An iteration is one sweep: of step 2, or step 3. With `exact_evaluation` step 2 solves the linear equations, and counts as one sweep.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class PolicyIteration(Planner):
    exact_evaluation: bool = False
    max_sweeps: int = 10_000  # of one evaluation; then improve all the same: with γ = 1 a policy that never ends has no finite value

    of_each_seed = ("sweeps", "improvements", "evaluated", "evaluation_sweeps")

    def check(self) -> None:
        super().check()
        self.improvements = np.zeros(self.n_seeds, dtype=int)  # times that step 3 was done; the last of them changes nothing
        self.evaluated = np.zeros(self.n_seeds, dtype=bool)  # is step 3 next?
        self.evaluation_sweeps = np.zeros(self.n_seeds, dtype=int)  # of the present evaluation

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        for k in np.flatnonzero(self.active):
            self.sweeps[k] += 1
            if not self.evaluated[k]:
                delta[k] = self.evaluate(k)
            else:
                self.Q[k] = self.models[k].backup(self.V[k], self.gamma)
                self.active[k] = self.improve(k)  # eq. (4.9)
                self.improvements[k] += 1
                self.evaluated[k], self.evaluation_sweeps[k] = False, 0
        self.record("train/improvements", self.improvements)
        self.count_sweep(delta)

    def evaluate(self, k: int) -> float:
        """One sweep of step 2 for seed k; the largest change of a value."""
        if self.exact_evaluation:
            v = self.models[k].solve(self.pi[k], self.gamma)  # eq. (4.4), all states at once
        else:
            v = (self.pi[k] * self.models[k].backup(self.V[k], self.gamma)).sum(-1)  # eq. (4.5)
        delta = np.abs(v - self.V[k]).max()
        self.V[k] = v
        self.evaluation_sweeps[k] += 1
        self.evaluated[k] = self.exact_evaluation or delta < self.theta or self.evaluation_sweeps[k] >= self.max_sweeps
        return delta
