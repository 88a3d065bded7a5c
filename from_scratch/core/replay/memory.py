"""Replay memories: SB3's buffer objects as containers, one per seed, read and written for all seeds at once.

`Replay` goes through the buffers' own `add` and `sample`, whatever their class (n-step, Dict, HER, a user's).
`PackedReplay` serves SB3's plain ReplayBuffer on flat float observations: the buffers' arrays are views into one block of rows, a
row per transition, so that a batch of every seed is one gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from from_scratch.core.data import Transition, tree_map
from from_scratch.core.rng import Rng
from from_scratch.core.watch import replaced


class Replay:
    """The replay memories of S seeds."""

    def __init__(self, buffers: Sequence[ReplayBuffer], rng: Rng, gamma: float, normalizers: Sequence[Any]):
        self.buffers, self.rng, self.gamma, self.normalizers = list(buffers), rng, gamma, list(normalizers)

    def add(self, obs: Any, next_obs: Any, action: np.ndarray, reward: np.ndarray, done: np.ndarray, infos: list[dict]) -> None:
        """Store one step of every lane; next_obs is the true successor, also where the episode ended."""
        lanes = len(reward) // len(self.buffers)
        for k, buffer in enumerate(self.buffers):
            mine = slice(k * lanes, (k + 1) * lanes)
            take = lambda x, mine=mine: x[mine]
            buffer.add(tree_map(take, obs), tree_map(take, next_obs), action[mine], reward[mine], done[mine], infos[mine])

    def sample(self, size: int, gamma: float | None = None) -> Transition:
        """`size` transitions of every seed, drawn from its stream in SB3's order; discounted with this γ, or with that of the beginning."""
        gamma = self.gamma if gamma is None else gamma
        batches = []
        for buffer, stream, normalizer in zip(self.buffers, self.rng.streams, self.normalizers, strict=True):
            with stream.as_process():
                batches.append(buffer.sample(size, env=normalizer))

        def stack(name: str) -> Any:
            first = getattr(batches[0], name)
            if isinstance(first, dict):
                return {key: torch.stack([getattr(b, name)[key] for b in batches]) for key in first}
            return torch.stack([getattr(b, name) for b in batches])

        discount = gamma if getattr(batches[0], "discounts", None) is None else stack("discounts").squeeze(-1)
        alive = 1 - stack("dones").squeeze(-1)  # SB3's dones leave out time limits
        return Transition(stack("observations"), stack("actions"), stack("rewards").squeeze(-1), stack("next_observations"), alive * discount)

    def is_bound(self, buffers: Sequence[ReplayBuffer]) -> bool:
        """Are these still the buffers that we read and write?"""
        return len(self.buffers) == len(buffers) and all(mine is theirs for mine, theirs in zip(self.buffers, buffers, strict=True))


    def is_asked(self) -> bool:
        """Do the buffers' own methods what is done here, or are they called?"""
        return True


class PackedReplay(Replay):
    """Rows [size, S, E, s ‖ s' ‖ r ‖ done ‖ timeout] in single precision, and the actions in their own type."""

    names = ("observations", "next_observations", "rewards", "dones", "timeouts", "actions")  # the buffers' arrays, views of ours

    def __init__(self, buffers: Sequence[ReplayBuffer], rng: Rng, gamma: float, normalizers: Sequence[Any]):
        super().__init__(buffers, rng, gamma, normalizers)
        first, S = buffers[0], len(buffers)
        self.size, self.E, self.n = first.buffer_size, first.n_envs, first.obs_shape[0]
        self.block = np.zeros((self.size, S, self.E, 2 * self.n + 3), np.float32)
        self.actions = np.zeros((self.size, S, *first.actions.shape[1:]), first.actions.dtype)
        self._bound = [self._views(k) for k in range(S)]
        for k, buffer in enumerate(buffers):
            self._bind(buffer, k)
        self._rows, self._action_rows = self.block.reshape(-1, 2 * self.n + 3), self.actions.reshape(-1, *first.actions.shape[2:])
        self._lane0 = np.arange(S)[:, None] * self.E  # a seed's first lane

    @staticmethod
    def can_serve(buffer: ReplayBuffer, normalizers: Sequence[Any]) -> bool:
        flat = isinstance(buffer.observation_space, spaces.Box) and buffer.observation_space.dtype == np.float32 and len(buffer.obs_shape) == 1
        plain = type(buffer) is ReplayBuffer and replaced(buffer) is None and not buffer.optimize_memory_usage
        return plain and flat and buffer.device.type == "cpu" and not any(normalizers)

    def is_asked(self) -> bool:
        return not any(map(replaced, self.buffers))

    def _views(self, k: int) -> dict[str, np.ndarray]:
        mine, n = self.block[:, k], self.n
        return {
            "observations": mine[..., :n],
            "next_observations": mine[..., n : 2 * n],
            "rewards": mine[..., 2 * n],
            "dones": mine[..., 2 * n + 1],
            "timeouts": mine[..., 2 * n + 2],
            "actions": self.actions[:, k],
        }

    def _bind(self, buffer: ReplayBuffer, k: int) -> None:
        """Move what the buffer holds into our block, and give it views."""
        kept = buffer.size()
        for name, view in self._bound[k].items():
            if kept:
                view[:kept] = getattr(buffer, name)[:kept]
            setattr(buffer, name, view)

    def is_bound(self, buffers: Sequence[ReplayBuffer]) -> bool:
        """Nor has an array been exchanged, or one seed's memory been filled or emptied by itself."""
        first = buffers[0]
        return super().is_bound(buffers) and all(
            type(buffer) is ReplayBuffer
            and all(vars(buffer)[name] is view for name, view in bound.items())
            and (buffer.pos, buffer.full) == (first.pos, first.full)
            for buffer, bound in zip(buffers, self._bound, strict=True)
        )

    def add(self, obs: Any, next_obs: Any, action: np.ndarray, reward: np.ndarray, done: np.ndarray, infos: list[dict]) -> None:
        t, n, S = self.buffers[0].pos, self.n, len(self.buffers)
        row = self.block[t].reshape(S * self.E, -1)
        row[:, :n], row[:, n : 2 * n] = obs.reshape(len(row), -1), next_obs.reshape(len(row), -1)
        row[:, -3], row[:, -2], row[:, -1] = reward, done, 0
        if self.buffers[0].handle_timeout_termination:
            for lane in done.nonzero()[0].tolist():
                row[lane, -1] = infos[lane].get("TimeLimit.truncated", False)
        self.actions[t] = action.reshape(self.actions[t].shape)
        for buffer in self.buffers:
            buffer.pos, buffer.full = (t + 1) % self.size, buffer.full or t + 1 == self.size

    def sample(self, size: int, gamma: float | None = None) -> Transition:
        n, S = self.n, len(self.buffers)
        t = self.rng.randint(self.buffers[0].size(), size)
        e = self.rng.randint(self.E, size)
        index = t * (S * self.E) + self._lane0 + e
        rows, actions = self._rows.take(index, 0), self._action_rows.take(index, 0)  # [S, size, ...]
        done, timeout = rows[..., -2], rows[..., -1]
        discount = (self.gamma if gamma is None else gamma) * (1 - done * (1 - timeout))  # a time limit is not death
        batch = torch.from_numpy(rows)
        return Transition(batch[..., :n], torch.from_numpy(actions), batch[..., -3], batch[..., n : 2 * n], torch.from_numpy(discount))


def replay(buffers: Sequence[ReplayBuffer], rng: Rng, gamma: float, normalizers: Sequence[Any]) -> Replay:
    """The fastest way that these buffers allow."""
    first = buffers[0]
    alike = all((buffer.full, buffer.pos, buffer.buffer_size) == (first.full, first.pos, first.buffer_size) for buffer in buffers)
    kind = PackedReplay if alike and all(PackedReplay.can_serve(buffer, normalizers) for buffer in buffers) else Replay
    return kind(buffers, rng, gamma, normalizers)
