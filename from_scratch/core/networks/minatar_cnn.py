"""What sees MinAtar's games."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from from_scratch.core.addresses import saved


@saved
class MinAtarCNN(BaseFeaturesExtractor):
    """Features of images of 10 × 10 × c bits, c layers of them (Young & Tian 2019, arXiv:1903.03176): 16 filters of 3 × 3, then `features_dim` units.

    Images [M, height, width, c] → [M, features_dim]. ValueError for observations of another form.
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 128):
        super().__init__(observation_space, features_dim)
        if not isinstance(observation_space, spaces.Box) or len(observation_space.shape) != 3 or min(observation_space.shape[:2]) < 3:
            raise ValueError(f"MinAtarCNN sees images, height × width × layers, of 3 × 3 at least; these observations are {observation_space}.")
        height, width, c = observation_space.shape
        n = 16 * (height - 2) * (width - 2)
        self.layers = nn.Sequential(nn.Conv2d(c, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(n, features_dim), nn.ReLU())

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.layers(obs.permute(0, 3, 1, 2))
