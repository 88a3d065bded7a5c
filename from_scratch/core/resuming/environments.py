"""Where vector environments stand: episodes under way, what they draw from, and the statistics of their wrappers.

An environment, a wrapper or a vector of environments that has both `get_state()` and `set_state(state)` says itself how it goes on: `get_state` returns plain
data (numbers, texts, arrays and collections of them), `set_state` puts it back. All others have their attributes written down, as `picture.py` says.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper

from from_scratch.core.resuming.picture import Plain, Putting, Taking, Untold, attributes, named
from from_scratch.core.vec_env import LockstepVecEnv, SerialVecEnv

# Attributes that belong to the recipe, to the clock, or to what is written down by itself.
BESIDE = {"env", "venv", "venvs", "spec", "metadata", "render_mode", "class_attributes", "t_start", "start_time", "_cached_spec", "_metadata"}
TOLD = {"reset_infos", "current_reset_info"}  # which nobody goes on from: left as it is where it cannot be written down
OF_DUMMY = ("_seeds", "_options", "reset_infos")


def state_of(venv: VecEnv) -> tuple[Plain, list[np.ndarray]]:
    """Where it stands, as plain data and the arrays that this names. Untold if it cannot be said of some part."""
    taking = Taking(tuple(_all(venv)))
    return _taken(taking, venv), taking.arrays


def put_into(venv: VecEnv, state: Plain, arrays: list[np.ndarray]) -> None:
    """Let it stand there. Untold if it is of another kind; it must be reset then."""
    venv.reset()  # what environments make when they begin is there now, and can be filled in
    _put(Putting(arrays, tuple(_all(venv))), venv, state)


def _all(venv: VecEnv) -> list[Any]:
    """Every vector and every environment in it, from the outside to the inside: which others may name."""
    inner = venv.venvs if isinstance(venv, LockstepVecEnv) else [venv.venv] if isinstance(venv, VecEnvWrapper) else []
    return [venv, *(each for part in inner for each in _all(part)), *(each for env in _envs(venv) for each in _layers(env))]


def _envs(venv: VecEnv) -> list[gym.Env]:
    return venv.envs if isinstance(venv, DummyVecEnv) else []


def _layers(env: gym.Env) -> list[gym.Env]:
    """An environment's wrappers from the outside to the inside, and itself."""
    layers = [env]
    while isinstance(layers[-1], gym.Wrapper):
        layers.append(layers[-1].env)
    return layers


def _kind(x: Any) -> str:
    """What it is called. Our own vector of environments is another name for SB3's."""
    return named(x) if type(x) is not SerialVecEnv else f"{DummyVecEnv.__module__}.{DummyVecEnv.__qualname__}"


def _says_itself(x: Any) -> bool:
    return callable(getattr(type(x), "get_state", None)) and callable(getattr(type(x), "set_state", None))


# ------------------------------------------------------------------------------------------------------------------------------------ taking
def _taken(taking: Taking, venv: VecEnv) -> Plain:
    kind = type(venv).__name__
    if _says_itself(venv):
        return {"kind": _kind(venv), "own": taking.of(venv.get_state(), f"{kind}.get_state()")}  # type: ignore[attr-defined]
    if isinstance(venv, LockstepVecEnv):
        return {"kind": _kind(venv), "each": [_taken(taking, each) for each in venv.venvs]}
    if isinstance(venv, VecEnvWrapper):
        return {"kind": _kind(venv), "attributes": _attributes(taking, venv), "around": _taken(taking, venv.venv)}
    if isinstance(venv, SubprocVecEnv):
        raise Untold(f"{kind} has its environments in other processes")
    if isinstance(venv, DummyVecEnv):
        own = {name: _attribute(taking, venv, name) for name in OF_DUMMY}
        return {"kind": _kind(venv), "attributes": own, "envs": [[_layer(taking, layer) for layer in _layers(env)] for env in venv.envs]}
    raise Untold("there is no environment" if venv is None else f"{kind} has no get_state() and set_state()")


def _layer(taking: Taking, env: gym.Env) -> Plain:
    kind = type(env).__name__
    if _says_itself(env):
        drawn = taking.of(getattr(env, "_np_random", None))
        return {"kind": _kind(env), "attributes": {"_np_random": drawn}, "own": taking.of(env.get_state(), f"{kind}.get_state()")}  # type: ignore[attr-defined]
    return {"kind": _kind(env), "attributes": _attributes(taking, env)}


def _attributes(taking: Taking, x: Any) -> dict[str, Plain]:
    return {name: _attribute(taking, x, name) for name in attributes(x) or {} if name not in BESIDE}


def _attribute(taking: Taking, x: Any, name: str) -> Plain:
    try:
        return taking.of(getattr(x, name), f"{type(x).__name__}.{name}")
    except Untold:
        if name in TOLD:
            return taking.of(type)
        raise


# ----------------------------------------------------------------------------------------------------------------------------------- putting
def _put(putting: Putting, venv: VecEnv, state: Plain) -> None:
    _check(venv, state)
    if "own" in state:
        venv.set_state(putting.into(None, state["own"]))  # type: ignore[attr-defined]
    elif "each" in state:
        _check_number(len(venv.venvs), len(state["each"]), venv)  # type: ignore[attr-defined]
        for each, of_each in zip(venv.venvs, state["each"], strict=True):  # type: ignore[attr-defined]
            _put(putting, each, of_each)
    elif "around" in state:
        _fill(putting, venv, state["attributes"])
        _put(putting, venv.venv, state["around"])  # type: ignore[attr-defined]
    else:
        _fill(putting, venv, state["attributes"])
        _check_number(len(_envs(venv)), len(state["envs"]), venv)
        for env, of_layers in zip(_envs(venv), state["envs"], strict=True):
            layers = _layers(env)
            here, there = [_kind(layer) for layer in layers], [of_layer["kind"] for of_layer in of_layers]
            if here != there:
                was, now = (" of ".join(kind.rpartition(".")[2] for kind in kinds) for kinds in (there, here))
                raise Untold(f"the environment was {was}, and is {now} here")
            for layer, of_layer in zip(layers, of_layers, strict=True):
                _fill(putting, layer, of_layer["attributes"])
                if "own" in of_layer:
                    layer.set_state(putting.into(None, of_layer["own"]))  # type: ignore[attr-defined]


def _check(x: Any, state: Plain) -> None:
    if _kind(x) != state["kind"]:
        raise Untold(f"the environment was a {state['kind']}, and is a {_kind(x)} here")


def _check_number(here: int, there: int, x: Any) -> None:
    if here != there:
        raise Untold(f"{type(x).__name__} has {here} parts here, and had {there}")


def _fill(putting: Putting, x: Any, found: dict[str, Plain]) -> None:
    for name, data in found.items():
        there = getattr(x, name, None) if name in (attributes(x) or {}) else None
        value = putting.into(there, data, f"{type(x).__name__}.{name}")
        if value is not there:
            setattr(x, name, value)
