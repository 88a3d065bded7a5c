"""Environments of one kind stepped together as arrays, with one random stream per environment: Gymnasium's numbers at a fraction of the time.

    model = QLearning("TabularPolicy", vectorised("CliffWalking-v1"), seeds=range(1000))  # one block of 1000 lanes
    venv = make_vector_env("CartPole-v1", 8)

They are ordinary SB3 VecEnvs, and nothing uses them unasked. Their lanes equal `DummyVecEnv([lambda: Monitor(gym.make(id))] * n)` bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv, Continuous_MountainCarEnv, MountainCarEnv, PendulumEnv

from from_scratch.envs.vector.classic_control import Acrobot, CartPole, MountainCar, MountainCarContinuous, Pendulum
from from_scratch.envs.vector.lanes import LaneVecEnv
from from_scratch.envs.vector.native import EnvPoolVecEnv, GymnasiumVecEnv, make_envpool, make_gymnasium
from from_scratch.envs.vector.table import Table

__all__ = [
    "Acrobot", "CartPole", "EnvPoolVecEnv", "GymnasiumVecEnv", "LaneVecEnv", "MountainCar", "MountainCarContinuous", "Pendulum", "Table", "make_envpool",
    "make_gymnasium", "make_vector_env", "vectorised",
]  # fmt: skip

CLASSIC_CONTROL: dict[type, type[LaneVecEnv]] = {
    AcrobotEnv: Acrobot,
    CartPoleEnv: CartPole,
    Continuous_MountainCarEnv: MountainCarContinuous,
    MountainCarEnv: MountainCar,
    PendulumEnv: Pendulum,
}


def make_vector_env(env: str | Callable[[], gym.Env], n_envs: int, **kwargs: Any) -> LaneVecEnv:
    """n_envs lanes of Gymnasium's CartPole, Pendulum, MountainCar (both) or Acrobot, of any environment with a transition table `P`, or of one
    whose class names its vectorised form as `lanes` (a LaneVecEnv).

    `env` is an id, to which `kwargs` are passed as by gym.make, or a factory of one environment, from which spaces, constants and the
    time limit are read. ValueError for any other environment, for one that draws, and for wrappers that change what happens.
    """
    if not isinstance(env, str) and kwargs:
        raise ValueError(f"{', '.join(kwargs)}: arguments go with an id; a factory makes its environment with its own.")
    single = gym.make(env, **kwargs) if isinstance(env, str) else env()
    own = getattr(single.unwrapped, "lanes", None) or CLASSIC_CONTROL.get(type(single.unwrapped))
    vectorised = own or (Table if hasattr(single.unwrapped, "P") else None)
    if vectorised is None:
        known = ", ".join(sorted(kind.__name__ for kind in CLASSIC_CONTROL.values()))
        raise ValueError(f"{single} has no vectorised form; there is one of {known} and of environments with a transition table P. Use SB3's make_vec_env.")
    return vectorised(single, n_envs)


class vectorised:
    """The environment argument of an algorithm whose environments shall all be lanes of one `make_vector_env(env, ...)`, for all its seeds."""

    def __init__(self, env: str | Callable[[], gym.Env], **kwargs: Any):
        self.env, self.kwargs = env, kwargs

    def block_of(self, n_lanes: int) -> LaneVecEnv:
        return make_vector_env(self.env, n_lanes, **self.kwargs)

    def __call__(self) -> LaneVecEnv:
        return self.block_of(1)
