"""Catch, as bsuite has it (Osband et al. 2020, arXiv:1908.03568; the game is Mnih et al.'s, 2014, arXiv:1406.6247)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Catch(gym.Env):
    """A ball falls from a random column of the top row, a row at each step; a paddle in the bottom row goes left, stays or goes right (actions 0, 1, 2).

    The observation is the board, [rows, columns]: 1 where the ball and the paddle are, 0 elsewhere. When the ball is in the bottom row the episode ends, after
    rows − 1 steps, with +1 if the paddle is there and −1 if not; other rewards are 0. The paddle begins in the middle and stops at the walls.

    Whoever plays best catches every ball where columns // 2 < rows, as in bsuite's 10 × 5: a return of 1. Chance has about −0.6 there.
    """

    metadata = {"render_modes": ["ansi"]}

    def __init__(self, rows: int = 10, columns: int = 5, render_mode: str | None = None):
        for name, value, least in (("rows", rows, 2), ("columns", columns, 1)):
            if value < least:
                raise ValueError(f"{name}={value}: it is at least {least}.")
        self.rows, self.columns, self.render_mode = rows, columns, render_mode
        self.observation_space = spaces.Box(0, 1, (rows, columns), np.float32)
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.ball, self.paddle, self.row = int(self.np_random.integers(self.columns)), self.columns // 2, 0
        return self._board(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.paddle = min(max(self.paddle + int(action) - 1, 0), self.columns - 1)
        self.row += 1
        ended = self.row == self.rows - 1
        return self._board(), (1.0 if self.paddle == self.ball else -1.0) if ended else 0.0, ended, False, {}

    def _board(self) -> np.ndarray:
        board = np.zeros((self.rows, self.columns), np.float32)
        board[self.row, self.ball] = board[-1, self.paddle] = 1
        return board

    def render(self) -> str | None:
        """The board as text: o for the ball, = for the paddle."""
        if self.render_mode != "ansi":
            return None
        lines = [["."] * self.columns for _ in range(self.rows)]
        lines[-1][self.paddle] = "="
        lines[self.row][self.ball] = "o"
        return "\n".join(map("".join, lines))
