"""Environments by id: is there one of that name, what does it need, and the vector environments that runs train and are scored in."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import re
from collections.abc import Callable
from typing import Any

import gymnasium as gym

import from_scratch.envs  # noqa: F401  registers our environments
from benchmarks import UserError
from from_scratch import own
from from_scratch.registry import VARIANT

# Where an environment lives -> the module it needs, the package's name, our extra.
NEEDS = {
    "gymnasium.envs.mujoco": ("mujoco", "mujoco", "mujoco"),
    "gymnasium.envs.box2d": ("Box2D", "Box2D", "box2d"),
    "ALE/": ("ale_py", "ale-py", "atari"),
    "MiniGrid": ("minigrid", "minigrid", "grid"),
    "MinAtar/": ("minatar", "minatar", "minatar"),
}

FORMER_ATARI = re.compile(r"NoFrameskip-v[04]$")  # PongNoFrameskip-v4: ids without a prefix, which the Zoo's settings are for


def check(env_id: str) -> None:
    """UserError if Gymnasium has no such environment, or if a package that it needs is not installed. `module:id` imports that module, which registers it."""
    env_id = registered(env_id)
    for prefix in ("ALE/", "MiniGrid", "MinAtar/"):
        if env_id.startswith(prefix) or (prefix == "ALE/" and FORMER_ATARI.search(env_id)):
            _need(env_id, prefix)
            importlib.import_module(NEEDS[prefix][0])  # registers its environments; of MinAtar ours has registered them (from_scratch.envs)
    spec = gym.registry.get(env_id)
    if spec is None:
        near = difflib.get_close_matches(env_id, gym.registry, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'? " if near else "Gymnasium has no such id. "
        raise UserError(f"unknown environment '{env_id}': {hint}(sb3-course list)")
    for prefix in NEEDS:
        if str(spec.entry_point).startswith(prefix):
            _need(env_id, prefix)


def base(env_id: str) -> str:
    """Of a variant, `CartPole-v1~short`, the environment whose settings it changes; any other is its own."""
    return env_id.partition(VARIANT)[0]


def registered(env_id: str) -> str:
    """The id in Gymnasium's registry: of `module:id` the latter, once the module is imported, and of a variant its base. UserError if it cannot be."""
    module, _, name = base(env_id).rpartition(":")
    if module:
        try:
            own.imported(module, env_id)
        except own.NoSuchPart as error:
            raise UserError(str(error)) from None
    return name


def _need(env_id: str, prefix: str) -> None:
    module, package, extra = NEEDS[prefix]
    if importlib.util.find_spec(module) is None:
        raise UserError(f'{env_id} needs {package}: pip install "sb3-course[{extra}]"')


def named_wrappers(wanted: Any) -> list[tuple[str, dict[str, Any]]]:
    """The Zoo's env_wrapper as (dotted path, arguments): it is a path, `{path: arguments}`, or a list of either. UserError for anything else."""
    found = []
    for item in wanted if isinstance(wanted, list) else [wanted] if wanted else []:
        path, arguments = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else (item, None)
        if not isinstance(path, str) or not isinstance(arguments or {}, dict):
            raise UserError(f"env_wrapper {item!r}: give a dotted path, {{path: arguments}}, or a list of either")
        found.append((path, dict(arguments or {})))
    return found


def _wrappers(wanted: Any) -> list[tuple[Callable, dict]]:
    """The same, imported: whoever comes here has asked benchmarks.studies.trust, or trains what its own user wrote."""
    found = []
    for path, arguments in named_wrappers(wanted):
        module, _, name = path.rpartition(".")
        try:
            found.append((getattr(importlib.import_module(module), name), arguments))
        except (ImportError, AttributeError, ValueError) as error:
            raise UserError(f"env_wrapper {path}: {error}") from None
    return found


def make_env(env_id: str, spec: dict[str, Any] | None = None, wrappers=None, render_mode: str | None = None, monitor: bool = True) -> gym.Env:
    """One environment, with Monitor (unless told otherwise) and the Zoo's wrappers around it. spec: {kwargs, max_episode_steps}."""
    from stable_baselines3.common.monitor import Monitor

    spec = spec or {}
    kwargs = dict(spec.get("kwargs") or {})
    if spec.get("max_episode_steps"):
        kwargs["max_episode_steps"] = spec["max_episode_steps"]
    if render_mode is not None:  # a constructor need not know the word
        kwargs["render_mode"] = render_mode
    env: gym.Env = gym.make(registered(env_id), **kwargs)
    if monitor:
        env = Monitor(env)
    for wrapper, arguments in _wrappers(wrappers):
        env = wrapper(env, **arguments)
    return env


def wrap(venv, normalize: dict[str, Any] | None, frame_stack: int | None, training: bool = True):
    """VecNormalize (`normalize`: its arguments, or None) and then VecFrameStack, in the Zoo's order."""
    from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

    if normalize is not None:
        arguments = {**normalize, "training": training}
        if not training:
            arguments["norm_reward"] = False  # scores are in the environment's own rewards
        venv = VecNormalize(venv, **arguments)
    return VecFrameStack(venv, frame_stack) if frame_stack else venv
