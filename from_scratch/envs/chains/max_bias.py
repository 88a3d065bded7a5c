"""The MDP that shows maximisation bias (Sutton & Barto 2018, Example 6.7)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

A, B, OVER = 0, 1, 2  # states
RIGHT, LEFT = 0, 1  # actions in A
MEAN, N_REWARDS = -0.1, 200


class MaximisationBias(FiniteMDP):
    """In A, where episodes begin, right ends the episode for nothing and left leads to B for nothing. In B every one of `n_actions` actions
    ends it with a reward from N(−0.1, 1). So left is worth −0.1 and right 0; but the best of several noisy estimates looks better than 0.

    A has two actions only, as `legal_actions` [n_states, n_actions] says; algorithms that do not ask for it find that the others go right.
    A table has finitely many rewards: here the 200 equally likely values (k + ½)/200-quantiles of the normal distribution, scaled to variance 1.
    """

    def __init__(self, n_actions: int = 10, render_mode: str | None = None):
        if n_actions < 2:
            raise ValueError(f"n_actions={n_actions}: A has two actions, so there are at least 2.")
        noise = np.array([NormalDist().inv_cdf((k + 0.5) / N_REWARDS) for k in range(N_REWARDS)])
        noise /= noise.std()
        right: list[Outcome] = [(1.0, OVER, 0.0, True)]
        left: list[Outcome] = [(1.0, B, 0.0, False)]
        pays: list[Outcome] = [(1 / N_REWARDS, OVER, float(MEAN + x), True) for x in noise]
        of_a = [left if a == LEFT else right for a in range(n_actions)]
        super().__init__([of_a, [pays] * n_actions, [right] * n_actions], desc=["SBG"], render_mode=render_mode)
        self.legal_actions = np.ones((3, n_actions), dtype=bool)
        self.legal_actions[A, 2:] = False
