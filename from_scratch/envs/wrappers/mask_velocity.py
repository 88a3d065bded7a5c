"""Positions without velocities: what moves is to be told from what was seen before. The Zoo's way to make classic control partially observable."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.classic_control import CartPoleEnv, PendulumEnv

# Class of the environment: which numbers of its observation are velocities.
VELOCITIES = {
    "CartPoleEnv": (1, 3),
    "MountainCarEnv": (1,),
    "Continuous_MountainCarEnv": (1,),
    "PendulumEnv": (2,),
    "AcrobotEnv": (4, 5),
    "LunarLander": (2, 3, 5),
}


class MaskVelocity(gym.ObservationWrapper):
    """Puts 0 in the place of every velocity; the space stays what it is, as in the Zoo's MaskVelocityWrapper.

    ValueError for an environment of which it is not known where its velocities are.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)
        found = [VELOCITIES[kind.__name__] for kind in type(env.unwrapped).__mro__ if kind.__name__ in VELOCITIES]
        if not found:
            raise ValueError(f"MaskVelocity does not know the velocities of {env.unwrapped}; it knows those of {', '.join(VELOCITIES)}.")
        space = env.observation_space
        assert isinstance(space, spaces.Box)
        self.mask = np.ones(space.shape, space.dtype)
        self.mask[list(found[0])] = 0

    def observation(self, observation: np.ndarray) -> np.ndarray:
        return observation * self.mask


class CartPoleNoVel(MaskVelocity):
    """CartPole of which position and angle are seen alone; registered with CartPole-v1's limit of 500 steps."""

    metadata = CartPoleEnv.metadata

    def __init__(self, render_mode: str | None = None, **kwargs: Any):
        super().__init__(CartPoleEnv(render_mode=render_mode, **kwargs))


class PendulumNoVel(MaskVelocity):
    """The pendulum of which cosine and sine of the angle are seen alone; registered with Pendulum-v1's limit of 200 steps."""

    metadata = PendulumEnv.metadata

    def __init__(self, render_mode: str | None = None, **kwargs: Any):
        super().__init__(PendulumEnv(render_mode=render_mode, **kwargs))
