"""Blind Cliffwalk (Schaul et al. 2016, arXiv:1511.05952, Figure 1)."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome


class BlindCliffwalk(FiniteMDP):
    """A ledge of n states: one of two actions goes on, the other falls off and ends the episode. Going on from the last state ends it, too, and pays 1.

    Nothing else pays. Random actions find the reward once in 2ⁿ episodes, whose transitions are nearly all alike, so what is worth learning from is rare in a
    memory. Which action goes on is drawn for every state anew from `map_seed` (None: action 1 everywhere), so that no action is good in itself. With a
    discount γ the right action is worth γ^(n−1−s) in state s, the wrong one 0. Best return: 1.
    """

    def __init__(self, n: int = 10, map_seed: int | None = 0, render_mode: str | None = None):
        if n < 1:
            raise ValueError(f"n={n}: the ledge has at least one state.")
        self.n = n
        self.right = np.ones(n, dtype=int) if map_seed is None else np.random.default_rng(map_seed).integers(2, size=n)  # the action that goes on
        super().__init__([[self._outcome(s, a) for a in range(2)] for s in range(n)], desc=["S" + "." * (n - 2) + "G" * (n > 1)], render_mode=render_mode)

    def _outcome(self, s: int, a: int) -> list[Outcome]:
        goes_on, last = a == self.right[s], s == self.n - 1
        return [(1.0, min(s + 1, self.n - 1) if goes_on else s, float(goes_on and last), bool(last or not goes_on))]
