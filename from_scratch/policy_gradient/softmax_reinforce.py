"""REINFORCE with a softmax over a table of preferences (Williams 1992; Sutton & Barto 2018, §13.2–13.3).

    π(a|s, θ) = e^θ(s, a) / Σ_b e^θ(s, b)                                                                             (13.2)
    loop for each episode:
        generate an episode S_0, A_0, R_1, …, S_T−1, A_T−1, R_T following π(·|·, θ)
        for each step t = 0, 1, …, T−1:
            G ← Σ_{k=t+1}^T γ^{k−t−1} R_k
            θ ← θ + α γ^t G ∇ ln π(A_t|S_t, θ)                                                                        (13.8)

This is the book's algorithm to the letter: a θ for each state and action, the steps of an episode one after another, each from the θ that
the one before it left; no network, no optimiser. REINFORCE is the same idea for any observation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from numba import njit

from from_scratch.core.tabular.episodes import LearnsFromEpisodes
from from_scratch.core.tabular.prediction import draw
from from_scratch.core.tabular.softmax import softmax
from from_scratch.core.tabular.tables import TabularPolicy


@njit(cache=True)
def ascend(theta: np.ndarray, a: int, step: float, floor: float) -> None:
    """θ ← θ + step ∇ ln π(a|s, θ) for one state's preferences theta [n_actions]."""
    e = np.exp(theta - theta.max())
    above = np.maximum(e / e.sum() - floor, 0.0)
    scale = (1 - floor * len(theta)) / above.sum()
    for b in range(len(theta)):
        pi = floor + above[b] * scale
        theta[b] += step * ((1.0 if b == a else 0.0) - pi)  # eq. (13.9), exercise 13.3


@njit(cache=True)
def learn(theta: np.ndarray, s: np.ndarray, a: np.ndarray, G: np.ndarray, alpha: float, gamma: float, floor: float) -> None:
    """One episode of one seed, [T]: theta [n_states, n_actions] is changed."""
    for t in range(len(s)):
        ascend(theta[s[t]], a[t], alpha * gamma**t * G[t], floor)  # eq. (13.8)


class SoftmaxPolicy(TabularPolicy):
    """Draws an action of e^θ(s, a) / Σ_b e^θ(s, b), or takes the likeliest."""

    min_probability = 0.0

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        if deterministic:
            return super()._predict(observation, deterministic)
        pi = softmax(getattr(self, self.acts_on).numpy()[self.index(observation.numpy())], self.min_probability)
        return torch.from_numpy(draw(pi, torch.rand(len(pi), dtype=torch.float64).numpy()) + self.action_space.start)


class SoftmaxREINFORCE(LearnsFromEpisodes):
    """Nothing stands for what a time limit cut off: there is no value function. SoftmaxREINFORCEBaseline has one."""

    learning_rate: float | Callable[[float], float] = 0.01  # α
    learning_rate_decay: ClassVar[float] = 0.0
    initial_value: ClassVar[float] = 0.0
    min_probability: float = 0.0  # no action becomes rarer. With 0, bad luck may make π deterministic, where ∇ ln π is 0 for ever

    largest_step = np.inf  # θ has no target
    log_interval = 100  # episodes
    policy_aliases = {"TabularPolicy": SoftmaxPolicy}
    acts_on = "theta"

    theta: np.ndarray  # [S, n_states, n_actions]  θ; before learning all preferences are equal, unless they are set

    def check(self) -> None:
        super().check()
        if self.env is not None and not 0 <= self.min_probability * self.n_actions < 1:
            raise ValueError(f"min_probability={self.min_probability} of each of {self.n_actions} actions: all together they must stay below 1.")

    def new_policy(self) -> Any:
        policy = super().new_policy()
        policy.min_probability = self.min_probability
        return policy

    def tables(self) -> dict[str, np.ndarray]:
        return {"theta": np.zeros((self.n_states, self.n_actions))}

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        theta = self.theta[self.i[:, None], self.states(obs)]
        return theta.argmax(-1) if deterministic else draw(softmax(theta, self.min_probability), self._rng.uniform(theta.shape[1]))

    def iterate(self) -> None:
        episodes = self.remember(self.play(self.act(self._last_obs)))
        if episodes is None:
            return
        G = episodes.returns(self.gamma)
        for n, (k, T) in enumerate(zip(episodes.k, episodes.length, strict=True)):  # the lanes in their order
            self.learn_from(k, episodes.s[n, :T], episodes.a[n, :T], G[n, :T])

    def learn_from(self, k: int, s: np.ndarray, a: np.ndarray, G: np.ndarray) -> None:
        """Learn from an episode [T] of the seed k."""
        learn(self.theta[k], s, a, G, self.step_size(i=k), self.gamma, self.min_probability)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.zeros(len(k))
