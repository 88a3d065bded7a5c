"""Modified policy iteration (Puterman & Shin 1978, algorithm of §3; Sutton & Barto 2018, §4.6).

    loop:
        policy improvement: π(s) ← argmax_a Q(s, a),  U(s) ← max_a Q(s, a)  with  Q(s, a) = Σ p(s', r | s, a) [r + γ V(s')]
        if |U(s) − V(s)| < θ everywhere, stop
        partial evaluation: V ← U;  m times  V(s) ← Σ p(s', r | s, π(s)) [r + γ V(s')]

m = 0 is value iteration, and with m → ∞ it becomes policy iteration. A sweep of the evaluation looks at one action a state, not at all.
An iteration is one sweep: of the improvement, or of the evaluation.
"""

from __future__ import annotations

import numpy as np

from from_scratch.dynamic_programming.planner import Planner


class ModifiedPolicyIteration(Planner):
    evaluation_sweeps: int = 10  # m
    max_sweeps: int = 1_000_000  # with γ = 1 there may be no optimum to converge to

    of_each_seed = ("sweeps", "improvements", "left")

    def check(self) -> None:
        super().check()
        if self.evaluation_sweeps < 0:
            raise ValueError(f"evaluation_sweeps={self.evaluation_sweeps}: a number of sweeps, 0 for value iteration.")
        self.improvements = np.zeros(self.n_seeds, dtype=int)
        self.left = np.zeros(self.n_seeds, dtype=int)  # sweeps of the present evaluation that are still to do

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        for k in np.flatnonzero(self.active):
            q = self.models[k].backup(self.V[k], self.gamma)
            if self.left[k] == 0:
                self.Q[k] = q
                v = q.max(-1)  # eq. (4.10)
                self.improve(k)  # eq. (4.9)
                self.improvements[k] += 1
                self.left[k] = self.evaluation_sweeps
                self.active[k] = np.abs(v - self.V[k]).max() >= self.theta
            else:
                v = (self.pi[k] * q).sum(-1)  # eq. (4.5)
                self.left[k] -= 1
            delta[k] = np.abs(v - self.V[k]).max()
            self.V[k] = v
            self.sweeps[k] += 1
            self.active[k] &= self.sweeps[k] < self.max_sweeps
        self.record("train/improvements", self.improvements)
        self.count_sweep(delta)
