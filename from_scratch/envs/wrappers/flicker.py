"""Observations that fail at times, so that one must be put together from several (Hausknecht & Stone 2015, arXiv:1507.06527, section 5)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Flicker(gym.ObservationWrapper):
    """Each observation, the first of an episode included, is all 0 with probability p; the paper's p is 0.5.

    It draws from a stream of its own, which `reset(seed=...)` seeds together with the environment: the same seed and actions play the same episodes with
    it and without.
    """

    def __init__(self, env: gym.Env, p: float = 0.5):
        super().__init__(env)
        if not 0 <= p <= 1:
            raise ValueError(f"p={p}: the probability that an observation fails lies in [0, 1].")
        if not isinstance(env.observation_space, spaces.Box):
            raise ValueError(f"Flicker needs observations in a Box; these are in {env.observation_space}.")
        self.p = float(p)
        self.stream = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        if seed is not None:
            self.stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        return super().reset(seed=seed, options=options)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        return np.zeros_like(observation) if self.stream.random() < self.p else observation
