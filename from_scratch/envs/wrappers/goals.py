"""A goal-conditioned environment with Box actions, for hindsight experience replay (Andrychowicz et al. 2017, arXiv:1707.01495)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class PointGoal(gym.Env):
    """A point in the square [−1, 1]² is moved by up to 0.1 in each direction; it is to come within 0.15 of a random goal.

    The reward is 0 there and −1 elsewhere. Episodes last 30 steps, and end earlier at the goal. `info["is_success"]` says whether it was reached.
    """

    metadata = {"render_modes": []}
    speed, reach, horizon = 0.1, 0.15, 30

    def __init__(self) -> None:
        square = spaces.Box(-1, 1, (2,), np.float32)
        self.observation_space = spaces.Dict({"observation": square, "achieved_goal": square, "desired_goal": square})
        self.action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        super().reset(seed=seed)
        self.point, self.goal = self.np_random.uniform(-1, 1, (2, 2)).astype(np.float32)
        self.steps = 0
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        self.point = np.clip(self.point + self.speed * np.clip(action, -1, 1), -1, 1).astype(np.float32)
        self.steps += 1
        reward = float(self.compute_reward(self.point, self.goal, {}))
        reached = reward == 0
        return self._observation(), reward, reached, self.steps >= self.horizon, {"is_success": reached}

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> np.ndarray:
        """0 where the goals [..., 2] are closer than `reach`, −1 elsewhere: what hindsight computes for goals that were not meant."""
        return (np.linalg.norm(achieved_goal - desired_goal, axis=-1) < self.reach).astype(np.float32) - 1

    def _observation(self) -> dict[str, np.ndarray]:
        return {"observation": self.point.copy(), "achieved_goal": self.point.copy(), "desired_goal": self.goal.copy()}
