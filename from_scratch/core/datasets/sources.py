"""What can be given for `dataset=`: a Dataset, a name, a file or a folder, a mapping of arrays, or a replay buffer of Stable-Baselines3's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from from_scratch.core.data import tree_map
from from_scratch.core.datasets import places
from from_scratch.core.datasets.dataset import BadDataset, Dataset

FIELDS = ("observations", "actions", "rewards", "next_observations", "terminations", "truncations")


def as_dataset(source: Any, observation_space: spaces.Space | None = None, action_space: spaces.Space | None = None, time_limit: int | None = None) -> Dataset:
    """The data set that this is. BadDataset in one line for what is none.

    source: a Dataset; a name ("pendulum/medium-v0", of ours or of Minari's); a folder of Minari's, an HDF5 file in D4RL's form or a packed .npz, by its path; a
    mapping of arrays; a ReplayBuffer of Stable-Baselines3's. A mapping and a file of D4RL's have the spaces that are given. Nothing in a file is run.
    time_limit: after how many steps episodes of a file were cut, where it tells that as termination or not at all; 0 if nothing was cut.
    """
    if isinstance(source, Dataset):
        return source
    if isinstance(source, str | Path):
        return places.read(source, observation_space, action_space, time_limit)
    if isinstance(source, ReplayBuffer):
        return _of_buffer(source)
    if isinstance(source, Mapping):
        return _of_mapping(source, observation_space, action_space)
    raise BadDataset(f"A {type(source).__name__} is no data set: give a Dataset, a name or path, a mapping with {', '.join(FIELDS)}, or a ReplayBuffer.")


def _of_mapping(arrays: Mapping[str, Any], observation_space: spaces.Space | None, action_space: spaces.Space | None) -> Dataset:
    missing = [name for name in FIELDS if name not in arrays]
    if missing:
        raise BadDataset(f"The data set lacks {', '.join(missing)}; it has {', '.join(map(str, arrays)) or 'nothing'}.")
    if observation_space is None or action_space is None:
        raise BadDataset("Arrays alone do not say their spaces: give the model an environment, or a pair (observation_space, action_space).")
    parts = {name: tree_map(np.asarray, arrays[name]) for name in FIELDS}
    parts["terminations"], parts["truncations"] = parts["terminations"].astype(bool), parts["truncations"].astype(bool)
    return Dataset(**parts, observation_space=observation_space, action_space=action_space)


def _of_buffer(buffer: ReplayBuffer) -> Dataset:
    """A buffer's steps, environment after environment. Where it stopped in the midst of an episode, the episode is cut there."""
    if buffer.optimize_memory_usage:
        raise BadDataset("A replay buffer with optimize_memory_usage keeps no next observations: record without.")
    n = buffer.size()
    order = (np.arange(n) + (buffer.pos if buffer.full else 0)) % buffer.buffer_size

    def lanes(x: np.ndarray) -> np.ndarray:  # [rows, E, ...] → [E·rows, ...]
        return x[order].swapaxes(0, 1).reshape(-1, *x.shape[2:])

    dones, timeouts = lanes(buffer.dones) != 0, lanes(buffer.timeouts) != 0
    truncations = dones & timeouts
    truncations[n - 1 :: n] |= ~dones[n - 1 :: n]
    actions = lanes(buffer.actions)
    space = buffer.action_space
    if isinstance(space, spaces.Box):
        actions = (space.low + 0.5 * (actions.astype(np.float64) + 1) * (space.high - space.low)).astype(space.dtype)  # it holds them in [−1, 1]
    shape = lambda x, of: x.reshape(len(x), *of.shape)
    seen = []
    for obs in (buffer.observations, buffer.next_observations):
        of: Any = buffer.observation_space
        seen.append({key: shape(lanes(x), of[key]) for key, x in obs.items()} if isinstance(obs, dict) else shape(lanes(obs), of))
    return Dataset(
        observations=seen[0], actions=shape(actions, space), rewards=lanes(buffer.rewards), next_observations=seen[1],
        terminations=dones & ~timeouts, truncations=truncations, observation_space=buffer.observation_space, action_space=space, name="replay buffer",
    )  # fmt: skip
