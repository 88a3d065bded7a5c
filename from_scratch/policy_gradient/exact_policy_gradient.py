"""Gradient ascent on a policy's objective whose gradient is computed from a model, not sampled (Sutton, McAllester, Singh & Mansour 2000, theorem 1;
Agarwal, Kakade, Lee & Mahajan 2021, arXiv:1908.00261).

    π(a|s) = e^θ(s, a) / Σ_b e^θ(s, b)
    loop:
        evaluate π: its values V and Q, its advantages A = Q − V, and how much d(s) it is in each state
        θ(s, a) ← θ(s, a) + α ∂J/∂θ(s, a),   ∂J/∂θ(s, a) = d(s) π(a|s) A(s, a)

It is what REINFORCE does on average, for infinitely small steps. J is the discounted return from the start; with γ = 1 it is the return itself, or the average
reward of a step where no episode ends (`core/exact/gradients.py`). V, Q and the objective that is logged are those of the policy before the step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from from_scratch.core.exact.gradients import objective, policy_gradient, values
from from_scratch.core.exact.mdp import Model
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.tabular.prediction import GivenPolicy, TabularPrediction
from from_scratch.core.tabular.softmax import softmax
from from_scratch.dynamic_programming.planner import Planner


class ExactPolicyGradient(Planner):
    learning_rate: float | Callable[[float], float] = 1.0  # α
    gamma: float = 0.99  # γ
    initial_policy: Any = None  # π(a|s) [n_states, n_actions] before learning; None takes every action equally often
    theta: float = 1e-12  # a step that changes no probability by as much as this has converged
    tolerance: ClassVar[float] = 0.0
    max_sweeps: int = 1_000_000  # steps

    policy_aliases = {"TabularPolicy": GivenPolicy}
    given_policy = TabularPrediction.given_policy

    preferences: np.ndarray  # [S, n_states, n_actions]  θ; −∞ for an action that is never taken

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate", above=0)
        if self.env is not None:
            self.given_policy("initial_policy")

    def tables(self) -> dict[str, np.ndarray]:
        pi = self.given_policy("initial_policy")
        with np.errstate(divide="ignore"):
            return {**super().tables(), "pi": pi, "preferences": np.log(pi)}

    def iterate(self) -> None:
        delta, J, alpha = np.zeros(self.n_seeds), np.zeros(self.n_seeds), self.now(self.lr_schedule)
        for k in np.flatnonzero(self.active):
            model, pi = self.models[k], self.pi[k].copy()
            self.V[k] = values(model, pi, self.gamma)
            self.Q[k], J[k] = model.backup(self.V[k], self.gamma), objective(model, pi, self.gamma)
            self.preferences[k] += alpha * self.direction(model, pi)
            self.pi[k] = softmax(self.preferences[k])
            delta[k] = np.abs(self.pi[k] - pi).max()
            self.sweeps[k] += 1
            self.active[k] = delta[k] >= self.theta and self.sweeps[k] < self.max_sweeps
        self.record("train/objective", J)
        self.count_sweep(delta)

    def direction(self, model: Model, pi: np.ndarray) -> np.ndarray:
        """Where θ goes, [n_states, n_actions]."""
        return policy_gradient(model, pi, self.gamma)
