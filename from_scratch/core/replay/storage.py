"""Where transitions lie: SB3's buffer objects as containers, one for each seed, written and read for all seeds at once.

A buffer is a ring of rows, one for each step of a seed's E environments. A place in it is a pair (t, e): row t of environment e; arrays of places are
[S, M, ...], in the order of the seeds. The buffers stay whole: what is pickled, copied or looked at is theirs, under SB3's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

from from_scratch.core.data import tree_map
from from_scratch.core.watch import replaced


def stack(each: Sequence[Any]) -> Any:
    """One array [S, ...] of each seed's, or a dict of them."""
    return {key: np.stack([x[key] for x in each]) for key in each[0]} if isinstance(each[0], dict) else np.stack(each)


class Storage:
    """The buffers' own arrays, read seed after seed, and written by their own `add`."""

    names: tuple[str, ...] = ()  # arrays of the buffers that are ours, and must stay there

    def __init__(self, buffers: Sequence[ReplayBuffer], normalizers: Sequence[Any]):
        self.buffers, self.normalizers = list(buffers), list(normalizers)
        first = self.buffers[0]
        self.S, self.size, self.E, self.device = len(self.buffers), first.buffer_size, first.n_envs, first.device
        self.kept: list[dict[str, np.ndarray]] = [{} for _ in self.buffers]  # what is kept beside SB3's arrays

    @property
    def pos(self) -> int:
        """The row that the next step is written into: if the ring is full, the oldest one."""
        return self.buffers[0].pos

    @property
    def filled(self) -> int:
        """How many rows hold a step."""
        return self.buffers[0].size()

    def age(self, t: np.ndarray) -> np.ndarray:
        """How many rows are older than these."""
        return (t - self.pos) % self.size if self.buffers[0].full else t

    def add(self, obs: Any, next_obs: Any, action: np.ndarray, reward: np.ndarray, done: np.ndarray, infos: list[dict]) -> None:
        """Store one step of every lane; next_obs is the true successor, also where the episode ended."""
        lanes = len(reward) // self.S
        for k, buffer in enumerate(self.buffers):
            mine = slice(k * lanes, (k + 1) * lanes)
            take = lambda x, mine=mine: x[mine]
            buffer.add(tree_map(take, obs), tree_map(take, next_obs), action[mine], reward[mine], done[mine], infos[mine])

    # ------------------------------------------------------------------------------------------------------------------- reading
    def read(self, name: str, t: np.ndarray, e: np.ndarray) -> Any:
        """What a buffer's array of this name holds at the places (t, e) [S, M, ...], as it was stored."""
        each = [tree_map(lambda x, k=k: x[t[k], e[k]], getattr(buffer, name)) for k, buffer in enumerate(self.buffers)]
        return stack(each)

    def obs(self, t: np.ndarray, e: np.ndarray, name: str = "observations") -> Any:
        """s at places [S, M], normalised where the environments are; `name` may be next_observations."""
        if not any(self.normalizers):
            return self.tensor(self.read(name, t, e))
        each = [tree_map(lambda x, k=k: x[t[k], e[k]], getattr(buffer, name)) for k, buffer in enumerate(self.buffers)]
        return self.tensor(stack([ReplayBuffer._normalize_obs(x, env) for x, env in zip(each, self.normalizers, strict=True)]))

    def rewards(self, t: np.ndarray, e: np.ndarray) -> np.ndarray:
        """r at places [S, M, ...], normalised where the environments are."""
        each = self.read("rewards", t, e)
        return stack([ReplayBuffer._normalize_reward(r, env) for r, env in zip(each, self.normalizers, strict=True)]) if any(self.normalizers) else each

    def ends(self, t: np.ndarray, e: np.ndarray) -> np.ndarray:
        """Was it the last step of its episode, by whatever cause, at places [S, M, ...]?"""
        return (self.read("dones", t, e) != 0) | (self.read("timeouts", t, e) != 0)

    def alive(self, t: np.ndarray, e: np.ndarray) -> np.ndarray:
        """1, and 0 where the episode terminated: a time limit is not death."""
        return 1 - self.read("dones", t, e) * (1 - self.read("timeouts", t, e))

    def step(self, t: np.ndarray, e: np.ndarray) -> tuple[Any, torch.Tensor, torch.Tensor, Any, np.ndarray]:
        """(s, a, r, s', alive) at places [S, M]."""
        action, reward = self.tensor(self.read("actions", t, e)), self.tensor(self.rewards(t, e))
        return self.obs(t, e), action, reward, self.obs(t, e, "next_observations"), self.alive(t, e)

    def tensor(self, x: Any) -> Any:
        return tree_map(lambda array: torch.as_tensor(array, device=self.device), x)

    # ------------------------------------------------------------------------------------------------------- what else is kept there
    def keep(self, name: str, shape: tuple[int, ...] = (), dtype: Any = np.float32, whole: tuple[int, ...] | None = None) -> list[np.ndarray]:
        """Every buffer's array of this name, [size, E, *shape] or `whole`: of zeros, if the buffer has none. It is pickled and copied with the buffer."""
        arrays = []
        for buffer, kept in zip(self.buffers, self.kept, strict=True):
            array, wanted = getattr(buffer, name, None), whole or (self.size, self.E, *shape)
            if not isinstance(array, np.ndarray) or array.shape != wanted:
                array = np.zeros(wanted, dtype)
            setattr(buffer, name, array)
            kept[name] = array
            arrays.append(array)
        self.names = (*self.names, name)
        return arrays

    def write(self, name: str, values: np.ndarray) -> None:
        """Into the row that the next step will fill: values [S, E, ...] of what is kept there."""
        for kept, value in zip(self.kept, values, strict=True):
            kept[name][self.pos] = value

    def is_bound(self, buffers: Sequence[ReplayBuffer]) -> bool:
        """Are these still the buffers that we read and write, filled alike, with what is kept in them?"""
        same = len(self.buffers) == len(buffers) and all(mine is theirs for mine, theirs in zip(self.buffers, buffers, strict=True))
        return same and all(vars(buffer).get(name) is array for buffer, kept in zip(buffers, self.kept, strict=True) for name, array in kept.items())


class PackedStorage(Storage):
    """Rows [size, S, E, s ‖ s' ‖ r ‖ done ‖ timeout] in single precision, and the actions in their own type: a step of every seed is one gather.

    The buffers' arrays are views into them.
    """

    names = ("observations", "next_observations", "rewards", "dones", "timeouts", "actions")

    def __init__(self, buffers: Sequence[ReplayBuffer], normalizers: Sequence[Any]):
        super().__init__(buffers, normalizers)
        first, S = buffers[0], self.S
        self.n = first.obs_shape[0]
        self.block = np.zeros((self.size, S, self.E, 2 * self.n + 3), np.float32)
        self.actions = np.zeros((self.size, S, *first.actions.shape[1:]), first.actions.dtype)
        self._views = self._named(self.block, self.actions)
        for k, buffer in enumerate(buffers):
            self._bind(buffer, k)
        self._rows, self._action_rows = self.block.reshape(-1, 2 * self.n + 3), self.actions.reshape(-1, *first.actions.shape[2:])
        self._lane0 = np.arange(S)[:, None] * self.E  # a seed's first lane
        self._seed = np.arange(S)

    @staticmethod
    def can_serve(buffer: ReplayBuffer, normalizers: Sequence[Any]) -> bool:
        flat = isinstance(buffer.observation_space, spaces.Box) and buffer.observation_space.dtype == np.float32 and len(buffer.obs_shape) == 1
        plain = type(buffer) in (ReplayBuffer, NStepReplayBuffer) and replaced(buffer) is None and not buffer.optimize_memory_usage
        return plain and flat and not any(normalizers)

    def _named(self, block: np.ndarray, actions: np.ndarray) -> dict[str, np.ndarray]:
        n = self.n
        return {
            "observations": block[..., :n],
            "next_observations": block[..., n : 2 * n],
            "rewards": block[..., 2 * n],
            "dones": block[..., 2 * n + 1],
            "timeouts": block[..., 2 * n + 2],
            "actions": actions,
        }

    def _bind(self, buffer: ReplayBuffer, k: int) -> None:
        """Move what the buffer holds into our block, and give it views."""
        filled = buffer.size()
        self.kept[k] = self._named(self.block[:, k], self.actions[:, k])
        for name, view in self.kept[k].items():
            if filled:
                view[:filled] = getattr(buffer, name)[:filled]
            setattr(buffer, name, view)

    def is_bound(self, buffers: Sequence[ReplayBuffer]) -> bool:
        """Nor has one seed's memory been filled or emptied by itself."""
        first = buffers[0]
        return super().is_bound(buffers) and all(
            type(buffer) is type(first) and (buffer.pos, buffer.full) == (first.pos, first.full) for buffer in buffers
        )

    def add(self, obs: Any, next_obs: Any, action: np.ndarray, reward: np.ndarray, done: np.ndarray, infos: list[dict]) -> None:
        t, n = self.buffers[0].pos, self.n
        row = self.block[t].reshape(self.S * self.E, -1)
        row[:, :n], row[:, n : 2 * n] = obs.reshape(len(row), -1), next_obs.reshape(len(row), -1)
        row[:, -3], row[:, -2], row[:, -1] = reward, done, 0
        if self.buffers[0].handle_timeout_termination:
            for lane in done.nonzero()[0].tolist():
                row[lane, -1] = infos[lane].get("TimeLimit.truncated", False)
        self.actions[t] = action.reshape(self.actions[t].shape)
        for buffer in self.buffers:
            buffer.pos, buffer.full = (t + 1) % self.size, buffer.full or t + 1 == self.size

    def read(self, name: str, t: np.ndarray, e: np.ndarray) -> Any:
        if name not in self._views:
            return super().read(name, t, e)
        s = self._seed.reshape(-1, *(1,) * (t.ndim - 1))
        view = self._views[name]
        return view[t, s, e]

    def step(self, t: np.ndarray, e: np.ndarray) -> tuple[Any, torch.Tensor, torch.Tensor, Any, np.ndarray]:
        index, n = t * (self.S * self.E) + self._lane0 + e, self.n
        rows, actions = self._rows.take(index, 0), self._action_rows.take(index, 0)  # [S, M, ...]
        batch = self.tensor(rows)
        alive = 1 - rows[..., -2] * (1 - rows[..., -1])
        return batch[..., :n], self.tensor(actions), batch[..., -3], batch[..., n : 2 * n], alive
