"""A small environment with any observation and action space, for comparing two implementations on it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.core.distributions import choices


class AnySpaces(gym.Env):
    """A vector x of four numbers that decays, is pushed by the action and shaken a little; the reward is −|x|².

    What is observed of x, and how it is pushed, follows from the spaces, so that one environment serves every combination of them.
    Episodes terminate where |x| exceeds 2 and are truncated after `horizon` steps: both ends of an episode occur.
    """

    metadata = {"render_modes": []}

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space, horizon: int = 20):
        self.observation_space, self.action_space, self.horizon = observation_space, action_space, horizon
        self.push = _fixed((4, len(self._as_vector(action_space.sample()))))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.x, self.steps = self.np_random.normal(0, 0.7, 4), 0
        return observe(self.observation_space, self.x), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.x = 0.95 * self.x + 0.3 * self.push @ self._as_vector(action) + 0.1 * self.np_random.normal(size=4)
        self.steps += 1
        died = bool(np.linalg.norm(self.x) > 2)
        cut = not died and self.steps >= self.horizon
        info = {"is_success": cut} if died or cut else {}
        return observe(self.observation_space, self.x), float(-np.sum(self.x**2)), died, cut, info

    def _as_vector(self, action: Any) -> np.ndarray:
        """The action as numbers in [−1, 1]."""
        space = self.action_space
        if isinstance(space, spaces.Discrete):
            return np.array([2 * (action - space.start) / (space.n - 1) - 1], float)
        if isinstance(space, spaces.MultiDiscrete):
            return 2 * np.ravel(action) / (np.ravel(space.nvec) - 1) - 1
        if isinstance(space, spaces.MultiBinary):
            return 2 * np.ravel(action).astype(float) - 1
        assert isinstance(space, spaces.Box)
        return np.ravel(2 * (action - space.low) / (space.high - space.low) - 1)


class MaskedSpaces(AnySpaces):
    """The same, where some actions are invalid: which ones follows from x, and each component of an action keeps one at least."""

    def action_masks(self) -> np.ndarray:
        masks = []
        for part, n in enumerate(choices(self.action_space)):
            score = np.sin(20 * (part + 1) * np.arange(1, n + 1) * self.x.sum())
            masks.append((score > 0) | (score == score.max()))
        return np.concatenate(masks)


def _fixed(shape: tuple[int, int]) -> np.ndarray:
    """Rows of length 1 that are the same in every process."""
    w = np.random.RandomState(0).normal(size=shape)
    return w / np.linalg.norm(w, axis=-1, keepdims=True)


def observe(space: spaces.Space, x: np.ndarray) -> Any:
    """x as an element of an observation space."""
    if isinstance(space, spaces.Dict):
        return {key: observe(part, x * (1 + i)) for i, (key, part) in enumerate(space.spaces.items())}
    if isinstance(space, spaces.Box):
        seen = np.tanh(_fixed((min(int(np.prod(space.shape)), 12), 4)) @ x)
        if space.dtype == np.uint8:
            seen = np.round(4 * seen) / 4  # few levels: an action that differs by an ulp should not flip one
        seen = np.resize(seen, space.shape)
        bounded = np.isfinite(space.low).all() and np.isfinite(space.high).all()
        return (space.low + (space.high.astype(float) - space.low) * (seen + 1) / 2 if bounded else seen).astype(space.dtype)
    bins = np.tanh(x) / 2 + 0.5
    if isinstance(space, spaces.Discrete):
        return int(space.start + min(int(bins[0] * space.n), space.n - 1))
    if isinstance(space, spaces.MultiDiscrete):
        return np.minimum((np.resize(bins, space.shape) * space.nvec).astype(space.dtype), space.nvec - 1).astype(space.dtype)
    assert space.shape is not None
    return (np.resize(x, space.shape) > 0).astype(space.dtype)
