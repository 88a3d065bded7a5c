"""What a policy is worth, from episodes that another one played: estimates by importance sampling, without interaction and without a model.

    ρ_t = π(a_t|s_t) / b(a_t|s_t),  w_t = ρ_0 ⋯ ρ_t,  G = Σ_t γ^t r_t; n episodes
    ordinary              1/n Σ w_T G                            unbiased; its variance grows exponentially with the length of episodes
    weighted              Σ w_T G / Σ w_T                        biased, consistent, and never beyond the returns that were seen
    per decision          1/n Σ Σ_t γ^t w_t r_t                  unbiased: a reward is weighted by what was done until then   (Precup et al. 2000)
    weighted per decision Σ_t γ^t Σ w_t r_t / Σ w_t              biased, consistent
    doubly robust         1/n Σ Σ_t γ^t [w_{t−1} V̂(s_t) + w_t (r_t − Q̂(s_t, a_t))]   unbiased whatever V̂ and Q̂ are   (Jiang & Li 2016, arXiv:1511.03722)

Precup, Sutton & Singh 2000, "Eligibility traces for off-policy policy evaluation", has the first four; Voloshin et al. 2021, arXiv:1911.06854, compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from from_scratch.core.datasets import Dataset


@dataclass(frozen=True)
class Episodes:
    """n episodes of up to T steps, [n, T]: π(a|s) and b(a|s) of the actions that were taken, and the rewards. What stands behind an episode's end is not read.

    ValueError if a probability is none, or if b is 0 where an action was taken: such steps cannot be weighted.
    """

    target: np.ndarray  # π(a_t|s_t)
    behaviour: np.ndarray  # b(a_t|s_t)
    reward: np.ndarray
    lengths: np.ndarray | None = None  # [n] steps of each; None: all T

    def __post_init__(self) -> None:
        shape = np.shape(self.reward)
        if len(shape) != 2 or not np.shape(self.target) == np.shape(self.behaviour) == shape:
            raise ValueError(f"target {np.shape(self.target)}, behaviour {np.shape(self.behaviour)} and reward {shape} must be of one shape, [n, T].")
        for name in ("target", "behaviour"):
            p = getattr(self, name)
            wrong = self.played & ~((p >= 0) & np.isfinite(p))
            if wrong.any():
                i, t = np.argwhere(wrong)[0]
                raise ValueError(f"{name}[{i}, {t}] = {p[i, t]} is neither a probability nor a density.")
        never = self.played & (self.behaviour == 0)
        if never.any():
            i, t = np.argwhere(never)[0]
            raise ValueError(
                f"behaviour[{i}, {t}] = 0, but that action was taken, and so it is in {never.sum()} of {self.played.sum()} steps: "
                "give the probabilities of the policy that recorded them."
            )

    @classmethod
    def of(cls, data: Dataset, target: Callable[[Any, np.ndarray], np.ndarray], behaviour: Callable[[Any, np.ndarray], np.ndarray]) -> Episodes:
        """A data set's. target and behaviour say the probabilities, or densities, [N] of actions [N, ...] in observations [N, ...]."""
        i = np.minimum(np.arange(data.lengths.max()), data.lengths[:, None] - 1) + data.starts[:, None]
        of = lambda pi: np.asarray(pi(data.observations, data.actions), np.float64)[i]
        return cls(of(target), of(behaviour), data.rewards.astype(np.float64)[i], data.lengths)

    @cached_property
    def played(self) -> np.ndarray:
        """Which steps there are, [n, T]."""
        n, T = np.shape(self.reward)
        lengths = np.full(n, T) if self.lengths is None else np.asarray(self.lengths)
        return np.arange(T) < lengths[:, None]

    @cached_property
    def weights(self) -> np.ndarray:
        """w_t, [n, T]; from an episode's end on it stays what it is."""
        return np.cumprod(np.where(self.played, self.target, 1) / np.where(self.played, self.behaviour, 1), 1)

    def discounted(self, gamma: float) -> np.ndarray:
        """γ^t r_t, [n, T], and 0 behind the end."""
        return np.where(self.played, self.reward, 0) * gamma ** np.arange(np.shape(self.reward)[1])

    @property
    def effective(self) -> float:
        """How many episodes of π these are as good as, (Σ w_T)² / Σ w_T² (Kish 1965)."""
        w = self.weights[:, -1]
        return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def ordinary(episodes: Episodes, gamma: float = 1.0) -> float:
    """Whole returns, each weighted by its episode's ratio: unbiased."""
    return float((episodes.weights[:, -1] * episodes.discounted(gamma).sum(1)).mean())


def weighted(episodes: Episodes, gamma: float = 1.0) -> float:
    """The same as a weighted mean: consistent, and never beyond the returns. ValueError if π takes none of the episodes."""
    w = episodes.weights[:, -1]
    return float((w * episodes.discounted(gamma).sum(1)).sum() / _some(w.sum(), "episodes"))


def per_decision(episodes: Episodes, gamma: float = 1.0) -> float:
    """Each reward weighted by the ratio until then: unbiased."""
    return float((episodes.weights * episodes.discounted(gamma)).sum(1).mean())


def weighted_per_decision(episodes: Episodes, gamma: float = 1.0) -> float:
    """The same, at each step as a weighted mean: consistent. ValueError if from some step on π takes none of the episodes."""
    w = episodes.weights
    return float(((w * episodes.discounted(gamma)).sum(0) / _some(w.sum(0), "episodes to their last step")).sum())


def doubly_robust(episodes: Episodes, q: np.ndarray, v: np.ndarray, gamma: float = 1.0) -> float:
    """per_decision of what a model of values leaves over: q [n, T] is Q̂(s_t, a_t), v [n, T] is V̂(s_t). Unbiased whatever they are."""
    shape = np.shape(episodes.reward)
    if not np.shape(q) == np.shape(v) == shape:
        raise ValueError(f"q {np.shape(q)} and v {np.shape(v)} must be of the episodes' shape, {shape}.")
    w, there = episodes.weights, episodes.played * gamma ** np.arange(shape[1])
    before = np.concatenate((np.ones((len(w), 1)), w[:, :-1]), 1)
    left = episodes.discounted(gamma) - there * np.where(episodes.played, q, 0)
    return float((before * there * np.where(episodes.played, v, 0) + w * left).sum(1).mean())


def _some(total: Any, what: str) -> Any:
    if not np.all(total > 0):
        raise ValueError(f"The target policy takes none of the {what}: all weights are 0, and their mean is not defined.")
    return total


