"""The corridor, in which most actions do nothing (after Wang et al. 2016, arXiv:1511.06581, section 4.1)."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome
from from_scratch.envs.grids.gridworld import DOWN, LEFT, RIGHT, UP

MOVES = {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}


class Corridor(FiniteMDP):
    """A vertical corridor, a horizontal one and another vertical one: up from the lower left, along, and up to the goal on the upper right, which pays 1.

    `n_actions` of which the first four are up, down, left and right; all others, and steps against a wall, change nothing. `height` and `width` are in
    cells. Episodes begin in the lower left corner, or with `anywhere` in any cell, each as likely.
    """

    def __init__(self, n_actions: int = 5, height: int = 5, width: int = 12, anywhere: bool = False, render_mode: str | None = None):
        if n_actions < 4 or height < 2 or width < 2:
            raise ValueError(f"n_actions={n_actions}, height={height}, width={width}: there are at least 4 actions, and both corridors have 2 cells.")
        upper = [(row, width - 1) for row in range(height)]
        middle = [(height - 1, column) for column in range(width)]
        lower = [(height - 1 + row, 0) for row in range(height)]
        cells = list(dict.fromkeys([*upper, *middle, *lower]))
        number = {cell: s for s, cell in enumerate(cells)}
        goal = number[0, width - 1]

        def outcome(cell: tuple[int, int], action: int) -> list[Outcome]:
            if number[cell] == goal:
                return [(1.0, goal, 0.0, True)]
            row, column = MOVES.get(action, (0, 0))
            s_next = number.get((cell[0] + row, cell[1] + column), number[cell])
            return [(1.0, s_next, float(s_next == goal), s_next == goal)]

        self.cells = cells
        start = np.zeros(len(cells))
        if anywhere:
            start[:] = 1 / (len(cells) - 1)
            start[goal] = 0.0
        else:
            start[number[2 * height - 2, 0]] = 1.0
        super().__init__([[outcome(cell, a) for a in range(n_actions)] for cell in cells], start, render_mode=render_mode)
        self.desc = ["".join("G" if cell == 0 else "." for cell in range(len(cells)))]
