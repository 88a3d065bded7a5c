"""What stands between an environment and a policy's networks, as one module: VecNormalize, VecFrameStack and VecTransposeImage, with their own rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecFrameStack, VecNormalize, VecTransposeImage
from torch import nn


@dataclass
class Pipeline:
    """Between the environment and the model: the space of what the environment says, and the wrappers of Stable-Baselines3 that are to be in the file."""

    space: spaces.Space  # of one observation of the environment
    model_space: spaces.Space  # of one that the model is given
    normaliser: VecNormalize | None = None
    frames: int | None = None
    normalises_frames: bool = True  # is each frame normalised, or the stack of them?

    def wrapped(self, venv: VecEnv) -> VecEnv:
        """The wrappers themselves around an environment, for playing: statistics stay as they are."""
        wrappers = [self._normalised, self._stacked]
        for wrap in wrappers if self.normalises_frames else reversed(wrappers):
            venv = wrap(venv)
        return VecTransposeImage(venv) if self.is_turned else venv

    def _normalised(self, venv: VecEnv) -> VecEnv:
        if self.normaliser is None:
            return venv
        own = self.normaliser
        keys = own.norm_obs_keys if isinstance(venv.observation_space, spaces.Dict) else None
        wrapped = VecNormalize(venv, False, own.norm_obs, False, own.clip_obs, own.clip_reward, own.gamma, own.epsilon, keys)
        if own.norm_obs:
            wrapped.obs_rms = own.obs_rms
        return wrapped

    def _stacked(self, venv: VecEnv) -> VecEnv:
        return VecFrameStack(venv, self.frames) if self.frames else venv

    @property
    def is_turned(self) -> bool:
        """Are the axes of images put in another order for the model?"""
        return any(_turned(raw, seen) for raw, seen in zip(leaves(self.space).values(), leaves(self.model_space).values(), strict=True))


def _turned(raw: spaces.Space, seen: spaces.Space) -> bool:
    return (
        isinstance(raw, spaces.Box) and len(raw.shape) == 3 and is_image_space(raw) and not is_image_space_channels_first(raw)
        and is_image_space(seen) and is_image_space_channels_first(seen)
    )  # fmt: skip


def leaves(space: spaces.Space) -> dict[str | None, Any]:
    """The spaces of a Dict by key; of any other space itself, under None."""
    return dict(space.spaces) if isinstance(space, spaces.Dict) else {None: space}


def chain(venv: Any) -> list[VecEnvWrapper]:
    """The wrappers around a vector environment, from the inside to the outside."""
    found: list[VecEnvWrapper] = []
    while isinstance(venv, VecEnvWrapper):
        found.insert(0, venv)
        venv = venv.venv
    return found


def innermost(venv: Any) -> Any:
    while isinstance(venv, VecEnvWrapper):
        venv = venv.venv
    return venv


# --------------------------------------------------------------------------------------------------------------------- as modules
class Normalised(nn.Module):
    """clip((x − μ) / √(σ² + ε)), computed in double precision and rounded to single, as VecNormalize does."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, rms: Any, normaliser: VecNormalize):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(np.asarray(rms.mean, np.float64)))
        self.register_buffer("std", torch.as_tensor(np.sqrt(np.asarray(rms.var, np.float64) + normaliser.epsilon)))
        self.most = float(normaliser.clip_obs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x.double() - self.mean) / self.std).clamp(-self.most, self.most).float()


class Standardised(nn.Module):
    """(x − μ) / scale, as a learner from data sees its states."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, mean: np.ndarray, scale: np.ndarray):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean))
        self.register_buffer("scale", torch.as_tensor(scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x.double() - self.mean) / self.scale).float()


class Eye(nn.Module):
    """One part of an observation on its way to the networks, and the frames that it remembers, if it does: (x, frames, starts) → (seen, frames)."""

    def __init__(self, raw: spaces.Space, seen: spaces.Space, pipeline: Pipeline, key: str | None):
        super().__init__()
        normaliser = pipeline.normaliser
        self.normalise: nn.Module | None = None
        if normaliser is not None and normaliser.norm_obs:
            rms = normaliser.obs_rms.get(key) if isinstance(normaliser.obs_rms, dict) else normaliser.obs_rms
            self.normalise = None if rms is None else Normalised(rms, normaliser)
        self.first = pipeline.normalises_frames
        self.turned = _turned(raw, seen)
        self.state_shape: tuple[int, ...] | None = None
        if pipeline.frames:
            assert isinstance(raw, spaces.Box)
            self.axis = 1 if is_image_space(raw) and is_image_space_channels_first(raw) else len(raw.shape)
            shape = list(raw.shape)
            self.width = shape[self.axis - 1]
            shape[self.axis - 1] *= pipeline.frames
            self.state_shape = tuple(shape)
            normalised_before = self.normalise is not None and self.first
            self.state_dtype = torch.float32 if normalised_before else torch.from_numpy(np.zeros(1, raw.dtype)).dtype

    def forward(self, x: torch.Tensor, frames: torch.Tensor | None, starts: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.normalise is not None and self.first:
            x = self.normalise(x)
        if frames is not None and starts is not None:
            goes_on = torch.logical_not(starts).to(frames.dtype).view(-1, *(1,) * (frames.dim() - 1))
            older = frames.narrow(self.axis, self.width, frames.shape[self.axis] - self.width) * goes_on
            x = frames = torch.cat((older, x.to(frames.dtype)), self.axis)
        if self.normalise is not None and not self.first:
            x = self.normalise(x)
        return (x.permute(0, 3, 1, 2) if self.turned else x), frames
