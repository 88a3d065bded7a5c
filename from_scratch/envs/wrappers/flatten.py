"""Wrappers that fit environments to the algorithms here."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class FlattenTuple(gym.ObservationWrapper):
    """Numbers the observations of a Tuple of Discrete spaces: Blackjack-v1's (sum, dealer's card, usable ace) becomes one of 704.

    The last part counts fastest: (i, j, k) of Tuple(Discrete(l), Discrete(m), Discrete(n)) is observation (i·m + j)·n + k.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        every = env.observation_space.spaces if isinstance(env.observation_space, spaces.Tuple) else ()
        parts = [part for part in every if isinstance(part, spaces.Discrete)]
        if not parts or len(parts) < len(every):
            raise ValueError(f"FlattenTuple needs observations in a Tuple of Discrete spaces; these are in {env.observation_space}.")
        self.sizes = tuple(int(part.n) for part in parts)
        self.starts = tuple(int(part.start) for part in parts)
        self.observation_space = spaces.Discrete(int(np.prod(self.sizes)))

    def observation(self, observation: tuple[Any, ...]) -> int:
        return int(np.ravel_multi_index([int(x) - start for x, start in zip(observation, self.starts, strict=True)], self.sizes))
