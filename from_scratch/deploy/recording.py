"""Observations on which an exported policy is compared with its model: played in the environment, given, or drawn from the space."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from from_scratch.core.data import tree_map
from from_scratch.core.masks import METHOD
from from_scratch.deploy.eyes import Pipeline
from from_scratch.deploy.runtime import Policy

TOLD = ("reward", "target_return")


class NotEqual(ValueError):
    """What was exported does not do what the model does; nothing was written."""


@dataclass
class Recorded:
    """n observations as the environment says them, one behind another, and what the model does at each."""

    source: str  # in words: "played in CartPole-v1"
    observations: Any  # [n, ...], or a dict of them
    starts: np.ndarray  # [n], where an episode begins
    actions: list[Any] = field(default_factory=list)
    masks: np.ndarray | None = None  # [n, ...]
    told: dict[str, np.ndarray] = field(default_factory=dict)  # [n] each

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, i: int) -> Any:
        return tree_map(lambda x: x[i : i + 1], self.observations)


class Script(VecEnv):
    """An environment that shows what was recorded, whatever is done in it: the wrappers around it then do with it what they do."""

    def __init__(self, recorded: Recorded, pipeline: Pipeline, action_space: spaces.Space):
        super().__init__(1, pipeline.space, action_space)
        self.recorded, self.i = recorded, 0

    def reset(self) -> Any:
        self.i = 0
        return self.recorded.at(0)

    def step_async(self, actions: Any) -> None:
        self.i += 1

    def step_wait(self) -> VecEnvStepReturn:
        i = min(self.i, len(self.recorded) - 1)
        before = tree_map(lambda x: x[0], self.recorded.at(i - 1))
        done = bool(self.recorded.starts[i])
        return self.recorded.at(i), np.zeros(1, np.float32), np.array([done]), [{"terminal_observation": before} if done else {}]

    def action_masks(self) -> Any:
        return None if self.recorded.masks is None else self.recorded.masks[min(self.i, len(self.recorded) - 1)]

    def close(self) -> None: ...

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name, None)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None: ...

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return [getattr(self, method_name)(*args, **kwargs)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False]


class Tap(VecEnvWrapper):
    """Keeps what the environment itself says, below all wrappers."""

    def reset(self) -> Any:
        self.seen = tree_map(np.copy, self.venv.reset())
        return self.seen

    def step_wait(self) -> VecEnvStepReturn:
        obs, *rest = self.venv.step_wait()
        self.seen = tree_map(np.copy, obs)
        return self.seen, *rest  # type: ignore[return-value]


def played(model: Any, pipeline: Pipeline, venv: VecEnv, n: int, source: str, masked: bool, seed: int = 0) -> Recorded:
    """n steps of the model in an environment, through the wrappers themselves; its actions are those of the model."""
    tap = Tap(venv)
    whole = pipeline.wrapped(tap)
    whole.seed(seed)
    obs, start, state, last = whole.reset(), np.ones(1, bool), None, np.zeros(1, np.float32)
    has_masks = masked and venv.has_attr(METHOD)
    observations, starts, masks, actions, rewards = [], [], [], [], []
    rewarded = _takes_reward(model)
    for _ in range(n):
        more: dict[str, Any] = {"action_masks": np.stack(venv.env_method(METHOD))} if has_masks else {}
        more |= {"reward": last} if rewarded else {}
        action, state = model.predict(obs, **({} if state is None else {"state": state, "episode_start": start}), deterministic=True, **more)
        observations.append(tap.seen)
        starts.append(start)
        actions.append(action[0])
        masks.append(more.get("action_masks"))
        rewards.append(last)
        obs, last, start, _ = whole.step(action)
    joined = tree_map_list(observations)
    told = {"reward": np.concatenate(rewards)} if rewarded else {}
    return Recorded(source, joined, np.concatenate(starts), actions, np.concatenate(masks) if has_masks else None, told)


def shown(model: Any, pipeline: Pipeline, recorded: Recorded, masked: bool) -> Recorded:
    """The same of observations that are there already."""
    script = Script(recorded, pipeline, pipeline.model_space if model.action_space is None else model.action_space)
    whole = pipeline.wrapped(script)
    obs, start, state = whole.reset(), np.ones(1, bool), None
    rewarded = _takes_reward(model)
    for i in range(len(recorded)):
        more: dict[str, Any] = {} if not masked or recorded.masks is None else {"action_masks": recorded.masks[i : i + 1]}
        more |= {"reward": np.zeros(1, np.float32)} if rewarded else {}
        action, state = model.predict(obs, **({} if state is None else {"state": state, "episode_start": start}), deterministic=True, **more)
        recorded.actions.append(action[0])
        if i + 1 < len(recorded):
            obs, _, start, _ = whole.step(action)
    if rewarded:
        recorded.told["reward"] = np.zeros(len(recorded), np.float32)
    return recorded


def drawn(space: spaces.Space, n: int, masks: int, seed: int = 0) -> Recorded:
    """Observations drawn from a space, in episodes of ten; of `masks` actions about half are valid."""
    space = copy.deepcopy(space)
    space.seed(seed)
    observations = tree_map_list([tree_map(lambda x: np.asarray(x)[None], space.sample()) for _ in range(n)])
    starts = np.arange(n) % 10 == 0
    valid = None
    if masks:
        rng = np.random.default_rng(seed)
        valid = rng.random((n, masks)) < 0.5
        valid[np.arange(n), rng.integers(masks, size=n)] = True
    return Recorded("drawn from its observation space", observations, starts, masks=valid)


def tree_map_list(parts: list[Any]) -> Any:
    """[1, ...] each → [n, ...], key by key."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if isinstance(parts[0], dict) else np.concatenate(parts)


def _takes_reward(model: Any) -> bool:
    return "reward" in inspect.signature(model.predict).parameters


# ---------------------------------------------------------------------------------------------------------------------- comparing
@dataclass(frozen=True)
class Comparison:
    n: int
    source: str
    largest: float  # difference of an action's numbers, in units of its range where that is finite
    ties: int  # discrete actions that differ where the two are worth the same, up to rounding

    def __str__(self) -> str:
        ties = f", {self.ties} of them ties within rounding" if self.ties else ""
        return f"equal to the model on {self.n:,} observations {self.source}{ties}; largest difference {self.largest:.2g}"


def compare(policy: Policy, recorded: Recorded, space: spaces.Space, tolerance: float) -> Comparison:
    """Ask the exported policy at all observations, in their order. NotEqual, which says where, if an action differs by more than the tolerance.

    Numbers may differ by the tolerance times an action's range; what is counted has to be the same, unless the values or logits of both actions are the same
    within the tolerance (relative to the largest).
    """
    largest, ties, state = 0.0, 0, None
    for i in range(len(recorded)):
        more: dict[str, Any] = {name: x[i : i + 1] for name, x in recorded.told.items()}
        if recorded.masks is not None and policy.takes_masks:
            more["action_masks"] = recorded.masks[i : i + 1]
        found: dict[str, np.ndarray] = {}
        action, state = _asked(policy, recorded.at(i), state, recorded.starts[i : i + 1], more, found)
        wanted = recorded.actions[i]
        difference = _difference(space, action, wanted)
        if difference <= tolerance:
            largest = max(largest, difference)
            continue
        if not _is_tie(space, found, action, wanted, tolerance):
            raise NotEqual(f"observation {i} of {len(recorded)} ({recorded.source}): the model does {_short(wanted)}, what was exported {_short(action)}. "
                           "Nothing was written")  # fmt: skip
        ties += 1
    _compare_together(policy, recorded, space, tolerance)
    return Comparison(len(recorded), recorded.source, largest, ties)


def _compare_together(policy: Policy, recorded: Recorded, space: spaces.Space, tolerance: float) -> None:
    """All first observations of an episode at once, against one by one: a graph that was traced must not know how many it saw."""
    more = {name: x for name, x in recorded.told.items()} | ({} if recorded.masks is None or not policy.takes_masks else {"action_masks": recorded.masks})
    together = policy.predict(recorded.observations, **more)[0]
    for i in range(0, len(recorded), max(1, len(recorded) // 20)):
        found: dict[str, np.ndarray] = {}
        alone, _ = _asked(policy, recorded.at(i), None, np.ones(1, bool), {name: x[i : i + 1] for name, x in more.items()}, found)
        if _difference(space, alone, together[i]) > tolerance and not _is_tie(space, found, alone, together[i], tolerance):
            raise NotEqual(f"observation {i} among {len(recorded)} gives {_short(together[i])}, and {_short(alone)} by itself. Nothing was written")


def _asked(policy: Policy, obs: Any, state: Any, starts: np.ndarray, more: dict[str, Any], found: dict[str, np.ndarray]) -> tuple[Any, Any]:
    run = policy.run

    def noted(values: list[np.ndarray]) -> list[np.ndarray]:
        outputs = run(values)
        found.update(zip((each["name"] for each in policy.outputs), outputs, strict=True))
        return outputs

    policy.run = noted
    try:
        actions, state = policy.predict(obs, state, starts, **more)
    finally:
        policy.run = run
    return actions[0], state


def _difference(space: spaces.Space, mine: Any, theirs: Any) -> float:
    """0 if they are the same; infinity if something that is counted differs."""
    if isinstance(space, spaces.Dict):
        return max(_difference(child, mine[key], theirs[key]) for key, child in space.spaces.items())
    if isinstance(space, spaces.Tuple):
        return max(_difference(child, *pair) for child, *pair in zip(space.spaces, mine, theirs, strict=True))
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    if mine.shape != theirs.shape:
        return np.inf
    if not isinstance(space, spaces.Box):
        return 0.0 if np.array_equal(mine, theirs) else np.inf
    wide = np.where(np.isfinite(space.high - space.low), space.high - space.low, 1.0)
    apart = np.abs(mine.astype(np.float64) - theirs) / np.where(wide > 0, wide, 1.0)
    return np.inf if np.isnan(apart).any() else float(apart.max(initial=0.0))


def _is_tie(space: spaces.Space, found: dict[str, np.ndarray], mine: Any, theirs: Any, tolerance: float) -> bool:
    worth = found.get("values", found.get("logits"))
    if worth is None or not isinstance(space, spaces.Discrete):
        return False
    worth = worth[0]
    a, b = (int(x) - int(space.start) for x in (mine, theirs))
    return all(0 <= x < len(worth) for x in (a, b)) and abs(float(worth[a]) - float(worth[b])) <= tolerance * max(1.0, float(np.abs(worth).max()))


def _short(action: Any) -> str:
    return str(np.asarray(action).tolist() if not isinstance(action, dict | tuple) else action)[:80]


def one_env(env: Any) -> VecEnv:
    """A single environment as a vector of one."""
    return env if isinstance(env, VecEnv) else DummyVecEnv([env if callable(env) else lambda: env])
