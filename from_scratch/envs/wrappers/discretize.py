"""Continuous observations as numbers of bins, for algorithms with tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.classic_control import CartPoleEnv


class Discretize(gym.ObservationWrapper):
    """Cuts each dimension of a Box into equal bins and numbers the cells: Discrete(product of bins), the last dimension counting fastest.

    bins: how many, one number for all dimensions or one for each. bounds: (low, high) of each dimension, or None in place of one to take the
    space's own; a dimension without finite bounds needs some. What lies outside counts to the outermost bin.
    """

    def __init__(self, env: gym.Env, bins: int | Sequence[int], bounds: Sequence[tuple[float, float] | None] | None = None):
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, spaces.Box):
            raise ValueError(f"Discretize cuts the observations of a Box space into bins; these are in {space}.")
        low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
        self.bins = np.broadcast_to(bins, low.shape) if np.ndim(bins) == 0 else np.asarray(bins)
        given = [None] * low.size if bounds is None else list(bounds)
        for name, found in (("bins", len(self.bins)), ("bounds", len(given))):
            if found != low.size:
                raise ValueError(f"{name} has {found} entries, but observations have {low.size} dimensions: give one for each.")
        if (self.bins < 1).any():
            raise ValueError(f"bins={self.bins.tolist()}: each dimension has at least one.")
        for k, pair in enumerate(given):
            low[k], high[k] = (low[k], high[k]) if pair is None else pair
            if not (np.isfinite([low[k], high[k]]).all() and high[k] - low[k] < 1e9 and low[k] < high[k]):
                raise ValueError(f"Dimension {k} of the observations lies in [{low[k]:g}, {high[k]:g}]: give it finite bounds, bounds[{k}] = (low, high).")
        self.low, self.high = low, high
        self.observation_space = spaces.Discrete(int(np.prod(self.bins)))

    def observation(self, observation: np.ndarray) -> int:
        return int(self.cells(np.asarray(observation, dtype=float).reshape(1, -1))[0])

    def cells(self, observations: np.ndarray) -> np.ndarray:
        """The numbers [M] of the cells of observations [M, dimensions]."""
        place = ((observations - self.low) / (self.high - self.low) * self.bins).astype(int)
        return np.ravel_multi_index(tuple(np.clip(place, 0, self.bins - 1).T), tuple(self.bins))


class CartPoleBins(Discretize):
    """CartPole with its position, speed, angle and angular speed in bins; registered with CartPole-v1's limit of 500 steps."""

    metadata = CartPoleEnv.metadata

    def __init__(self, bins: int | Sequence[int] = (3, 3, 8, 8), render_mode: str | None = None, **kwargs: Any):
        super().__init__(CartPoleEnv(render_mode=render_mode, **kwargs), bins, bounds=[(-2.4, 2.4), (-3.0, 3.0), (-0.2095, 0.2095), (-3.5, 3.5)])
