"""A data set: the steps of whole episodes, in the order in which they were played, with how each of them ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.data import tree_map


class BadDataset(ValueError):
    """Raised for a data set that is not one, or not of these spaces; the message is one line."""


@dataclass(frozen=True)
class Dataset:
    """N steps (s, a, r, s') of whole episodes, one after the other.

    observations, next_observations [N, ...] (or dicts of such), actions [N, ...] as the environment takes them, rewards [N]; terminations [N] say after
    which steps there was nothing more to come, truncations [N] where an episode was cut: by a time limit, or because the recording stopped.
    next_observations are true successors, also at an episode's end. `facts` is what is known of where it comes from.

    BadDataset says in one line what does not fit: lengths, shapes, numbers that are none, actions outside their space, a last step that is no end.
    """

    observations: Any
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: Any
    terminations: np.ndarray
    truncations: np.ndarray
    observation_space: spaces.Space
    action_space: spaces.Space
    name: str = "unnamed"
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        n = len(self.rewards)
        if n == 0:
            raise BadDataset(f"Data set {self.name!r} holds no step.")
        for part in ("rewards", "terminations", "truncations"):
            if np.shape(getattr(self, part)) != (n,):
                raise BadDataset(f"Data set {self.name!r}: {part} has the shape {np.shape(getattr(self, part))}, but there are {n} steps: ({n},) is needed.")
        self._check("actions", self.actions, self.action_space)
        self._check("observations", self.observations, self.observation_space)
        self._check("next_observations", self.next_observations, self.observation_space)
        if not np.isfinite(self.rewards).all():
            raise BadDataset(f"Data set {self.name!r}: rewards holds {np.sum(~np.isfinite(self.rewards))} numbers that are not finite.")
        if not (self.terminations[-1] or self.truncations[-1]):
            raise BadDataset(f"Data set {self.name!r}: its last step ends no episode. Set truncations[-1] if the recording stopped there.")
        self._check_actions()

    def _check(self, part: str, array: Any, space: spaces.Space) -> None:
        n = len(self.rewards)
        if isinstance(space, spaces.Dict):
            if not isinstance(array, dict) or array.keys() != space.spaces.keys():
                raise BadDataset(f"Data set {self.name!r}: {part} must be a dict with the keys {sorted(space.spaces)}.")
            for key, inner in space.spaces.items():
                self._check(f"{part}[{key!r}]", array[key], inner)
            return
        if space.shape is None:
            raise BadDataset(f"Data set {self.name!r}: {part} are of {space}, and only one array of them can be held.")
        if np.shape(array) != (n, *space.shape):
            raise BadDataset(f"Data set {self.name!r}: {part} has the shape {np.shape(array)}, but {(n, *space.shape)} is needed for {n} steps of {space}.")
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise BadDataset(f"Data set {self.name!r}: {part} holds {np.sum(~np.isfinite(array))} numbers that are not finite.")

    def _check_actions(self) -> None:
        space, a = self.action_space, self.actions
        if isinstance(space, spaces.Box):
            slack = 1e-5 * np.maximum(1, np.abs(np.where(np.isfinite(space.high), space.high, 1)))
            outside = ((a < space.low - slack) | (a > space.high + slack)).reshape(len(a), -1).any(1)
        elif isinstance(space, spaces.Discrete):
            outside = (a < space.start) | (a >= space.start + space.n)
        else:
            return
        if outside.any():
            i = int(outside.argmax())
            raise BadDataset(f"Data set {self.name!r}: {outside.sum()} actions lie outside {space}, the first of them {a[i]} at step {i}.")

    def __len__(self) -> int:
        return len(self.rewards)

    # ------------------------------------------------------------------------------------------------------------------- episodes
    @cached_property
    def ends(self) -> np.ndarray:
        """The last step of each episode, [episodes]."""
        return np.flatnonzero(self.terminations | self.truncations)

    @cached_property
    def starts(self) -> np.ndarray:
        """The first step of each episode, [episodes]."""
        return np.concatenate(([0], self.ends[:-1] + 1))

    @property
    def n_episodes(self) -> int:
        return len(self.ends)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Steps of each episode, [episodes]."""
        return self.ends - self.starts + 1

    @cached_property
    def returns(self) -> np.ndarray:
        """The sum of rewards of each episode, [episodes]."""
        return np.add.reduceat(self.rewards.astype(np.float64), self.starts)

    @cached_property
    def episode_of(self) -> np.ndarray:
        """Which episode each step belongs to, [N]."""
        return np.repeat(np.arange(self.n_episodes), self.lengths)

    def episodes(self) -> Iterator[slice]:
        """The steps of each episode."""
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield slice(start, end + 1)

    # -------------------------------------------------------------------------------------------------------------- other data sets
    def of_episodes(self, which: Sequence[int] | np.ndarray, name: str | None = None) -> Dataset:
        """These episodes alone, in this order."""
        steps = np.concatenate([np.arange(self.starts[i], self.ends[i] + 1) for i in which]) if len(which) else np.zeros(0, int)
        parts = ("observations", "actions", "rewards", "next_observations", "terminations", "truncations")
        taken = {part: tree_map(lambda x: x[steps], getattr(self, part)) for part in parts}
        return replace(self, **taken, name=name or self.name)

    def best(self, fraction: float) -> Dataset:
        """The episodes with the highest returns that hold at most this fraction of the steps, and at least one episode; in the order of recording.

        It is counted in steps, as CORL's "10 % BC" does, not in episodes.
        """
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction={fraction}: give a number above 0 and up to 1.")
        order = np.argsort(-self.returns, kind="stable")
        enough = np.cumsum(self.lengths[order]) <= fraction * len(self)
        return self.of_episodes(np.sort(order[: max(1, int(enough.sum()))]), f"{self.name}, best {fraction:.0%}")

    def with_rewards(self, scale: float = 1.0, shift: float = 0.0) -> Dataset:
        """The same with rewards scale·r + shift."""
        return replace(self, rewards=(scale * self.rewards + shift).astype(self.rewards.dtype), name=f"{self.name}, rewards × {scale:g} + {shift:g}")

    def __add__(self, other: Dataset) -> Dataset:
        """Both, one behind the other."""
        if (self.observation_space, self.action_space) != (other.observation_space, other.action_space):
            raise BadDataset(f"{self.name!r} and {other.name!r} are of different spaces.")
        parts = ("actions", "rewards", "terminations", "truncations")
        joined = {part: np.concatenate((getattr(self, part), getattr(other, part))) for part in parts}
        for part in ("observations", "next_observations"):
            x, y = getattr(self, part), getattr(other, part)
            joined[part] = {key: np.concatenate((x[key], y[key])) for key in x} if isinstance(x, dict) else np.concatenate((x, y))
        return replace(self, **joined, name=f"{self.name} + {other.name}")

    def save(self, path: str | Path) -> Path:
        """Write it: a folder in Minari's form, with a manifest, or one small file if the path ends with .npz. `as_dataset(path)` reads both.

        It is there whole or not at all. FileExistsError if something is there already; BadDataset if its steps are no whole episodes.
        """
        from from_scratch.core.datasets import places

        return places.write(self, Path(path))

    @cached_property
    def hash(self) -> str:
        """SHA-256 over its arrays in little-endian order, with their names, types and shapes: two data sets with the same steps have the same."""
        sum = hashlib.sha256()
        for part in ("observations", "actions", "rewards", "next_observations", "terminations", "truncations"):
            value = getattr(self, part)
            for key, array in sorted(value.items()) if isinstance(value, dict) else [("", value)]:
                array = np.ascontiguousarray(array)
                sum.update(f"{part} {key} {array.dtype.str[1:]} {array.shape}".encode())
                sum.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return sum.hexdigest()
