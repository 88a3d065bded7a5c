"""Vector environments: one per seed, and S of them side by side."""

from __future__ import annotations

import copy
import difflib
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, unwrap_vec_normalize

Observation = Any  # np.ndarray, or a dict of them
UNREGISTERED = (gym.error.UnregisteredEnv, ModuleNotFoundError)  # what gym.make raises where there is no such id


class SerialVecEnv(DummyVecEnv):
    """SB3's DummyVecEnv with the same values and fewer copies: nothing that is handed out changes later, but what cannot change is not copied."""

    def step_wait(self) -> tuple[Observation, np.ndarray, np.ndarray, list[dict]]:
        if self.keys != [None]:  # Dict or Tuple observations
            return super().step_wait()
        observations, rewards, dones, infos = step_lanes(self.envs, self.actions, np.empty_like(self.buf_obs[None]), self.reset_infos)
        self.buf_dones[:], self.buf_rews[:], self.buf_infos = dones, rewards, infos
        return observations, rewards, dones, infos


def step_lanes(envs: Sequence[gym.Env], actions: np.ndarray, observations: np.ndarray, reset_infos: list[dict]) -> tuple:
    """Step each environment and reset those whose episode is over; what VecEnv.step returns, with `observations` filled."""
    rewards, dones, infos = np.empty(len(envs), np.float32), np.zeros(len(envs), bool), []
    for i, env in enumerate(envs):
        obs, rewards[i], terminated, truncated, info = env.step(actions[i])
        info = owned(info) if info else {}
        info["TimeLimit.truncated"] = truncated and not terminated
        if terminated or truncated:
            dones[i] = True
            info["terminal_observation"] = obs.copy() if type(obs) is np.ndarray else copy.deepcopy(obs)
            if truncated and env.has_wrapper_attr("action_masks"):  # of that observation: after the reset nobody can ask
                info.setdefault("action_masks", np.array(env.get_wrapper_attr("action_masks")()))
            obs, reset_infos[i] = env.reset()
        observations[i] = obs
        infos.append(info)
    return observations, rewards, dones, infos


CONSTANT = frozenset({type(None), bool, int, float, complex, str, bytes, *np.sctypeDict.values()} - {np.object_, np.void})  # types whose objects never change


def owned(info: dict[str, Any]) -> dict[str, Any]:
    """A copy for who keeps it: the environment may go on changing its own. SB3 copies deeply, and with that spends more time than CartPole."""
    if type(info) is not dict:
        return copy.deepcopy(info)
    info = info.copy()
    for key, value in info.items():
        if type(value) not in CONSTANT:
            flat = type(value) is dict and CONSTANT.issuperset(map(type, value.values()))  # as Monitor's `episode`
            info[key] = value.copy() if flat else copy.deepcopy(value)
    return info


class LockstepVecEnv(VecEnv):
    """The vector environments of S seeds, stepped together: lane k·E + e is environment e of seed k."""

    def __init__(self, venvs: Sequence[VecEnv]):
        self.venvs = list(venvs)
        self.per_venv = self.per_seed = self.venvs[0].num_envs
        super().__init__(sum(venv.num_envs for venv in self.venvs), self.venvs[0].observation_space, self.venvs[0].action_space)
        self.serial = all(type(venv) is SerialVecEnv and venv.keys == [None] for venv in self.venvs)  # then all lanes are stepped in one loop
        self._lanes = [env for venv in self.venvs for env in venv.envs] if self.serial else []  # type: ignore[attr-defined]
        self.normalizes = all(normalizers(self))  # does each seed have a VecNormalize of its own?

    def _join(self, parts: Sequence[Observation]) -> Observation:
        if len(parts) == 1:
            return parts[0]
        if isinstance(parts[0], dict):
            return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return np.concatenate(parts)

    def _split(self, indices: Any) -> list[tuple[VecEnv, list[int]]]:
        """Lanes by vector environment, in order."""
        by_venv: dict[int, list[int]] = {}
        for lane in self._get_indices(indices):
            by_venv.setdefault(lane // self.per_venv, []).append(lane % self.per_venv)
        return [(self.venvs[k], lanes) for k, lanes in by_venv.items()]

    def reset(self) -> Observation:
        obs = self._join([venv.reset() for venv in self.venvs])
        self.reset_infos = [info for venv in self.venvs for info in venv.reset_infos]
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions
        if self.serial:
            return
        for k, venv in enumerate(self.venvs):
            venv.step_async(actions[k * self.per_venv : (k + 1) * self.per_venv])

    def step_wait(self) -> tuple[Observation, np.ndarray, np.ndarray, list[dict]]:
        if self.serial:
            first: Any = self.venvs[0]
            observations = np.empty((self.num_envs, *first.observation_space.shape), first.buf_obs[None].dtype)
            return step_lanes(self._lanes, self.actions, observations, self.reset_infos)
        if len(self.venvs) == 1:
            return self.venvs[0].step_wait()
        obs, rewards, dones, infos = zip(*(venv.step_wait() for venv in self.venvs), strict=True)
        return self._join(obs), np.concatenate(rewards), np.concatenate(dones), [info for part in infos for info in part]

    def get_original_obs(self) -> Observation:
        """The observations before VecNormalize."""
        return self._join([normalizer.get_original_obs() for normalizer in normalizers(self)])

    def get_original_reward(self) -> np.ndarray:
        """The rewards before VecNormalize."""
        return np.concatenate([normalizer.get_original_reward() for normalizer in normalizers(self)])

    def seed_each(self, seeds: Sequence[int]) -> None:
        """Environment e of seed s gets s + e at its first reset, as in SB3."""
        for venv, seed in zip(self.venvs, seeds, strict=True):
            venv.seed(seed)

    @property
    def n_seeds(self) -> int:
        return self.num_envs // self.per_seed

    def of_seed(self, k: int) -> VecEnv:
        """The vector environment of the k-th seed."""
        return self.venvs[k]

    def reset_seed(self, k: int) -> Observation:
        """Begin new episodes in all lanes of the k-th seed, and in no other: what is seen there, [E, ...]."""
        return self.venvs[k].reset()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        return [given for k, venv in enumerate(self.venvs) for given in venv.seed(None if seed is None else seed + k * self.per_venv)]

    def close(self) -> None:
        for venv in self.venvs:
            venv.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [value for venv, lanes in self._split(indices) for value in venv.get_attr(attr_name, lanes)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        for venv, lanes in self._split(indices):
            venv.set_attr(attr_name, value, lanes)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        return [value for venv, lanes in self._split(indices) for value in venv.env_method(method_name, *method_args, indices=lanes, **method_kwargs)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:
        return [value for venv, lanes in self._split(indices) for value in venv.env_is_wrapped(wrapper_class, lanes)]


class LaneBlock(LockstepVecEnv):
    """The lanes of S seeds in one vectorised environment: a step costs the same few array operations for a thousand seeds as for one."""

    tells_episodes_at_their_ends = True  # so that nobody need look through a thousand infos at every step

    def __init__(self, block: Any, n_seeds: int):
        super().__init__([block])
        self.block, self.per_seed = block, block.num_envs // n_seeds

    def seed_each(self, seeds: Sequence[int]) -> None:
        self.block.seed_lanes([seed + e for seed in seeds for e in range(self.per_seed)])

    def reset_seed(self, k: int) -> Observation:
        return self.block.begin_again(np.arange(k * self.per_seed, (k + 1) * self.per_seed))

    def of_seed(self, k: int) -> VecEnv:
        """A copy of the k-th seed's lanes, which goes on by itself."""
        return self.block.select(range(k * self.per_seed, (k + 1) * self.per_seed))


Recipe = str | Callable[..., gym.Env | VecEnv]  # an id, or a function that makes an environment


def is_recipe(env: Any) -> bool:
    """Is this an id or a function that makes environments, and none itself?"""
    return isinstance(env, str | type) or (callable(env) and not hasattr(env, "step"))


def made_by(recipe: Recipe, seed: int | None, index: int) -> Any:
    """An environment of an id, or of a function, which is told what it asks for.

    A parameter without a default that is called `seed` is given the seed of the model that will play; one called `index` the number of the environment
    among all that are made, k·E + e, and where the function makes a whole VecEnv the number k of the seed.
    """
    if isinstance(recipe, str):
        return gym.make(recipe)
    try:
        parameters = inspect.signature(recipe).parameters.values()
    except (TypeError, ValueError):  # written in C, say
        return recipe()
    asked = {p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return recipe(**{name: value for name, value in (("seed", seed), ("index", index)) if name in asked})


def make_vec_envs(env: Recipe, seeds: Sequence[int], n_envs: int, wrap: Callable[[VecEnv], VecEnv]) -> VecEnv:
    """The environments of several seeds, n_envs of each: a VecEnv of its own for every seed, or one block of lanes from a recipe that makes blocks.

    `wrap` is what is done to every seed's VecEnv; a block needs none.
    """
    if hasattr(env, "block_of"):
        return LaneBlock(env.block_of(len(seeds) * n_envs), len(seeds)) if len(seeds) > 1 else env.block_of(n_envs)
    venvs = [wrap(make_vec_env(env, n_envs, seed, k * n_envs)) for k, seed in enumerate(seeds)]
    return LockstepVecEnv(venvs) if len(seeds) > 1 else venvs[0]


def make_vec_env(env: Recipe, n_envs: int, seed: int | None = None, first_index: int = 0) -> VecEnv:
    """One seed's vector environment, from an id or a factory of single environments (or of a whole VecEnv, used as it is).

    The factory may ask for `seed` and `index`, as `made_by` says.
    """
    if hasattr(env, "block_of"):
        return env.block_of(n_envs)

    indices = itertools.count(first_index)

    def monitored() -> Any:
        single = made_by(env, seed, next(indices))
        return single if isinstance(single, VecEnv | Monitor) else Monitor(single)

    first = monitored()
    if isinstance(first, VecEnv):
        if n_envs not in (1, first.num_envs):
            raise ValueError(f"n_envs={n_envs}, but the factory made a VecEnv of {first.num_envs} environments. Leave n_envs out.")
        return first
    made = [first]  # the first lane is the one already made
    return SerialVecEnv([lambda: made.pop() if made else monitored() for _ in range(n_envs)])


def normalizers(env: VecEnv | None) -> list:
    """Per seed: its VecNormalize, or None."""
    if env is None:
        return [None]
    if isinstance(env, LaneBlock):
        return [None] * env.n_seeds
    return [unwrap_vec_normalize(venv) for venv in getattr(env, "venvs", [env])]


def with_nearest(error: Exception, env: Any) -> Exception:
    """The error that Gymnasium raised for an id that it does not know, with the nearest id that it knows behind it, if there is one."""
    said = str(error)
    of_module = isinstance(error, ModuleNotFoundError)
    if not isinstance(env, str) or "Did you mean" in said or (of_module and "Environment registration" not in said):
        return error
    named = {id.rpartition("/")[2].lower(): id for id in gym.registry}
    wanted = env.rpartition(":")[2].rpartition("/")[2].lower()
    near = difflib.get_close_matches(wanted, named, n=1, cutoff=0.8)
    hint = f" Did you mean '{named[near[0]]}'?" if near else ""
    if of_module and not near:
        hint = " An id is 'Name-v0' or 'module:Name-v0'; a map is given to its environment, as in lambda: from_scratch.envs.GridWorld('four_rooms')."
    return type(error)(f"{said}{hint}")
