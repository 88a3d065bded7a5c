"""One state, and a reward that is a wave of the action (after Kuznetsov et al. 2020, arXiv:2005.04269, section 3)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.envs.chains.finite import draws_nothing


class SineReward(gym.Env[np.ndarray, np.ndarray]):
    """Nothing changes but the reward: f(a) + noise of standard deviation `noise`, f(a) = (0.3 + 0.3 (a + 1)) sin(5a), a in [−1, 1].

    f has two peaks: 0.32 at a = −0.91, and `best`, 0.70, at a = 0.33. Observations are always 0.
    """

    metadata = {"render_modes": []}

    def __init__(self, noise: float = 0.25, render_mode: str | None = None):
        draws_nothing(self, render_mode)
        if not noise >= 0:
            raise ValueError(f"noise={noise}: a standard deviation is not negative.")
        self.noise = float(noise)
        self.observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.best = float(self.mean_reward(np.linspace(-1, 1, 200_001)).max())

    @staticmethod
    def mean_reward(a: Any) -> Any:
        """f(a)."""
        return (0.3 + 0.3 * (a + 1)) * np.sin(5 * a)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward = self.mean_reward(float(np.clip(action[0], -1, 1))) + self.noise * self.np_random.standard_normal()
        return np.zeros(1, np.float32), float(reward), False, False, {}
