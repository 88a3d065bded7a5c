"""A data set as windows of successive steps of its episodes: what sequence models learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from from_scratch.core.data import tree_map
from from_scratch.core.replay.recorded import Recorded


@dataclass
class Window:
    """K successive steps of an episode, each field [S, M, K, ...]. Shorter ones stand at the right, and what is left of them is not real."""

    obs: Any
    action: torch.Tensor  # [S, M, K, n], integers of Discrete actions [S, M, K, 1]
    to_go: torch.Tensor  # what the episode returned from this step on, without a discount, [S, M, K]
    t: torch.Tensor  # steps since the episode began, [S, M, K]
    real: torch.Tensor  # 1, and 0 in front of a window's first step, [S, M, K]


class Windows(Recorded):
    """Windows of at most `length` steps, from each step on alike, to the end of its episode at most."""

    def __init__(self, *args: Any, length: int):
        super().__init__(*args)
        data, of = self.data, self.data.episode_of
        self.length, self.end, self.t = length, data.ends[of], np.arange(self.size) - data.starts[of]
        total = np.cumsum(data.rewards, dtype=np.float64)
        self.to_go = (total[self.end] - total + data.rewards).astype(np.float32)

    def sample(self, size: int, gamma: float) -> Window:  # type: ignore[override]
        """`size` windows of every seed, each drawn from the seed's own stream."""
        return self.window(self.rng.randint(self.size, size))

    def window(self, first: np.ndarray) -> Window:
        """The windows that begin with the steps first [S, M]."""
        n = np.minimum(self.length, self.end[first] - first + 1)
        i = first[..., None] + np.arange(self.length) - (self.length - n)[..., None]
        real = i >= first[..., None]
        i = np.where(real, i, first[..., None])
        obs, action, to_go, t = (tree_map(self.tensor, self.read(name, i)) for name in ("obs", "action", "to_go", "t"))
        return Window(obs, action, to_go, t, self.tensor(real.astype(np.float32)))
