"""Off-policy Monte Carlo prediction by importance sampling (Sutton & Barto 2018, §5.5, §5.6 and §5.9; Precup, Sutton & Singh 2000).

    loop for each episode:
        generate an episode following b: S₀, A₀, R₁, …, S_T−1, A_T−1, R_T
        G ← 0,  W ← 1
        loop for t = T−1, T−2, …, 0:
            G ← γ G + R_t+1
            W ← W π(A_t|S_t) / b(A_t|S_t)                            the ratio ρ_t:T−1
            unless S_t appears in S₀, …, S_t−1:
                C(S_t) ← C(S_t) + W
                V(S_t) ← V(S_t) + W/C(S_t) [G − V(S_t)]

The box in the book estimates Q(s, a), where the ratio begins one step later. Three estimators differ in what is averaged, and how:

    weighted       Σ ρ_t:T−1 G_t / Σ ρ_t:T−1                         biased, consistent, of bounded variance
    ordinary       Σ ρ_t:T−1 G_t / n                                 unbiased, its variance may be infinite
    per decision   Σ G̃_t / n,  G̃_t = ρ_t (R_t+1 + γ G̃_t+1)           unbiased; each reward has the ratios up to its own step only
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from from_scratch.core.tabular.episodes import Episodes, LearnsFromEpisodes, in_turn
from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.core.tabular.prediction import draw as drawn


class OffPolicyMCPrediction(LearnsFromEpisodes, TabularPrediction):
    """Weighted importance sampling, first visits."""

    learning_rate: ClassVar[float] = 1.0
    learning_rate_decay: ClassVar[float] = 0.0  # the step size is W / C

    behaviour: Any = None  # b(a|s), given like pi; None takes every action equally often

    C: np.ndarray  # [S, n_states]  sum of the weights so far
    b: np.ndarray  # [S, n_states, n_actions]  b(a|s)

    def check(self) -> None:
        super().check()
        if self.env is not None:
            uncovered = np.argwhere((self.given_policy() > 0) & (self.given_policy("behaviour") == 0))
            if len(uncovered):
                s, a = uncovered[0].tolist()
                raise ValueError(f"pi takes action {a} in state {s} and behaviour never does: importance sampling needs b(a|s) > 0 wherever π(a|s) > 0.")

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "C": np.zeros(self.n_states), "b": self.given_policy("behaviour")}

    def iterate(self) -> None:
        b = self.b[self.i[:, None], self.state]
        step = self.play(drawn(b, self._rng.uniform(self.n_envs)))
        episodes = self.remember(step, b=np.take_along_axis(b, step.a[..., None], -1))
        if episodes is not None:
            self.update(episodes)

    def update(self, episodes: Episodes) -> None:
        """Learn from episodes that have ended."""
        V, C = self.V, self.C
        k, s, W, G = episodes.flat(episodes.first_visits(episodes.s), episodes.s, *self.weighed(episodes, self.ratio(episodes)))
        for now in in_turn(k, s):
            now = now[W[now] > 0]
            i, s_now, w = k[now], s[now], W[now]
            error = G[now] - V[i, s_now]
            C[i, s_now] += w
            V[i, s_now] += w / C[i, s_now] * error  # eqs. (5.7), (5.8)
            self.keep_each(i, error)

    def ratio(self, episodes: Episodes) -> np.ndarray:
        """π(A_t|S_t) / b(A_t|S_t), [K, T]; 1 behind the ends."""
        pi = self.probabilities[episodes.k[:, None], episodes.s, episodes.a]
        return np.divide(pi, episodes.b, out=np.ones_like(pi), where=episodes.inside)

    def weighed(self, episodes: Episodes, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weight of each return and the return, [K, T]."""
        return products(ratio), episodes.returns(self.gamma)  # eq. (5.6)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.V[k, s]


class OrdinaryOffPolicyMCPrediction(OffPolicyMCPrediction):
    """Ordinary importance sampling, first visits."""

    def weighed(self, episodes: Episodes, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones_like(ratio), products(ratio) * episodes.returns(self.gamma)  # eq. (5.5)


class PerDecisionOffPolicyMCPrediction(OffPolicyMCPrediction):
    """Per-decision importance sampling, first visits."""

    def weighed(self, episodes: Episodes, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones_like(ratio), episodes.returns(self.gamma, ratio)  # eqs. (5.14), (5.15)


def products(ratio: np.ndarray) -> np.ndarray:
    """ρ_t:T−1 of the ratios [K, T]: each with all that follow it."""
    return ratio[:, ::-1].cumprod(1)[:, ::-1]
