"""Hyper-parameters as the RL Zoo writes them: `lin_0.001`, `policy_kwargs: "dict(net_arch=[64])"`, `normalize: true`.

Expressions in strings are parsed, never executed: literals, dict(...), names of torch.nn and a few others (`NAMES`) are all that they may hold.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
from typing import Any

from benchmarks import UserError

# What belongs to the set-up of a run and not to the algorithm's constructor.
SETUP = ("n_timesteps", "policy", "n_envs", "normalize", "env_wrapper", "frame_stack", "noise_type", "noise_std", "noise_steps")
SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf", "delta_std")
# Words that stand for a class, looked up here and never imported by what a study says.
NAMES = {
    "MinAtarCNN": "from_scratch.policies:MinAtarCNN",
    "NatureCNN": "stable_baselines3.common.torch_layers:NatureCNN",
    "RMSprop": "torch.optim:RMSprop",
    "RMSpropTFLike": "stable_baselines3.common.sb2_compat.rmsprop_tf_like:RMSpropTFLike",
}
# Given by the harness itself.
RESERVED = ("self", "env", "dataset", "policy", "seed", "seeds", "n_envs", "device", "verbose", "tensorboard_log", "_init_setup_model")


def literal(text: str) -> Any:
    """The value of an expression made of literals, `dict(...)` and `nn.Name`; UserError for anything else."""
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", None) or "it is nested too deeply, or no expression"
        raise UserError(f"cannot read {shown!r}: {why}. Write it as Python literals, dict(...) and names of torch.nn.") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords) if all(k.arg for k in keywords):
            return {str(k.arg): _value(k.value) for k in keywords}
        case ast.Name(id=name) if name in NAMES:
            module, _, attribute = NAMES[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        case ast.Attribute(value=ast.Name(id="nn"), attr=name):
            from torch import nn

            found = getattr(nn, name, None)
            if isinstance(found, type) and issubclass(found, nn.Module):  # not the modules and functions that torch.nn also holds
                return found
            raise UserError(f"torch.nn has no module '{name}'{_nearest(name, dir(nn))}")
    raise UserError(f"cannot read {ast.unparse(node)!r}: only Python literals, dict(...), names of torch.nn and {', '.join(NAMES)} are understood")


def _nearest(name: str, among) -> str:
    near = difflib.get_close_matches(name, list(among), n=1)
    return f": did you mean '{near[0]}'?" if near else ""


def parse_pairs(pairs: list[str]) -> dict[str, Any]:
    """`["gamma:0.9", "policy_kwargs:dict(net_arch=[8])"]` as a dict in the Zoo's notation; UserError for a pair without a colon."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        key, colon, text = pair.partition(":")
        if not colon or not key:
            raise UserError(f"{pair}: write name:value, as in learning_rate:0.001")
        if text.startswith(("lin_", "dict(")):
            parsed[key] = text
        else:
            try:
                parsed[key] = ast.literal_eval(text)
            except (SyntaxError, ValueError):
                parsed[key] = text  # a word, such as auto or MlpPolicy
    return parsed


def check(algo: str, cls: type, raw: dict[str, Any]) -> None:
    """UserError if `raw` holds a name that neither the Zoo's set-up nor the class's constructor knows."""
    known = [name for name in inspect.signature(cls).parameters if name not in RESERVED]
    for name in raw:
        if name not in known and name not in SETUP:
            from from_scratch.core.hyperparameters import meant_by

            meant = " and ".join(map(repr, meant_by(name, [*known, *SETUP])))
            raise UserError(f"{algo} has no hyper-parameter '{name}'{f': did you mean {meant}?' if meant else '.'} It has: {', '.join(known)}")


def constructor_arguments(raw: dict[str, Any], action_space=None) -> dict[str, Any]:
    """The keyword arguments of the algorithm's constructor: schedules, policy_kwargs and action noise made real."""
    arguments: dict[str, Any] = {}
    for name, value in raw.items():
        if name in SETUP:
            continue
        if isinstance(value, str) and value.startswith("dict("):
            value = literal(value)
        elif name in SCHEDULES and isinstance(value, str):
            value = _schedule(name, value)
        elif name == "train_freq" and isinstance(value, list):
            value = tuple(value)
        elif name == "replay_buffer_class" and isinstance(value, str):
            value = _buffer(value)
        arguments[name] = value
    if raw.get("noise_type"):
        arguments["action_noise"] = _noise(raw["noise_type"], raw["noise_std"], action_space, raw.get("noise_steps", 1000))
    return arguments


def _buffer(name: str) -> type:
    """The class that the Zoo's word means: looked up here, never imported by what a study says."""
    from stable_baselines3 import HerReplayBuffer

    buffers = {"HerReplayBuffer": HerReplayBuffer}
    if name not in buffers:
        raise UserError(f"replay_buffer_class: {name!r} is not one of {', '.join(buffers)}")
    return buffers[name]


def _schedule(name: str, text: str):
    from stable_baselines3.common.utils import LinearSchedule

    kind, _, start = text.partition("_")
    try:
        if kind == "lin":
            return LinearSchedule(float(start), 0.0, 1.0)
        return float(text)
    except ValueError:
        raise UserError(f"{name}: {text!r} is neither a number nor a schedule such as lin_0.001") from None


def _noise(kind: str, std: float, action_space, steps: int):
    """steps: of coloured noise, whose longest period they are."""
    import numpy as np
    from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise

    from from_scratch.core.noise import ColoredActionNoise

    noises = {"normal": NormalActionNoise, "ornstein-uhlenbeck": OrnsteinUhlenbeckActionNoise}
    colours = {"pink": 1.0, "red": 2.0}
    if kind in colours:
        return ColoredActionNoise(colours[kind], np.full(action_space.shape, std), steps)
    if kind not in noises:
        raise UserError(f"noise_type: {kind!r} is not one of {', '.join([*noises, *colours])}")
    return noises[kind](np.zeros(action_space.shape), np.full(action_space.shape, std))


def normalize_arguments(raw: dict[str, Any]) -> dict[str, Any] | None:
    """VecNormalize's keyword arguments, or None where nothing is normalised. Its discount is the algorithm's, as in the Zoo."""
    normalize = raw.get("normalize", False)
    if not normalize:
        return None
    arguments = literal(normalize) if isinstance(normalize, str) else normalize
    arguments = dict(arguments) if isinstance(arguments, dict) else {}
    if "gamma" in raw:
        arguments.setdefault("gamma", raw["gamma"])
    return arguments
