"""The simple bandit algorithm (Sutton & Barto 2018, §2.4).

    Q(a) ← 0, N(a) ← 0 for each arm a
    loop:
        A ← argmax_a Q(a), ties broken at random, with probability 1 − ε;  any arm with probability ε
        R ← bandit(A);  N(A) ← N(A) + 1
        Q(A) ← Q(A) + 1/N(A) [R − Q(A)]

With learning_rate_decay = 0 the step size is the constant learning_rate (§2.5).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.bandit import ActionValueBandit
from from_scratch.core.tabular.learner import greedy


class EpsilonGreedyBandit(ActionValueBandit):
    epsilon: float = 0.1  # ε

    def check(self) -> None:
        super().check()
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"epsilon={self.epsilon}: a probability lies between 0 and 1.")

    @property
    def n_draws(self) -> int:
        return 2 + self.n_actions  # the coin, the arm that it may call for, and the ties

    def choose(self, u: np.ndarray) -> np.ndarray:
        explore, anything = u[..., 0] < self.epsilon, (u[..., 1] * self.n_actions).astype(np.int64)
        return np.where(explore, anything, greedy(np.broadcast_to(self.Q, u[..., 2:].shape), u[..., 2:]))  # eq. (2.2), but for ε
