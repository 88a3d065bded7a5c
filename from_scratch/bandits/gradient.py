"""The gradient bandit algorithm (Sutton & Barto 2018, §2.8): stochastic gradient ascent on the expected reward of a softmax policy.

    H(a) ← 0 for each arm a
    loop:
        A ~ π(a) = e^H(a) / Σ_b e^H(b)
        R ← bandit(A);  R̄ ← the average of all rewards so far
        H(a) ← H(a) + α (R − R̄) (1{a = A} − π(a)) for each arm a

R̄ includes the reward at hand, as in the book's experiments; its text leaves that one out. Without the baseline R̄ is 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from from_scratch.core.tabular.bandit import Bandit


def softmax(h: np.ndarray) -> np.ndarray:
    """e^h / Σ e^h over the last axis."""
    e = np.exp(h - h.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class GradientBandit(Bandit):
    learning_rate: float | Callable[[float], float] = 0.1  # α
    baseline: bool = True

    acts_on = "H"

    H: np.ndarray  # [S, 1, k]  preferences
    mean_reward: np.ndarray  # [S, 1]  R̄
    pulls: np.ndarray  # [S, 1]  rewards that it is the average of

    def tables(self) -> dict[str, np.ndarray]:
        return {"H": np.zeros((1, self.n_actions)), "mean_reward": np.zeros(1), "pulls": np.zeros(1)}

    @property
    def n_draws(self) -> int:
        return 1

    @property
    def pi(self) -> np.ndarray:
        """π(a), [S, 1, k]"""
        return softmax(self.H)  # eq. (2.11)

    def choose(self, u: np.ndarray) -> np.ndarray:
        below = u >= self.pi.cumsum(-1)[..., :-1]  # the last arm has what rounding leaves of 1
        return below.sum(-1)

    def update(self, a: np.ndarray, r: np.ndarray) -> np.ndarray:
        if self.baseline:
            self.pulls[:, 0] += 1
            self.mean_reward[:, 0] += (r - self.mean_reward[:, 0]) / self.pulls[:, 0]
        advantage = r - self.mean_reward[:, 0]
        one = np.eye(self.n_actions)[a]  # 1{a = A}
        self.H[:, 0] += self.now(self.lr_schedule) * advantage[:, None] * (one - self.pi[:, 0])  # eq. (2.12)
        return advantage
