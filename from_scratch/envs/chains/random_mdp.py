"""Random MDPs (Sutton & Barto 2018, §8.6): what a planner meets where nothing is arranged for it."""

from __future__ import annotations

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP


class RandomMDP(FiniteMDP):
    """From each state each action leads to one of `branching` states, equally likely, drawn for it from all states; each of these transitions
    has a reward of its own from N(0, 1). With probability `p_end` the episode ends instead, for nothing. It begins in state 0.

    The same `task_seed` gives the same MDP.
    """

    def __init__(
        self, n_states: int = 1000, branching: int = 3, n_actions: int = 2, p_end: float = 0.1, task_seed: int = 0, render_mode: str | None = None
    ):
        if min(n_states, branching, n_actions) < 1 or not 0 < p_end <= 1:
            raise ValueError(
                f"n_states={n_states}, branching={branching}, n_actions={n_actions}, p_end={p_end}: at least 1 of each, and episodes that end (0 < p_end ≤ 1)."
            )
        rng = np.random.default_rng(task_seed)
        shape = (n_states, n_actions, branching)
        s_next, r = rng.integers(n_states, size=shape).tolist(), rng.standard_normal(shape).tolist()
        p = (1 - p_end) / branching
        P = [
            [[*((p, s_k, r_k, False) for s_k, r_k in zip(s_next[s][a], r[s][a], strict=True)), (p_end, s, 0.0, True)] for a in range(n_actions)]
            for s in range(n_states)
        ]
        super().__init__(P, render_mode=render_mode)
