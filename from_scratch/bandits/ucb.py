"""Upper confidence bounds: UCB1 (Auer, Cesa-Bianchi & Fischer 2002, Machine Learning 47:235; Sutton & Barto 2018, §2.7).

    loop for t = 1, 2, …:
        A ← argmax_a [ Q(a) + c √(ln t / N(a)) ];  an arm that was never pulled comes first
        R ← bandit(A);  N(A) ← N(A) + 1
        Q(A) ← Q(A) + 1/N(A) [R − Q(A)]

Auer et al. have c = √2, for rewards in [0, 1].
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.bandit import ActionValueBandit
from from_scratch.core.tabular.learner import greedy


class UCBBandit(ActionValueBandit):
    c: float = 2.0  # c, the degree of exploration

    def check(self) -> None:
        super().check()
        if self.c < 0:
            raise ValueError(f"c={self.c}: the degree of exploration is not negative.")

    @property
    def n_draws(self) -> int:
        return self.n_actions  # ties

    def upper_bound(self) -> np.ndarray:
        """Q(a) + c √(ln t / N(a)), [S, 1, k]; ∞ for arms that were never pulled."""
        t = 1 + self.N.sum(-1, keepdims=True)
        bonus = self.c * np.sqrt(np.log(t) / np.maximum(self.N, 1))
        return np.where(self.N == 0, np.inf, self.Q + bonus)  # eq. (2.10)

    def choose(self, u: np.ndarray) -> np.ndarray:
        return greedy(np.broadcast_to(self.upper_bound(), u.shape), u)
