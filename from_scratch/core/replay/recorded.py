"""A data set as a memory: every seed draws its own batches from the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.data import SuccessiveTransition, Transition, tree_map
from from_scratch.core.datasets import BadDataset, Dataset
from from_scratch.core.rng import Rng


class Recorded:
    """The steps of a data set, held once, in the types and the scale in which networks are given them: continuous actions in [−1, 1]."""

    def __init__(self, data: Dataset, rng: Rng, device: torch.device, scaled: Any = lambda actions: actions, seen: Any = lambda obs: obs):
        """scaled: actions as networks are given them; seen: observations likewise, normalised if the model does so."""
        self.data, self.rng, self.device, self.size = data, rng, device, len(data)
        see = lambda obs: tree_map(self._wide, seen(obs))
        self.obs, self.next_obs = see(data.observations), see(data.next_observations)
        self.action = self._wide(scaled(data.actions)) if isinstance(data.action_space, spaces.Box) else self._wide(data.actions)
        self.reward, self.alive = data.rewards.astype(np.float32), 1 - data.terminations.astype(np.float32)

    @staticmethod
    def _wide(x: np.ndarray) -> np.ndarray:
        """At least [N, 1], as SB3's buffers keep it, and never in double precision."""
        x = x[:, None] if x.ndim == 1 else x
        return np.ascontiguousarray(x, np.float32 if x.dtype == np.float64 else x.dtype)

    def sample(self, size: int, gamma: float) -> Transition:
        """A batch of `size` of every seed, each drawn from the seed's own stream, all steps alike."""
        return self.at(self.rng.randint(self.size, size), gamma)

    def at(self, i: np.ndarray, gamma: float) -> Transition:
        """The steps i [S, M]."""
        part = lambda name: tree_map(self.tensor, self.read(name, i))
        return Transition(part("obs"), part("action"), part("reward"), part("next_obs"), self.tensor(self.read("alive", i) * np.float32(gamma)))

    def read(self, name: str, i: np.ndarray) -> Any:
        """What stands under this name at the steps i, [S, M, ...]."""
        return tree_map(lambda array: array.take(i, 0), getattr(self, name))

    def tensor(self, x: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(x, device=self.device)


class RecordedPairs(Recorded):
    """The same for who asks what was done next, too. The last step of an episode that was cut is not drawn: nobody has seen what would have followed."""

    def __init__(self, data: Dataset, *args: Any, **more: Any):
        super().__init__(data, *args, **more)
        self.followed = np.flatnonzero(data.terminations | ~data.truncations)
        if not len(self.followed):
            raise BadDataset(f"Data set {data.name!r}: every episode is one step that was cut, so that no step says what was done next.")

    def sample(self, size: int, gamma: float) -> SuccessiveTransition:
        i = self.followed.take(self.rng.randint(len(self.followed), size))
        next_action = self.tensor(self.read("action", np.minimum(i + 1, self.size - 1)))
        return SuccessiveTransition(**vars(self.at(i, gamma)), next_action=next_action)
