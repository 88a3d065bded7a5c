"""Small MDPs on which linear methods diverge when they learn from another policy's steps (Sutton & Barto 2018, §11.2)."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP

DASHED, SOLID = 0, 1


class Baird(FiniteMDP):
    """Baird's counterexample (Baird 1995; S&B Figure 11.1): seven states, no reward, no end; γ = 0.99.

    The dashed action leads to one of the states 0 … 5, all alike, the solid one to state 6. The target policy always takes the solid
    action, the behaviour policy takes it once in seven times, so that it is in all states equally often. With these features every value
    is wᵀx for w = 0, and semi-gradient methods diverge all the same.
    """

    gamma = 0.99
    features = np.vstack([np.hstack([2 * np.eye(6), np.zeros((6, 1)), np.ones((6, 1))]), [[0, 0, 0, 0, 0, 0, 1, 2]]])  # [7, 8]
    first_weights = np.array([1.0, 1, 1, 1, 1, 1, 10, 1])
    pi = np.array([0.0, 1.0])
    behaviour = np.array([6 / 7, 1 / 7])

    def __init__(self, render_mode: str | None = None):
        dashed, solid = [(1 / 6, s, 0.0, False) for s in range(6)], [(1.0, 6, 0.0, False)]
        super().__init__([[dashed, solid]] * 7, np.full(7, 1 / 7), render_mode=render_mode)


class WToTwoW(FiniteMDP):
    """Tsitsiklis and Van Roy's counterexample (1996; S&B Example 11.1): state 0 leads to state 1, which stays, and ends with probability `end`.

    No reward; the features are 1 and 2. The w that fits the one-step values best is (6 − 4 end) γ / 5 times the w they were computed with:
    for γ > 5 / (6 − 4 end) dynamic programming with the best fit at every step diverges.
    """

    features = np.array([[1.0], [2.0]])

    def __init__(self, end: float = 0.1, render_mode: str | None = None):
        if not 0 < end <= 1:
            raise ValueError(f"end={end}: a probability above 0.")
        on = [(1 - end, 1, 0.0, False)] if end < 1 else []
        super().__init__([[[(1.0, 1, 0.0, False)]], [[*on, (end, 1, 0.0, True)]]], render_mode=render_mode)
