"""Tables of a grid's states as maps of the grid, in text: a number or an arrow for each cell.

A grid is an environment with `desc`, its map as lines of text, whose cells are the states in rows. What its actions do is said by `ways`, a
character for each action, such as "↑↓←→". Gymnasium's FrozenLake and CliffWalking are known by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

UNLEARNT = "·"  # a state whose entries are what they were before learning
GYMNASIUMS = {"FrozenLakeEnv": "←↓→↑", "CliffWalkingEnv": "↑→↓←"}


class Grid(NamedTuple):
    """A map: its lines, what each action does (empty: unknown), and in which cells [n_states] nobody acts (walls, and ends of an episode)."""

    lines: list[str]
    ways: str
    closed: np.ndarray

    @property
    def letters(self) -> str:
        return "".join(self.lines)


def grid_of(env: Any) -> Grid | None:
    """The map of an unwrapped environment; None if it is no grid."""
    kind = type(env).__name__
    lines, table = getattr(env, "desc", None), getattr(env, "P", None)
    if kind == "CliffWalkingEnv":
        lines = _cliff_map(env)
        return Grid(lines, GYMNASIUMS[kind], np.array([letter in "CG" for letter in "".join(lines)]))
    if lines is None or table is None or len(lines) == 0:
        return None
    lines = ["".join(letter.decode() if isinstance(letter, bytes) else str(letter) for letter in line) for line in lines]
    if len({len(line) for line in lines}) > 1 or len("".join(lines)) != len(table):
        return None
    ends = [all(s_next == s and end for a in range(len(table[s])) for _, s_next, _, end in table[s][a]) for s in range(len(table))]
    closed = [end or letter == "#" for end, letter in zip(ends, "".join(lines), strict=True)]
    ways = getattr(env, "ways", "") or GYMNASIUMS.get(kind, "")
    return Grid(lines, ways if len(ways) == len(table[0]) else "", np.array(closed))


def _cliff_map(env: Any) -> list[str]:
    cells = np.where(np.asarray(env._cliff), "C", ".")
    cells[-1, 0], cells[-1, -1] = "S", "G"
    return ["".join(row) for row in cells]


def numbers(grid: Grid, values: np.ndarray, learnt: np.ndarray, decimals: int = 2) -> str:
    """values [n_states] as a map of numbers; letters where nobody acts, UNLEARNT where nothing was learnt."""
    cells = [letter if closed else f"{round(value, decimals) + 0.0:.{decimals}f}" if known else UNLEARNT
             for letter, closed, value, known in zip(grid.letters, grid.closed, values.tolist(), learnt, strict=True)]  # fmt: skip
    width, columns = max(map(len, cells)), len(grid.lines[0])
    return "\n".join("  ".join(cell.rjust(width) for cell in cells[i : i + columns]).rstrip() for i in range(0, len(cells), columns))


def best_actions(table: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """The first best action of each state, [n_states], by a table [n_states, n_actions]; −1 where nothing was learnt, or all actions are equally good."""
    equal = (table == table[:, :1]).all(-1) if table.shape[1] > 1 else np.zeros(len(table), bool)
    return np.where(learnt & ~equal, table.argmax(-1), -1)


def arrows(grid: Grid, actions: np.ndarray) -> str:
    """actions [n_states] as a map of arrows; letters where nobody acts, UNLEARNT for −1."""
    cells = [letter if closed else grid.ways[a] if a >= 0 else UNLEARNT for letter, closed, a in zip(grid.letters, grid.closed, actions, strict=True)]
    columns = len(grid.lines[0])
    return "\n".join("".join(cells[i : i + columns]) for i in range(0, len(cells), columns))
