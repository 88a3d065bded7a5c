"""Finite MDPs given by their transition table, and small ones whose answers are known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

Outcome = tuple[float, int, float, bool]  # probability, s', reward, terminated


PIXELS = 32  # of a cell's side
COLOURS = {"#": (64, 64, 64), "S": (222, 235, 247), "G": (161, 217, 155), "X": (49, 49, 70), ".": (247, 247, 247)}
OTHER, LINE, AGENT = (253, 224, 162), (200, 200, 200), (213, 94, 0)


class FiniteMDP(gym.Env):
    """An environment that plays a table in Gymnasium's form, P[s][a] = [(probability, s', reward, terminated), …].

    Observations are the states, numbered from 0. Episodes begin in state 0 unless `start` [n_states] gives other probabilities.
    It is drawn as cells, one for each state: `desc` gives them letters and rows, lines of text; without it they stand in one line.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(
        self,
        P: Sequence[Sequence[Sequence[Outcome]]],
        start: Sequence[float] | None = None,
        desc: Sequence[str] | None = None,
        render_mode: str | None = None,
    ):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode='{render_mode}': {type(self).__name__} is drawn as 'ansi' or 'rgb_array'.")
        self.P = {s: {a: list(outcomes) for a, outcomes in enumerate(row)} for s, row in enumerate(P)}
        self.observation_space, self.action_space = spaces.Discrete(len(P)), spaces.Discrete(len(P[0]))
        self.initial_state_distrib = (np.arange(len(P)) == 0).astype(float) if start is None else np.asarray(start, dtype=float)
        self.desc, self.render_mode = ["." * len(P)] if desc is None else list(desc), render_mode
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

    def render(self) -> str | np.ndarray | None:
        """The cells with the agent in one: text, where the agent is @, or pixels [rows · 32, columns · 32, 3]. None without a render_mode."""
        if self.render_mode == "ansi":
            return as_text(self.desc, self.s)
        return as_pixels(self.desc, self.s) if self.render_mode == "rgb_array" else None


def draws_nothing(env: gym.Env, render_mode: str | None) -> None:
    """Refuse any render_mode: for environments that have nothing to show. A TypeError, after which SB3 tries again without one."""
    if render_mode is not None:
        raise TypeError(f"render_mode='{render_mode}': {type(env).__name__} draws no pictures, there is nothing to see. Leave render_mode out.")


def as_text(desc: Sequence[str], agent: int) -> str:
    letters, columns = "".join(desc), len(desc[0])
    letters = letters[:agent] + "@" + letters[agent + 1 :]
    return "".join(letters[i : i + columns] + "\n" for i in range(0, len(letters), columns))


def as_pixels(desc: Sequence[str], agent: int) -> np.ndarray:
    cells = np.array([[COLOURS.get(letter, OTHER) for letter in line] for line in desc], dtype=np.uint8)
    image = cells.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
    image[::PIXELS], image[:, ::PIXELS] = LINE, LINE
    row, column = divmod(agent, len(desc[0]))
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    image[(y - (row + 0.5) * PIXELS) ** 2 + (x - (column + 0.5) * PIXELS) ** 2 < (0.32 * PIXELS) ** 2] = AGENT
    return image


def two_by_two_grid(render_mode: str | None = None) -> FiniteMDP:
    """Start 0, corners 1 and 2, goal 3, numbered in rows; actions up, down, left, right; walls stop. The goal pays 1 and ends the episode.

    V*(0) = γ, V*(1) = V*(2) = 1.
    """
    moves = [[0, 2, 0, 1], [1, 3, 0, 1], [0, 2, 2, 3], [3, 3, 3, 3]]
    table = [[[(1.0, s_next, float(s_next == 3 != s), s_next == 3)] for s_next in row] for s, row in enumerate(moves)]
    return FiniteMDP(table, desc=["S.", ".G"], render_mode=render_mode)


def geometric_chain(p: float) -> FiniteMDP:
    """One state and one action: reward 1, and the episode ends with probability p; p = 0 goes on for ever.

    V = 1 / (1 − γ (1 − p)).
    """
    outcomes = [(1 - p, 0, 1.0, False), (p, 0, 1.0, True)]
    return FiniteMDP([[[outcome for outcome in outcomes if outcome[0] > 0]]])
