"""Iterative policy evaluation (Sutton & Barto 2018, §4.1): V of a given policy, which may be stochastic.

    loop:
        Δ ← 0
        for each state s:
            v ← V(s);  V(s) ← Σ_a π(a|s) Σ p(s', r | s, a) [r + γ V(s')];  Δ ← max(Δ, |v − V(s)|)
    until Δ < θ

The box updates V in place, which is usually faster (`in_place`). With two arrays a sweep reads the old values alone: the k-th V is then the value
of an episode cut after k steps. `exact` solves the linear equations, and counts as one sweep.
With γ = 1 a policy under which some episode never ends has no finite value: `max_sweeps` ends what would go on for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.core.tabular.prediction import GivenPolicy, TabularPrediction
from from_scratch.dynamic_programming.planner import Planner


class PolicyEvaluation(Planner):
    pi: Any = None  # π(a|s) [n_states, n_actions], or its actions [n_states]; None takes every action equally often
    in_place: bool = True
    exact: bool = False
    max_sweeps: int = 10_000

    policy_aliases = {"TabularPolicy": GivenPolicy}
    acts_on = "probabilities"
    probabilities: np.ndarray  # [S, n_states, n_actions]  π(a|s), kept with the values so that a file has both
    given_policy = TabularPrediction.given_policy

    def tables(self) -> dict[str, np.ndarray]:
        return {"V": np.zeros(self.n_states), "Q": np.zeros((self.n_states, self.n_actions)), "probabilities": self.given_policy()}

    def iterate(self) -> None:
        delta = np.zeros(self.n_seeds)
        for k in np.flatnonzero(self.active):
            model, pi, old = self.models[k], self.probabilities[k], self.V[k].copy()
            if self.exact:
                self.V[k] = model.solve(pi, self.gamma)  # eq. (4.4), all states at once
            elif self.in_place:
                for s in range(self.n_states):
                    self.V[k, s] = pi[s] @ (model.r[s] + self.gamma * model.p[s] @ self.V[k])  # eq. (4.5)
            else:
                self.V[k] = (pi * model.backup(old, self.gamma)).sum(-1)  # eq. (4.5)
            delta[k] = np.abs(self.V[k] - old).max()
            self.Q[k] = model.backup(self.V[k], self.gamma)  # eq. (4.6)
            self.sweeps[k] += 1
            self.active[k] = not self.exact and delta[k] >= self.theta and self.sweeps[k] < self.max_sweeps
        self.count_sweep(delta)
