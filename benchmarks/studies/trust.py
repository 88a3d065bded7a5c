"""What a study would import or unpickle that is not this project's own: it is named, and runs only where --trust says that its author is trusted.

A study is text and tables, and reading it runs nothing. Training and playing run code that the study only names: wrappers by their dotted path,
environments by their id. Those that are known here, and that can do nothing but what an environment does, are on the lists below; they were read
for arguments that write files, open windows or call what they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

import gymnasium as gym

from benchmarks import UserError
from benchmarks.store.plain import is_name, one_line
from benchmarks.studies import environments, hyperparams
from benchmarks.studies.study import Study
from from_scratch import registry

# Module -> the wrappers in it, each by the path that a study may name. Not RecordVideo or Monitor (they write where they are told),
# not TransformObservation or ActionMasker (they call what they are given), not HumanRendering.
_WRAPPERS = {
    "gymnasium.wrappers": ("AtariPreprocessing", "ClipAction", "ClipReward", "DelayObservation", "DiscretizeAction", "DiscretizeObservation",
                           "FilterObservation", "FlattenObservation", "FrameStackObservation", "GrayscaleObservation", "MaxAndSkipObservation",
                           "NormalizeObservation", "NormalizeReward", "OrderEnforcing", "PassiveEnvChecker", "RecordEpisodeStatistics", "RepeatAction",
                           "RescaleAction", "RescaleObservation", "ReshapeObservation", "ResizeObservation", "StickyAction", "TimeAwareObservation",
                           "TimeLimit"),
    "stable_baselines3.common.atari_wrappers": ("AtariWrapper", "ClipRewardEnv", "EpisodicLifeEnv", "FireResetEnv", "MaxAndSkipEnv", "NoopResetEnv",
                                                "StickyActionEnv", "WarpFrame"),
    "sb3_contrib.common.wrappers": ("TimeFeatureWrapper",),
    "minigrid.wrappers": ("FlatObsWrapper", "FullyObsWrapper", "ImgObsWrapper", "OneHotPartialObsWrapper", "RGBImgObsWrapper", "RGBImgPartialObsWrapper"),
    "from_scratch.envs": ("CartPoleBins", "Discretize", "FlattenTuple", "Flicker", "MaskVelocity", "NoisyReward", "ScaleReward", "TimeoutIsDeath"),
    "from_scratch.envs.wrappers.discretize": ("CartPoleBins", "Discretize"),
    "from_scratch.envs.wrappers.flatten": ("FlattenTuple",),
    "from_scratch.envs.wrappers.flicker": ("Flicker",),
    "from_scratch.envs.wrappers.mask_velocity": ("MaskVelocity",),
    "from_scratch.envs.wrappers.noisy_reward": ("NoisyReward",),
    "from_scratch.envs.wrappers.scale_reward": ("ScaleReward",),
    "from_scratch.envs.wrappers.timeout": ("TimeoutIsDeath",),
}  # fmt: skip
WRAPPERS = frozenset(f"{module}.{name}" for module, names in _WRAPPERS.items() for name in names)

# The packages whose environments are known. Which ids they have is decided here, by what is installed and registered, not by a study.
ENVIRONMENTS = ("from_scratch.envs", "gymnasium.envs.classic_control", "gymnasium.envs.toy_text", "gymnasium.envs.box2d", "gymnasium.envs.mujoco", "ale_py",
                "minigrid", "minatar")  # fmt: skip


def foreign(study: Study) -> list[str]:
    """What training or playing this study would run that is not known here, in words; nothing of it is imported to find out."""
    found = [words for algo, of_env in study.hyperparams.items() for env, raw in of_env.items() for words in of_run(algo, env, raw, study.envs.get(env))]
    return list(dict.fromkeys(found))


def of_run(algo: str, env: str, raw: Mapping[str, Any], spec: Mapping[str, Any] | None) -> list[str]:
    """The same of one algorithm on one environment. raw: its hyper-parameters in the Zoo's notation; spec: {kwargs, max_episode_steps}."""
    own = [] if registry.known(algo) else [f"the algorithm {one_line(algo)}"]
    if not own:
        hyperparams.check(algo, registry.load(algo), dict(raw))  # arguments that the class does not list are not handed to it
    return [*own, *of_wrappers(raw.get("env_wrapper")), *of_environment(env, (spec or {}).get("kwargs") or {})]


def of_wrappers(wanted: Any) -> list[str]:
    """Those wrappers that are not on the list."""
    return [f"the wrapper {one_line(path)}" for path, _ in environments.named_wrappers(wanted) if path not in WRAPPERS]


def of_environment(env: str, kwargs: Mapping[str, Any]) -> list[str]:
    """The environment if it is not a known one, and arguments of it that lead to files."""
    if ":" in env:  # to look it up would import the module before it
        return [f"the environment {one_line(env)}", *of_arguments(env, kwargs)]
    try:
        environments.check(env)
        entry_point = gym.registry[environments.registered(env)].entry_point
    except (UserError, ImportError):
        entry_point = None
    module = entry_point.partition(":")[0] if isinstance(entry_point, str) else ""
    known = any(module == package or module.startswith(f"{package}.") for package in ENVIRONMENTS)
    return [*([] if known else [f"the environment {one_line(env)}"]), *of_arguments(env, kwargs)]


def of_arguments(env: str, kwargs: Mapping[str, Any]) -> list[str]:
    """Arguments of an environment that lead to files."""
    paths = [key for key, value in kwargs.items() if isinstance(value, str) and (key.endswith(("file", "path")) or len(PurePath(value).parts) > 1)]
    return [f"{one_line(env)} with {one_line(key)}={one_line(str(kwargs[key]))[:80]}" for key in paths if not _is_asset(key, kwargs[key])]


def _is_asset(key: str, value: str) -> bool:
    """MuJoCo looks for a plain name among its own models."""
    return key == "xml_file" and is_name(value)


def demand(found: Iterable[str], doing: str, trusted: bool) -> None:
    """UserError, naming what would run, unless it is trusted or there is nothing. doing: what needs it, such as "level 3"."""
    named = list(found)
    if named and not trusted:
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        raise UserError(f"{doing} would run {', '.join(named[:5])}{more}, which {'are' if len(named) > 1 else 'is'} not this project's own: "
                        "add --trust if you trust who wrote this (docs/safe.md)")  # fmt: skip
