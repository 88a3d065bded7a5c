"""The windy gridworld (Sutton & Barto 2018, Example 6.5 and exercises 6.9, 6.10)."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)  # how many rows a step from each column is blown up
ROWS, COLUMNS, START, GOAL = 7, len(WIND), (3, 0), (3, 7)
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0))  # up, down, left, right, the diagonals, staying
WAYS = "↑↓←→↖↗↙↘○"


class WindyGridworld(FiniteMDP):
    """7 × 10 cells numbered in rows; every step costs 1 until the goal, and the wind of the column that it leaves blows it upwards.

    Actions: up, down, left, right; with n_actions=8 the king's moves, with 9 also to stay. `stochastic` wind is, where there is any, as
    often one weaker or one stronger as it is itself. The shortest ways: 15 steps, with the king's moves 7.
    """

    def __init__(self, n_actions: int = 4, stochastic: bool = False, render_mode: str | None = None):
        if n_actions not in (4, 8, 9):
            raise ValueError(f"n_actions={n_actions}: 4 moves, the king's 8, or 9 with staying where one is.")
        self.stochastic, self.ways = stochastic, WAYS[:n_actions]
        table = [[self.outcomes(row, column, a) for a in range(n_actions)] for row in range(ROWS) for column in range(COLUMNS)]
        desc = ["".join({START: "S", GOAL: "G"}.get((row, column), ".") for column in range(COLUMNS)) for row in range(ROWS)]
        start = [float(divmod(s, COLUMNS) == START) for s in range(ROWS * COLUMNS)]
        super().__init__(table, start, desc, render_mode)

    def outcomes(self, row: int, column: int, a: int) -> list[Outcome]:
        """What may happen: the row P[s][a]."""
        if (row, column) == GOAL:
            return [(1.0, row * COLUMNS + column, 0.0, True)]
        blown = [WIND[column] + more for more in (-1, 0, 1)] if self.stochastic and WIND[column] else [WIND[column]]
        return [(1 / len(blown), *self.land(row + MOVES[a][0] - up, column + MOVES[a][1])) for up in blown]

    def land(self, row: int, column: int) -> tuple[int, float, bool]:
        """(s', reward, terminated) of a step there, or to the nearest cell of the grid."""
        row, column = min(max(row, 0), ROWS - 1), min(max(column, 0), COLUMNS - 1)
        return row * COLUMNS + column, -1.0, (row, column) == GOAL
