"""Rewards with noise."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym


class NoisyReward(gym.RewardWrapper):
    """Adds a draw from N(0, `std`²) to every reward, from the environment's own stream: no policy becomes better or worse by it on average."""

    def __init__(self, env: gym.Env[Any, Any], std: float = 1.0):
        super().__init__(env)
        if not std >= 0:
            raise ValueError(f"std={std}: a standard deviation is not negative.")
        self.std = float(std)

    def reward(self, reward: SupportsFloat) -> float:
        return float(reward) + self.std * float(self.np_random.standard_normal())
