"""DeepSea (Osband et al. 2019, arXiv:1703.07608; in bsuite, arXiv:1908.03568)."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome


class DeepSea(FiniteMDP):
    """A dive through n rows of n cells from the upper left: each step goes one row down, and to the left or to the right.

    Right costs 0.01 / n, left nothing; going right in the lower right corner pays 1 besides. Each episode has n steps. Which action is right
    is drawn for every cell anew from `map_seed` (None: action 1 everywhere), so that no action is good in itself. Only the policy that goes right
    every time finds the treasure: undirected exploration takes about 2ⁿ episodes. Best return: 0.99.
    """

    def __init__(self, n: int = 10, map_seed: int | None = 0, render_mode: str | None = None):
        if n < 1:
            raise ValueError(f"n={n}: the sea has at least one row.")
        self.n = n
        self.right = np.ones((n, n), dtype=int) if map_seed is None else np.random.default_rng(map_seed).integers(2, size=(n, n))  # the action
        table = [[self._outcome(*divmod(s, n), a) for a in range(2)] for s in range(n * n)]
        super().__init__(table, desc=["S" + "." * (n - 1), *["." * n] * (n - 2), "." * (n - 1) + "G"] if n > 1 else ["G"], render_mode=render_mode)

    def _outcome(self, row: int, column: int, a: int) -> list[Outcome]:
        goes_right, last = a == self.right[row, column], row == self.n - 1
        reward = -0.01 / self.n * goes_right + float(goes_right and last and column == self.n - 1)
        column = min(column + 1, self.n - 1) if goes_right else max(column - 1, 0)
        return [(1.0, min(row + 1, self.n - 1) * self.n + column, float(reward), last)]
