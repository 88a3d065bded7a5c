"""The short corridor with switched actions (Sutton & Barto 2018, Example 13.1), as from_scratch/ShortCorridor-v0.

    state   0 (start)     1              2              goal
    right   to 1          back to 0      to the goal
    left    stays in 0    on to 2        back to 1

Every step costs 1. All three states look the same, so a policy is one number, the probability p of going right, and the best one
is stochastic: p = 2 − √2 ≈ 0.59 with value ≈ −11.66, where always-left and always-right never arrive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.envs.chains.finite import draws_nothing
from from_scratch.envs.vector.lanes import LaneVecEnv

LEFT, RIGHT, GOAL = 0, 1, 3
BEST_P_RIGHT = 2 - math.sqrt(2)


def start_value(p_right: float) -> float:
    """v(0) of going right with this probability: v = 2 (p − 2) / (p (1 − p)), from the three Bellman equations."""
    return 2 * (p_right - 2) / (p_right * (1 - p_right))


BEST_VALUE = start_value(BEST_P_RIGHT)


class _Lanes(LaneVecEnv):
    of_each_lane, tells_at_reset = ("where",), False

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        self.where = np.zeros(n_envs, np.int64)

    def begin(self, lane: int, options: Mapping[str, Any] | None) -> int:
        return int(self.begin_each(np.array([lane]))[0])

    def begin_each(self, lanes: np.ndarray) -> np.ndarray:
        self.where[lanes] = 0
        return self.where[lanes]

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        forward = (actions == RIGHT) != (self.where == 1)
        self.where = np.maximum(self.where + np.where(forward, 1, -1), 0)
        return np.full(self.num_envs, -1.0), self.where == GOAL

    def observe(self) -> np.ndarray:
        return np.zeros(self.num_envs, np.int64)

    def state_of(self, lane: int) -> int:
        return int(self.where[lane])


class ShortCorridor(gym.Env):
    """Observation: always 0, of Discrete(1). Actions: 0 left, 1 right. Reward −1 a step; terminates at the goal."""

    lanes = _Lanes
    metadata: dict[str, Any] = {"render_modes": []}
    observation_space, action_space = spaces.Discrete(1), spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None):
        draws_nothing(self, render_mode)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        forward = (action == RIGHT) != (self.state == 1)  # in state 1 the actions are switched
        self.state = max(self.state + (1 if forward else -1), 0)
        return 0, -1.0, self.state == GOAL, False, {}
