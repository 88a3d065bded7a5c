"""Environments that are a transition table, n lanes at once: FrozenLake, CliffWalking, Taxi, FiniteMDP and others of Gymnasium's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import gymnasium as gym
import numpy as np

from from_scratch.envs.vector.lanes import LaneVecEnv

BLOCK = 256  # numbers drawn from a lane's stream at once


class Table(LaneVecEnv):
    """Plays `P`, P[s][a] = [(probability, s', reward, terminated), …], with `initial_state_distrib` for the first states.

    Draw by draw Gymnasium's `categorical_sample`: each choice takes one number u in [0, 1) from its lane's stream and the first outcome whose
    cumulated probability exceeds it. Numbers are drawn in blocks (the same ones), so `np_random` is ahead of what has been used.
    """

    of_each_lane = ("s", "used")
    drawn_ahead = ("u",)
    assumed = {"fickle_passenger": False}  # Taxi's passenger changes her mind outside the table

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        if not hasattr(self.scalar, "initial_state_distrib"):
            raise ValueError(f"{self.name} has a table P but no initial_state_distrib [n_states], which says where episodes begin. Give it one.")
        P, start = self.scalar.P, self.scalar.initial_state_distrib
        n_states, n_actions = len(P), len(P[0])
        n_outcomes = max(len(P[s][a]) for s in range(n_states) for a in range(n_actions))
        shape = (n_states, n_actions, n_outcomes)
        self.cumulated = np.zeros(shape)  # 0 behind the last outcome: no u is below it
        self.probability, self.r = np.zeros(shape), np.zeros(shape)
        self.s_next, self.terminated = np.zeros(shape, np.int64), np.zeros(shape, bool)
        for s in range(n_states):
            for a in range(n_actions):
                probability, s_next, r, terminated = zip(*P[s][a], strict=True)
                i = (s, a, slice(len(r)))
                self.probability[i], self.s_next[i], self.r[i], self.terminated[i] = probability, s_next, r, terminated
                self.cumulated[i] = np.cumsum(probability)
        self.start = np.cumsum(start)

        _, info = env.reset(seed=0)
        self.tells_probability = "prob" in info
        self.action_mask = np.array([self.scalar.action_mask(s) for s in range(n_states)]) if "action_mask" in info else None
        self.tells_at_reset = self.tells_probability or self.action_mask is not None
        self.s = np.zeros(n_envs, np.int64)
        self.u, self.used = np.zeros((n_envs, BLOCK)), np.full(n_envs, BLOCK)
        self.lanes = np.arange(n_envs)

    def reseed(self, lane: int, seed: int | None) -> None:
        super().reseed(lane, seed)
        self.used[lane] = BLOCK

    def _next(self, lanes: np.ndarray) -> np.ndarray:
        """The next number u of each of these lanes."""
        for lane in lanes[self.used[lanes] == BLOCK].tolist():
            self.u[lane] = self.streams[lane].random(BLOCK)
            self.used[lane] = 0
        u = self.u[lanes, self.used[lanes]]
        self.used[lanes] += 1
        return u

    def select(self, lanes: Sequence[int]) -> Self:
        other, lanes = super().select(lanes), list(lanes)
        other.u, other.lanes = self.u[lanes].copy(), np.arange(len(lanes))
        return other

    def begin(self, lane: int, options: Mapping[str, Any] | None) -> int:
        return int(self.begin_each(np.array([lane]))[0])

    def begin_each(self, lanes: np.ndarray) -> np.ndarray:
        s = np.searchsorted(self.start, self._next(lanes), side="right")  # the first whose cumulated probability exceeds u
        self.s[lanes] = np.where(s < len(self.start), s, 0)
        return self.s[lanes]

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = self._next(self.lanes)
        i = (self.s, actions, (self.cumulated[self.s, actions] > u[:, None]).argmax(1))
        self.drawn, self.s = i, self.s_next[i]
        return self.r[i], self.terminated[i]

    def observe(self) -> np.ndarray:
        return self.s.astype(self.observation_space.dtype)

    def world(self) -> Any:
        """How a lane moves, compiled."""
        from from_scratch.envs.vector.compiled import table_world

        return table_world(self)

    def state_of(self, lane: int) -> int:
        return int(self.s[lane])

    def step_infos(self) -> list[dict[str, Any]]:
        if not self.tells_probability:
            return super().step_infos()
        infos = [{"prob": probability, "TimeLimit.truncated": False} for probability in self.probability[self.drawn].tolist()]
        if self.action_mask is not None:
            for info, mask in zip(infos, self.action_mask[self.s], strict=True):
                info["action_mask"] = mask
        return infos

    def reset_info(self, lane: int) -> dict[str, Any]:
        info: dict[str, Any] = {"prob": 1.0} if self.tells_probability else {}
        if self.action_mask is not None:
            info["action_mask"] = self.action_mask[self.s[lane]].copy()
        return info
