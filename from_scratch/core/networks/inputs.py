"""What networks are given: observations of all seeds, and those of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.lockstep import Array, Unknown, in_own_memory


def is_single(network: nn.Module) -> bool:
    """Are its parameters on one device and in single precision?"""
    parameters = list(network.parameters())
    return all(p.dtype == torch.float32 and p.device == parameters[0].device for p in parameters)


def sees_flat_vectors(network: Any) -> bool:
    """Is a network of SB3's given the observation itself, flattened and no more, in single precision?"""
    flat = type(getattr(network, "features_extractor", None) or network.q_net.features_extractor) is FlattenExtractor
    box = isinstance(network.observation_space, spaces.Box) and not (network.normalize_images and network.observation_space.dtype == np.uint8)
    return flat and box and is_single(network)


def flat(obs: Any) -> Any:
    """[S, M, ...] → [S, M, n] in single precision."""
    if isinstance(obs, Array):
        return obs.flat()
    if isinstance(obs, np.ndarray):
        return obs.reshape(*obs.shape[:2], -1).astype(np.float32, copy=False)
    return obs.flatten(2).float()


def one(obs: Any, k: int, device: torch.device) -> Any:
    """Seed k's observations [M, ...] as tensors of its own."""
    if isinstance(obs, Array):
        raise Unknown("modules take tensors")
    return tree_map(lambda x: in_own_memory(torch.as_tensor(x[k], device=device)), obs)
