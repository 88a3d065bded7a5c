"""Finite MDPs given by their transition table, and small ones whose answers are known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

Outcome = tuple[float, int, float, bool]  # probability, s', reward, terminated


class FiniteMDP(gym.Env):
    """An environment that plays a table in Gymnasium's form, P[s][a] = [(probability, s', reward, terminated), …].

    Observations are the states, numbered from 0. Episodes begin in state 0 unless `start` [n_states] gives other probabilities.
    """

    metadata = {"render_modes": []}

    def __init__(self, P: Sequence[Sequence[Sequence[Outcome]]], start: Sequence[float] | None = None):
        self.P = {s: {a: list(outcomes) for a, outcomes in enumerate(row)} for s, row in enumerate(P)}
        self.observation_space, self.action_space = spaces.Discrete(len(P)), spaces.Discrete(len(P[0]))
        self.initial_state_distrib = np.eye(len(P))[0] if start is None else np.asarray(start, dtype=float)
        self.s = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.s = self._draw(self.initial_state_distrib)
        return self.s, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        outcomes = self.P[self.s][int(action)]
        _, self.s, reward, terminated = outcomes[self._draw([outcome[0] for outcome in outcomes])]
        return self.s, reward, terminated, False, {}

    def _draw(self, probabilities: Sequence[float] | np.ndarray) -> int:
        return int(np.searchsorted(np.cumsum(probabilities), self.np_random.random(), side="right"))


def two_by_two_grid() -> FiniteMDP:
    """Start 0, corners 1 and 2, goal 3, numbered in rows; actions up, down, left, right; walls stop. The goal pays 1 and ends the episode.

    V*(0) = γ, V*(1) = V*(2) = 1.
    """
    moves = [[0, 2, 0, 1], [1, 3, 0, 1], [0, 2, 2, 3], [3, 3, 3, 3]]
    return FiniteMDP([[[(1.0, s_next, float(s_next == 3 != s), s_next == 3)] for s_next in row] for s, row in enumerate(moves)])


def geometric_chain(p: float) -> FiniteMDP:
    """One state and one action: reward 1, and the episode ends with probability p; p = 0 goes on for ever.

    V = 1 / (1 − γ (1 − p)).
    """
    outcomes = [(1 - p, 0, 1.0, False), (p, 0, 1.0, True)]
    return FiniteMDP([[[outcome for outcome in outcomes if outcome[0] > 0]]])
