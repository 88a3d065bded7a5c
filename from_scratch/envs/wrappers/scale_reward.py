"""Rewards in other units."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym


class ScaleReward(gym.RewardWrapper):
    """Multiplies every reward by `scale`, above 0: the best policy stays what it is."""

    def __init__(self, env: gym.Env[Any, Any], scale: float):
        super().__init__(env)
        if not scale > 0:
            raise ValueError(f"scale={scale}: rewards are multiplied by a number above 0.")
        self.scale = float(scale)

    def reward(self, reward: SupportsFloat) -> float:
        return self.scale * float(reward)
