"""Which actions are valid now: what an environment's `action_masks()` says, as SB3-Contrib's maskable classes ask for it.

A mask has a 1 for each action that may be chosen and a 0 for each other one; MultiDiscrete's components lie one behind the other, and each coin of a
MultiBinary has two actions (`core.distributions.choices`). SB3-Contrib's ActionMasker gives an environment such a method.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from from_scratch.core.vec_env import LockstepVecEnv

METHOD = "action_masks"


def has_masks(env: VecEnv) -> bool:
    """Do its environments say which actions are valid?"""
    return env.has_attr(METHOD)


def masks_of(env: VecEnv) -> np.ndarray:
    """What is valid in every lane now, [S·E, n]."""
    lanes = env._lanes if isinstance(env, LockstepVecEnv) and env.serial else env.envs if isinstance(env, DummyVecEnv) else None
    return np.stack(env.env_method(METHOD) if lanes is None else [lane.get_wrapper_attr(METHOD)() for lane in lanes])


def heeds_masks(model: Any) -> bool:
    """Does its predict() take masks?"""
    return METHOD in inspect.signature(model.predict).parameters


def told(model: Any, env: VecEnv) -> dict[str, np.ndarray]:
    """What predict() is given beside observations where both sides know of masks."""
    return {METHOD: masks_of(env)} if heeds_masks(model) and has_masks(env) else {}
