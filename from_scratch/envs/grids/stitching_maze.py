"""A maze whose goal is reached by two demonstrations joined (the idea of D4RL's AntMaze and Maze2D: Fu et al. 2020, arXiv:2004.07219, "stitching")."""

from __future__ import annotations

from itertools import pairwise

from from_scratch.envs.grids.gridworld import DOWN, LEFT, RIGHT, UP, GridWorld

STITCHING_MAZE = [
    "########G######",
    "########.######",
    "p.S.....+.....E",
    "########.######",
    "########A######",
]


class StitchingMaze(GridWorld):
    """From S a small prize (p, 0.3) lies near, on the left; the goal (G, 1) lies far, behind the crossing (+); the corridor on the right ends with nothing (E).

    All three end the episode, nothing else pays. `starts="A"` begins below the crossing. Best from S: 8 steps to the goal, worth γ⁷; the prize is worth 0.3 γ.

    Its demonstrations (`maze/stitching-v0`) begin in S and take the prize or, at the crossing, go on to nothing; or they begin in A and turn to the goal at the
    crossing, which is a fifth of those that come by. No episode leads from S to G. Who values the crossing as the demonstrators did on average takes the
    prize; who values it by the best that was done there goes to the goal.
    """

    def __init__(self, starts: str = "S", prize: float = 0.3, render_mode: str | None = None):
        if starts not in ("S", "A"):
            raise ValueError(f"starts={starts!r}: an episode begins in 'S' or in 'A'.")
        super().__init__(desc=STITCHING_MAZE, rewards={"p": prize}, terminal="GpE", starts=starts, render_mode=render_mode)

    def way(self, cells: str) -> list[int]:
        """The actions of the straight way through these letters: "S+G" from the start over the crossing to the goal."""
        actions: list[int] = []
        places = [divmod(self.letters.index(letter), self.shape[1]) for letter in cells]
        for (row, column), (row_next, column_next) in pairwise(places):
            actions += [DOWN if row_next > row else UP] * abs(row_next - row) + [RIGHT if column_next > column else LEFT] * abs(column_next - column)
        return actions
