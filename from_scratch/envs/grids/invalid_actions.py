"""A grid most of whose actions are invalid wherever one is: for masks, and for penalties in their place (Huang & Ontañón 2022, arXiv:2006.14171)."""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome
from from_scratch.envs.grids.gridworld import ARROWS, GridWorld


class InvalidActionGrid(FiniteMDP):
    """`size` × `size` cells from one corner to the opposite one, which pays 1 and is the end; 4 + `n_invalid` actions, of which 4 are valid in each cell.

    Actions come in blocks of four, up, down, left and right, and in a cell of row i and column j the block (i + j) mod (number of blocks) is the valid one.
    Any other action leaves everything as it is and costs `penalty`: 0 ignores invalid actions, more penalises them. `action_masks()` says which are valid
    now, as SB3-Contrib's maskable classes ask for it; who heeds it plays in the same grid whatever n_invalid is. `info["is_success"]`: is the goal reached?
    """

    def __init__(self, n_invalid: int = 12, size: int = 6, penalty: float = 0.0, slip: float = 0.0, render_mode: str | None = None):
        if n_invalid < 0 or n_invalid % 4:
            raise ValueError(f"n_invalid={n_invalid}: invalid actions come in blocks of 4, so give 0, 4, 8, 12, …")
        if size < 2:
            raise ValueError(f"size={size}: a start and a goal need a grid of at least 2 × 2 cells.")
        if penalty < 0:
            raise ValueError(f"penalty={penalty}: what an invalid action costs is 0 or more.")
        self.n_invalid, self.size, self.penalty = n_invalid, size, penalty
        desc = ["S" + "." * (size - 1), *["." * size] * (size - 2), "." * (size - 1) + "G"]
        self.plain = GridWorld(desc=desc, slip=slip)
        blocks = 1 + n_invalid // 4
        row, column = np.divmod(np.arange(size**2), size)
        self.masks = np.arange(4 * blocks) // 4 == ((row + column) % blocks)[:, None]  # [n_states, n_actions]
        self.ways = ARROWS * blocks
        super().__init__([[self.outcomes(s, a) for a in range(4 * blocks)] for s in range(size**2)], desc=desc, render_mode=render_mode)

    def outcomes(self, s: int, a: int) -> list[Outcome]:
        """What may happen: the row P[s][a]."""
        is_goal = s == self.size**2 - 1
        return self.plain.P[s][a % 4] if self.masks[s, a] or is_goal else [(1.0, s, -self.penalty, False)]

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        s_next, reward, terminated, truncated, _ = super().step(action)
        return s_next, reward, terminated, truncated, {"is_success": terminated}

    def action_masks(self) -> np.ndarray:
        """Which actions are valid in this cell, [n_actions]."""
        return self.masks[self.s].copy()
