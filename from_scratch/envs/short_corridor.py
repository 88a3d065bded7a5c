"""The short corridor with switched actions (Sutton & Barto 2018, Example 13.1), registered as ShortCorridor-v0.

    state   0 (start)     1              2              goal
    right   to 1          back to 0      to the goal
    left    stays in 0    on to 2        back to 1

Every step costs 1. All three states look the same, so a policy is one number, the probability p of going right, and the best one
is stochastic: p = 2 − √2 ≈ 0.59 with value ≈ −11.66, where always-left and always-right never arrive.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
from gymnasium import spaces

LEFT, RIGHT, GOAL = 0, 1, 3
BEST_P_RIGHT = 2 - math.sqrt(2)


def start_value(p_right: float) -> float:
    """v(0) of going right with this probability: v = 2 (p − 2) / (p (1 − p)), from the three Bellman equations."""
    return 2 * (p_right - 2) / (p_right * (1 - p_right))


BEST_VALUE = start_value(BEST_P_RIGHT)


class ShortCorridor(gym.Env):
    """Observation: always 0, of Discrete(1). Actions: 0 left, 1 right. Reward −1 a step; terminates at the goal."""

    metadata: dict[str, Any] = {"render_modes": []}
    observation_space, action_space = spaces.Discrete(1), spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        forward = (action == RIGHT) != (self.state == 1)  # in state 1 the actions are switched
        self.state = max(self.state + (1 if forward else -1), 0)
        return 0, -1.0, self.state == GOAL, False, {}
