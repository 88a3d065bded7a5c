"""The mazes of Sutton & Barto 2018, chapter 8: one that stays as it is, in any resolution, and two whose walls change during the run.

    Dyna maze (Figure 8.2)    blocking maze (Figure 8.4)              shortcut maze (Figure 8.5)
    .......#G                 ........G           ........G           ........G           ........G
    ..#....#.                 .........           .........           .........           .........
    S.#....#.                 .........           .........           .........           .........
    ..#......                 ########.           .########           .########           .#######.
    .....#...                 .........           .........           .........           .........
    .........                 ...S.....   later   ...S.....           ...S.....   later   ...S.....

The goal pays 1 and ends the episode, every other step pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from from_scratch.envs.chains.finite import Outcome
from from_scratch.envs.grids.gridworld import GridWorld
from from_scratch.envs.vector.table import Table

DYNA_MAZE = [".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", "........."]
_ABOVE, _BELOW = ["........G", ".........", "........."], [".........", "...S....."]
BLOCKING_MAZE = [[*_ABOVE, wall, *_BELOW] for wall in ("########.", ".########")]  # before and after
SHORTCUT_MAZE = [[*_ABOVE, wall, *_BELOW] for wall in (".########", ".#######.")]


def refined(desc: Sequence[str], rows: int, columns: int) -> list[str]:
    """The same map with every cell as rows × columns cells. It keeps one start: the upper left of those that it would have."""
    lines = ["".join(letter * columns for letter in line) for line in desc for _ in range(rows)]
    first = "".join(lines).index("S")
    text = "".join("S" if i == first else letter.replace("S", ".") for i, letter in enumerate("".join(lines)))
    return [text[i : i + len(lines[0])] for i in range(0, len(text), len(lines[0]))]


class DynaMaze(GridWorld):
    """6 × 9 cells, 47 of them free, 14 steps from the start to the goal; `rows` and `columns` make every cell so many (Example 8.4)."""

    def __init__(self, rows: int = 1, columns: int = 1, render_mode: str | None = None):
        if rows < 1 or columns < 1:
            raise ValueError(f"rows={rows}, columns={columns}: a cell becomes at least 1 × 1 of them.")
        super().__init__(desc=refined(DYNA_MAZE, rows, columns), render_mode=render_mode)


class _Floor(GridWorld):
    """A GridWorld whose walls can be walked out of: where one is built on the agent, it is not lost."""

    def outcomes(self, s: int, a: int) -> list[Outcome]:
        return super().outcomes(s, a) if self.letters[s] in self.terminal else [(1.0, *self.move(s, a))]


class _Lanes(Table):
    """Lanes that step together, so that one clock serves them all."""

    tables = ("cumulated", "probability", "r", "s_next", "terminated")

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        maze: ChangingMaze = self.scalar
        self.clock, self.phases = 0, [(begin, Table(grid, 1)) for begin, grid in zip(maze.begins, maze.grids, strict=True)]

    def reset(self) -> np.ndarray:
        if any(seed is not None for seed in self._seeds):
            self.clock = 0
        return super().reset()

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for begin, table in self.phases:
            if self.clock == begin:
                for name in self.tables:
                    setattr(self, name, getattr(table, name))
        self.clock += 1
        return super().advance(actions)


class ChangingMaze(_Floor):
    """`maps` one after another: the k-th of them from the time step `begins[k]` on. Time goes on from episode to episode; a reset with
    a seed begins it anew. `P` is the table of the present map."""

    lanes = _Lanes

    def __init__(self, maps: Sequence[Sequence[str]] = BLOCKING_MAZE, begins: Sequence[int] = (0, 1000), render_mode: str | None = None):
        if len(maps) != len(begins) or list(begins) != sorted(set(begins)) or begins[0] != 0:
            raise ValueError(f"begins={list(begins)} for {len(maps)} maps: one time step for each map, rising, the first of them 0.")
        if len({(len(desc), len(desc[0])) for desc in maps}) > 1:
            raise ValueError(f"The maps of a changing maze are equally large; these are {[f'{len(desc)} × {len(desc[0])}' for desc in maps]}.")
        super().__init__(desc=maps[0], render_mode=render_mode)
        self.grids, self.begins, self.clock = [_Floor(desc=desc) for desc in maps], list(begins), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        if seed is not None:
            self.clock = 0
        self._build()
        return super().reset(seed=seed, options=options)

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._build()
        self.clock += 1
        return super().step(action)

    def _build(self) -> None:
        """Put up the walls of this time step."""
        grid = self.grids[np.searchsorted(self.begins, self.clock, side="right") - 1]
        self.desc, self.letters, self.P = grid.desc, grid.letters, grid.P


class BlockingMaze(ChangingMaze):
    """After 1000 steps the way on the right is closed, and a longer one on the left opens: 10 steps to the goal, then 16."""

    def __init__(self, change_at: int = 1000, render_mode: str | None = None):
        super().__init__(BLOCKING_MAZE, (0, change_at), render_mode)


class ShortcutMaze(ChangingMaze):
    """After 3000 steps a shorter way opens on the right, and the old one stays: 16 steps to the goal, then also 10."""

    def __init__(self, change_at: int = 3000, render_mode: str | None = None):
        super().__init__(SHORTCUT_MAZE, (0, change_at), render_mode)
