"""The random walk, on which the book compares predictions (Sutton & Barto 2018, Examples 6.2, 6.3 and 7.1, Figures 7.2 and 12.3 to 12.8)."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

LEFT, RIGHT = 0, 1


class RandomWalk(FiniteMDP):
    """States 1 … n_states in a row, begun in the middle; actions 0 left, 1 right. States 0 and n_states + 1 end the episode.

    Stepping off the left end pays `left`, off the right end `right`, all other steps nothing. The book's two versions: 5 states and a
    reward of 1 on the right; 19 states and −1 on the left, 1 on the right. The uniformly random policy makes the walk.
    """

    def __init__(self, n_states: int = 5, left: float = 0.0, right: float = 1.0, render_mode: str | None = None):
        if n_states < 1 or n_states % 2 == 0:
            raise ValueError(f"n_states={n_states}: a walk that begins in the middle needs an odd number of states.")
        self.left, self.right, last = left, right, n_states + 1

        def outcome(s_next: int) -> list[Outcome]:
            return [(1.0, s_next, {0: float(left), last: float(right)}.get(s_next, 0.0), s_next in (0, last))]

        over = [[(1.0, 0, 0.0, True)]] * 2, [[(1.0, last, 0.0, True)]] * 2
        table = [over[0], *([outcome(s - 1), outcome(s + 1)] for s in range(1, last)), over[1]]
        start = np.eye(n_states + 2)[(n_states + 1) // 2]
        super().__init__(table, start, desc=["X" + "." * n_states + "G"], render_mode=render_mode)

    @property
    def values(self) -> np.ndarray:
        """V of the uniformly random policy at γ = 1, [n_states + 2]: on the straight line from `left` to `right`, and 0 where the walk is over."""
        line = np.linspace(self.left, self.right, len(self.P))
        line[[0, -1]] = 0
        return line
