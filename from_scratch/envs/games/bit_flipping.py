"""Bits to be flipped until they spell a goal (Andrychowicz et al. 2017, arXiv:1707.01495, section 3.1)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class BitFlipping(gym.Env):
    """n bits and a goal of n bits, both drawn uniformly at each reset, and unlike; action i flips bit i.

    The reward is −1 as long as the bits are not the goal, and 0 when they are, which ends the episode; there are n steps, in which any goal can be reached.
    Nothing says how near the goal is, so that undirected exploration meets one of its 2ⁿ states by luck alone.

    It has the interface of Gymnasium-Robotics' goal environments: observations are {"observation", "achieved_goal", "desired_goal"}, all three [n] of 0 and 1
    (the first two are the same bits); `compute_reward` computes rewards for goals that were not meant; `info["is_success"]` says whether the goal is reached.
    """

    metadata = {"render_modes": ["ansi"]}

    def __init__(self, n: int = 8, render_mode: str | None = None):
        if n < 1:
            raise ValueError(f"n={n}: there is at least one bit.")
        self.n, self.render_mode = n, render_mode
        bits = spaces.Box(0, 1, (n,), np.float32)
        self.observation_space = spaces.Dict({"observation": bits, "achieved_goal": bits, "desired_goal": bits})
        self.action_space = spaces.Discrete(n)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        super().reset(seed=seed)
        self.bits = self.np_random.integers(2, size=self.n).astype(np.float32)
        self.goal = self.bits.copy()
        while (self.goal == self.bits).all():  # an episode that is over before it begins teaches nothing
            self.goal = self.np_random.integers(2, size=self.n).astype(np.float32)
        self.steps = 0
        return self._observation(), {"is_success": False}

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        self.bits[action] = 1 - self.bits[action]
        self.steps += 1
        reward = float(self.compute_reward(self.bits, self.goal, {}))
        reached = reward == 0
        return self._observation(), reward, reached, not reached and self.steps >= self.n, {"is_success": reached}

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> np.ndarray:
        """0 where two goals [..., n] are the same, −1 elsewhere: [...]."""
        return (achieved_goal == desired_goal).all(-1).astype(np.float32) - 1

    def render(self) -> str | None:
        """The bits above the goal, as text."""
        if self.render_mode != "ansi":
            return None
        return "\n".join("".join(str(int(bit)) for bit in row) for row in (self.bits, self.goal))

    def _observation(self) -> dict[str, np.ndarray]:
        return {"observation": self.bits.copy(), "achieved_goal": self.bits.copy(), "desired_goal": self.goal.copy()}
