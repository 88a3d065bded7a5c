"""Steps as they are played: an environment that remembers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from from_scratch.core.data import tree_map
from from_scratch.core.datasets.dataset import BadDataset, Dataset

PARTS = ("observations", "actions", "rewards", "next_observations", "terminations", "truncations")


class Recorder(gym.Wrapper):
    """An environment that remembers every step that is played in it, whoever plays: `recorder.dataset(name)` are all of them so far.

    An episode that is left before its end, by a reset or because the recording stops, counts as cut there.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.steps: list[tuple[Any, ...]] = []
        self.seen: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._cut()
        obs, info = self.env.reset(seed=seed, options=options)
        self.seen = tree_map(np.array, obs)
        return obs, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        next_seen = tree_map(np.array, obs)
        self.steps.append((self.seen, np.array(action), float(reward), next_seen, bool(terminated), bool(truncated)))
        self.seen = next_seen
        return obs, reward, terminated, truncated, info

    def _cut(self) -> None:
        if self.steps and not any(self.steps[-1][4:]):
            self.steps[-1] = (*self.steps[-1][:5], True)

    def dataset(self, name: str = "unnamed", facts: Mapping[str, Any] | None = None) -> Dataset:
        """What was played so far."""
        if not self.steps:
            raise BadDataset(f"Data set {name!r}: nothing has been played yet.")
        self._cut()
        columns = dict(zip(PARTS, zip(*self.steps, strict=True), strict=True))
        parts: dict[str, Any] = {part: np.array(columns[part]) for part in ("rewards", "terminations", "truncations")}
        action_space, observation_space = self.action_space, self.observation_space
        parts["actions"] = np.stack(columns["actions"]).astype(action_space.dtype)
        for part in ("observations", "next_observations"):
            first = columns[part][0]
            parts[part] = {key: np.stack([x[key] for x in columns[part]]) for key in first} if isinstance(first, dict) else np.stack(columns[part])
        return Dataset(**parts, observation_space=observation_space, action_space=action_space, name=name, facts=facts or {})


def record(env: gym.Env, act: Callable[[Any], Any], n_steps: int, seed: int = 0, name: str = "unnamed", facts: Mapping[str, Any] | None = None) -> Dataset:
    """n_steps of `act`, obs → action, in this environment: the last episode is cut where they are played. seed: of its first reset."""
    recorder = Recorder(env)
    obs, _ = recorder.reset(seed=seed)
    for _ in range(n_steps):
        obs, _, terminated, truncated, _ = recorder.step(act(obs))
        if terminated or truncated:
            obs, _ = recorder.reset()
    return recorder.dataset(name, facts)
