"""NaN and infinity are refused before they enter the weights, wherever SB3 refuses them: its distributions check their parameters.

DQN, TD3 and DDPG have no distribution. There SB3 trains on with such numbers, and so do we.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces

WAY_OUT = "Wrap the environment in VecCheckNan(env, raise_exception=True) to see where such numbers come from."


FEW = 32  # numbers that Python adds up sooner than NumPy starts


def is_finite(x: np.ndarray) -> bool:
    """Are all numbers finite? Their sum, or the sum of their squares, says yes in a tenth of the time of NumPy's own check, which is asked otherwise."""
    if x.dtype.kind != "f":
        return True
    if x.size <= FEW:
        return math.isfinite(sum(x.ravel().tolist()))
    flat = x.reshape(-1)
    with np.errstate(all="ignore"):
        return math.isfinite(flat.dot(flat)) or bool(np.isfinite(x).all())


def expected(parameter: str, found: str) -> ValueError:
    """The error that SB3's users know from torch's distributions, in one line and with the cause."""
    return ValueError(f"Expected parameter {parameter} of the policy's distribution to be real numbers, but {found}. {WAY_OUT}")


class NotANumber(ValueError):
    """A parameter of the policy's distribution, [S, E, n], is not real for some environment; bad [S, E] says for which."""

    def __init__(self, parameter: str, bad: np.ndarray):
        super().__init__(*expected(parameter, "it is NaN").args)
        self.parameter, self.bad = parameter, bad

    def at(self, model: Any) -> ValueError:
        """The same with where and when: the observation that the model was acting on."""
        k, e = np.argwhere(self.bad)[0].tolist()
        lane = k * model.n_envs + e
        seen = where_not_finite(model._last_obs, lane)
        cause = f"the observation has {seen}" if seen else "the observation is finite, so the weights are not"
        return expected(self.parameter, f"it is NaN in {lane_of(model, lane)} after {model.num_timesteps} steps: {cause}")


def real(parameters: np.ndarray, space: spaces.Space) -> np.ndarray:
    """A distribution's parameters [S, E, n]; NotANumber if one is NaN, or if logits cannot be normalised, as torch's distributions have it."""
    if not is_finite(parameters):
        with np.errstate(all="ignore"):
            x = parameters if isinstance(space, spaces.Box | spaces.MultiBinary) else parameters - np.logaddexp.reduce(parameters, -1, keepdims=True)
        bad = np.isnan(x).any(-1)
        if bad.any():
            raise NotANumber(parameter_of(space), bad)
    return parameters


def parameter_of(space: spaces.Space) -> str:
    """What torch calls the parameter of the distribution over this space that a network puts out."""
    return "loc" if isinstance(space, spaces.Box) else "logits"


def refuse_rewards(model: Any, rewards: np.ndarray) -> None:
    """ValueError if a reward of this step, [S·E], is not finite: for those who learn from it at once, or as a return."""
    if not is_finite(rewards):
        lane = int((~np.isfinite(rewards)).argmax())
        found = f"The reward of {lane_of(model, lane)} after {model.num_timesteps} steps is {rewards[lane]}"
        raise ValueError(f"{found}: what is learnt from it would not be a number. {WAY_OUT}")


def refuse_nan_observations(model: Any, obs: Any) -> None:
    """ValueError if an observation, [S·E, ...] or a dict of them, has NaN: for those whose policies would act on it without a word."""
    parts = list(obs.values()) if isinstance(obs, dict) else [obs]
    if all(map(is_finite, parts)):
        return
    for lane in range(len(parts[0])):
        if any(part.dtype.kind == "f" and np.isnan(part[lane]).any() for part in parts):
            found = f"The observation of {lane_of(model, lane)} after {model.num_timesteps} steps has {where_not_finite(obs, lane)}"
            raise ValueError(f"{found}: no action follows from it. {WAY_OUT}")


def lane_of(model: Any, lane: int) -> str:
    """A lane as its user knows it: which environment, of which seed."""
    k, e = divmod(lane, model.n_envs)
    return f"environment {e}" + (f" of seed {model.seeds[k]}" if model.n_seeds > 1 else "")


def where_not_finite(x: Any, lane: int) -> str:
    """'nan at [2]' if a lane's array (or one of a dict) has such a number, '' if not."""
    for key, part in x.items() if isinstance(x, dict) else [(None, x)]:
        if part.dtype.kind == "f" and not np.isfinite(part[lane]).all():
            at = np.argwhere(~np.isfinite(np.atleast_1d(part[lane])))[0].tolist()
            return f"{np.atleast_1d(part[lane])[tuple(at)]} at {at}" + (f" of {key!r}" if key is not None else "")
    return ""


def refuse_nan(model: Any, name: str, value: np.ndarray) -> None:
    """ValueError if a number per seed, [S], is NaN."""
    if is_finite(value):
        return
    for k in np.flatnonzero(np.isnan(value))[:1].tolist():
        whose = f" (seed {model.seeds[k]})" if model.n_seeds > 1 else ""
        cause = "an observation or a reward that was learnt from is not finite, or training has diverged"
        raise expected(parameter_of(model.action_space), f"{name} is NaN after {model.num_timesteps} steps{whose}: {cause}")
