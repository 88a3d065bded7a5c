"""Tic-tac-toe (Sutton & Barto 2018, §1.5), with what is exactly known of it.

    from_scratch/TicTacToeSelfPlay-v0   every action is a move of the player whose turn it is
    from_scratch/TicTacToe-v0           against an opponent, who begins half of the games: "random", or "minimax" (any of the best moves)

A position is seen by the player to move: cells 0 … 8 in rows, 0 empty, 1 mine, 2 the other's, and its number is Σ cell_i 3^i. An action is the cell
to take. A win pays its player 1, a draw 0; taking a cell that is not empty loses at once, −1. Against an opponent a defeat pays −1.

`afterstates` [n_states, n_actions] are the positions that moves lead to, before the other player's turn, still seen by who moved; −1 for a cell that is
taken. `legal_actions` has the same in short.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.envs.vector.lanes import LaneVecEnv

N_STATES, N_CELLS = 3**9, 9
LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
POWERS = 3 ** np.arange(N_CELLS)

CELLS = np.arange(N_STATES)[:, None] // POWERS % 3  # [n_states, 9]
FULL = (CELLS > 0).all(1)
WON = np.array([(CELLS[:, line] == 1).all(1) for line in LINES]).any(0)  # by the player who sees it
TURNED = (CELLS * 2 % 3) @ POWERS  # the same position seen by the other player: 1 and 2 change places
AFTER = np.where(CELLS == 0, np.arange(N_STATES)[:, None] + POWERS, -1)  # [n_states, 9]


class SelfPlayLanes(LaneVecEnv):
    """n games of self-play at once."""

    of_each_lane = ("s",)
    assumed = {"opponent": None}

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        self.s = np.zeros(n_envs, np.int64)

    def begin(self, lane: int, options: Mapping[str, Any] | None) -> int:
        self.s[lane] = 0
        return 0

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.s, rewards, over = moved(self.s, actions)
        return rewards, over

    def observe(self) -> np.ndarray:
        return self.s.astype(self.observation_space.dtype)

    def state_of(self, lane: int) -> int:
        return int(self.s[lane])


def moved(s: Any, a: Any) -> tuple[Any, Any, Any]:
    """The move a in s: what the other player sees, the mover's reward, and whether the game is over. Numbers, or arrays [n] each."""
    after = AFTER[s, a]
    illegal, won = after < 0, WON[after]
    reward = np.where(illegal, -1.0, np.where(won, 1.0, 0.0))
    return TURNED[np.where(illegal, s, after)], reward, illegal | won | FULL[after]


class TicTacToe(gym.Env):
    metadata: dict[str, Any] = {"render_modes": ["ansi"]}
    lanes: ClassVar[type[LaneVecEnv]] = SelfPlayLanes
    observation_space, action_space = spaces.Discrete(N_STATES), spaces.Discrete(N_CELLS)
    afterstates = AFTER
    legal_actions = (AFTER >= 0) | FULL[:, None]  # where nothing is left to take, nothing follows either

    def __init__(self, opponent: str | None = None, render_mode: str | None = None):
        if opponent not in (None, "random", "minimax"):
            raise ValueError(f'opponent={opponent!r}: "random", "minimax", or None for self-play.')
        self.opponent, self.render_mode = opponent, render_mode
        self.replies = {"random": uniform, "minimax": best_moves}[opponent]() if opponent else None
        self.s = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.s = 0
        if self.replies is not None and self.np_random.random() < 0.5:
            self._reply()
        return self.s, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        reward, over = self._move(int(action))
        if self.replies is not None and not over:
            theirs, over = self._reply()
            reward = -theirs
        return self.s, reward, over, False, {}

    def _move(self, a: int) -> tuple[float, bool]:
        s, reward, over = moved(self.s, a)
        self.s = int(s)
        return float(reward), bool(over)

    def _reply(self) -> tuple[float, bool]:
        """The opponent's move: its reward, and whether the game is over."""
        assert self.replies is not None
        return self._move(int(np.searchsorted(self.replies[self.s].cumsum(), self.np_random.random(), side="right")))

    def render(self) -> str | None:
        """The board in three lines: x is the player to move."""
        return "\n".join("".join(".xo"[cell] for cell in CELLS[self.s, row : row + 3]) for row in (0, 3, 6)) if self.render_mode == "ansi" else None


# ----------------------------------------------------------------------------------------------------------------------- what is exactly known
@cache
def _value(s: int) -> int:
    """What the position is worth to the player to move, if both play best: 1, 0 or −1. The other player has just moved and has not won."""
    return max((_value_of_move(s, a) for a in np.flatnonzero(AFTER[s] >= 0).tolist()), default=0)


def _value_of_move(s: int, a: int) -> int:
    after = int(AFTER[s, a])
    return 1 if WON[after] else 0 if FULL[after] else -_value(int(TURNED[after]))


def _undecided() -> list[int]:
    """The positions with a move to make that a game can reach."""
    found, waiting = {0}, [0]
    while waiting:
        s = waiting.pop()
        for after in AFTER[s][AFTER[s] >= 0].tolist():
            s_next = int(TURNED[after])
            if not WON[after] and not FULL[after] and s_next not in found:
                found.add(s_next)
                waiting.append(s_next)
    return sorted(found)


def uniform() -> np.ndarray:
    """π(a|s) [n_states, n_actions]: every empty cell with the same probability."""
    legal = TicTacToe.legal_actions
    return legal / legal.sum(1, keepdims=True)


@cache
def best_moves() -> np.ndarray:
    """π(a|s) [n_states, n_actions]: every best move, by minimax, with the same probability; any where the game cannot come."""
    pi = uniform()
    for s in _undecided():
        value = np.array([_value_of_move(s, a) if AFTER[s, a] >= 0 else -2 for a in range(N_CELLS)])
        pi[s] = (value == value.max()) / (value == value.max()).sum()
    return pi


def match(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """The probabilities with which the first player wins, draws and loses, of two policies π(a|s) [n_states, n_actions], without sampling."""

    @cache
    def ends(s: int, turn: int) -> tuple[float, float, float]:
        """Of the player to move."""
        won = drawn = lost = 0.0
        for a in np.flatnonzero((first, second)[turn][s]).tolist():
            s_next, reward, over = moved(s, a)
            theirs = (float(reward < 0), float(reward == 0), float(reward > 0)) if over else ends(int(s_next), 1 - turn)
            p = float((first, second)[turn][s, a])
            won, drawn, lost = won + p * theirs[2], drawn + p * theirs[1], lost + p * theirs[0]
        return won, drawn, lost

    return dict(zip(("won", "drawn", "lost"), ends(0, 0), strict=True))
