"""Vector environments that others wrote, EnvPool's in C++ and Gymnasium's own, as VecEnvs of Stable-Baselines3.

    model = PPO("MlpPolicy", make_envpool("CartPole-v1", 64))
    model = PPO("MlpPolicy", make_gymnasium("CartPole-v1", 8, vectorization_mode="async"))

What they must agree on is how an episode ends. SB3's step answers with the first observation of the next episode, and has the last one of this episode in
its infos (`terminal_observation`), beside `TimeLimit.truncated`. Gymnasium calls that SAME_STEP. By its default, NEXT_STEP, an environment shows the last
observation, and its next step resets whatever the action was: a step that no episode has. EnvPool works so, too. It is turned into SB3's way exactly where
lanes can be reset apart from the others, and refused where they cannot.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.data import tree_map

Infos = list[dict[str, Any]]


class Native(VecEnv):
    """n lanes that are stepped by one call. A subclass says how they begin, how they are stepped, and how some of them begin again.

    `episode`, Monitor's return and length, is added to the infos. `seed(s)` seeds lane i with s + i at the next reset.
    """

    tells_episodes_at_their_ends = True
    name: str

    def __init__(self, n_envs: int, observation_space: gym.Space, action_space: gym.Space):
        super().__init__(n_envs, observation_space, action_space)
        self.returns, self.lengths, self._started = np.zeros(n_envs), np.zeros(n_envs, np.int64), time.time()

    # ------------------------------------------------------------------------------------------------------------ for the subclass
    def begin(self, seeds: Sequence[int | None]) -> tuple[Any, Infos]:
        """Begin an episode in every lane: observations [n, ...] and infos."""
        raise NotImplementedError

    def advance(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Infos]:
        """Take actions [n, ...] in all lanes: (observations, rewards, terminated, truncated, infos) of the step, before any lane begins again."""
        raise NotImplementedError

    def begin_again(self, lanes: np.ndarray) -> tuple[Any, Infos]:
        """Begin another episode in these lanes, which have just ended, and in no other: what is seen there [k, ...], and infos."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------------------------------- SB3's VecEnv
    def reset(self) -> Any:
        if any(self._options):
            raise ValueError(f"Reset options for {self.name}: its lanes take none. Use SB3's make_vec_env.")
        obs, self.reset_infos = self.begin(self._seeds)
        self.returns[:], self.lengths[:] = 0, 0
        self._reset_seeds()
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = np.asarray(actions)

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, Infos]:
        obs, rewards, terminated, truncated, infos = self.advance(self.actions)
        self.returns += rewards
        self.lengths += 1
        dones = terminated | truncated
        ended = dones.nonzero()[0]
        for lane, is_cut in zip(range(self.num_envs), (truncated & ~terminated).tolist(), strict=True):
            infos[lane]["TimeLimit.truncated"] = is_cut
        if len(ended):
            now = round(time.time() - self._started, 6)
            for lane in ended.tolist():
                infos[lane]["terminal_observation"] = tree_map(lambda x, lane=lane: x[lane].copy(), obs)
                infos[lane].setdefault("episode", {"r": round(float(self.returns[lane]), 6), "l": int(self.lengths[lane]), "t": now})
            self.returns[ended], self.lengths[ended] = 0, 0
            first, told = self.begin_again(ended)
            obs = tree_map(np.array, obs)  # ours to write into
            for mine, new in [(obs, first)] if not isinstance(obs, dict) else [(obs[key], first[key]) for key in obs]:
                mine[ended] = new
            for lane, info in zip(ended.tolist(), told, strict=True):
                self.reset_infos[lane] = info
        return obs, rewards.astype(np.float32), dones, infos

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:
        """True for Monitor, whose `episode` infos are given; False for anything else."""
        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "render_mode":  # what SB3 asks everyone
            return [None for _ in self._get_indices(indices)]
        raise AttributeError(f"{attr_name}: {self._no_objects()}")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> NoReturn:
        raise AttributeError(f"{attr_name}: {self._no_objects()}")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise AttributeError(f"{method_name}: {self._no_objects()}")

    def _no_objects(self) -> str:
        return f"the lanes of {self.name} are no objects that could be asked. Use SB3's make_vec_env where environments are."


def _flat(space: gym.Space, name: str, what: str) -> gym.Space:
    """A space that SB3's algorithms can have."""
    if isinstance(space, gym.spaces.Tuple) or (what == "actions" and isinstance(space, gym.spaces.Dict)):
        raise ValueError(f"{name} has {what} of a {type(space).__name__} space, which SB3's algorithms do not have. Give the algorithm the id.")
    return space


# ------------------------------------------------------------------------------------------------------------------------- EnvPool
class EnvPoolVecEnv(Native):
    """EnvPool's n environments of an id (Weng et al. 2022, arXiv:2206.10558), stepped by its threads.

    They are EnvPool's own, in C++: another implementation than Gymnasium's, with other random numbers. The pool is made at the first reset after a seed was
    given, for EnvPool seeds an environment when it makes it.
    """

    def __init__(self, id: str, n_envs: int, **kwargs: Any):
        """kwargs: EnvPool's, such as num_threads."""
        self.envpool, self.id, self.name = _envpool(), id, f"EnvPool's {id}"
        for name in ("batch_size", "seed", "env_seed", "num_envs"):
            if name in kwargs:
                told = "all lanes take every step" if name == "batch_size" else "call seed(), or give it to the model" if "seed" in name else "say n_envs"
                raise ValueError(f"{name}={kwargs[name]!r} for {self.name}: {told}.")
        if n_envs < 1:
            raise ValueError(f"n_envs={n_envs}: {self.name} needs at least one lane.")
        self.kwargs: dict[str, Any] = kwargs
        spec = self.envpool.make_spec(id, **kwargs)
        if spec.config.max_num_players > 1:
            raise ValueError(f"{self.name} has {spec.config.max_num_players} players, and a lane is one.")
        self.pool: Any = None
        super().__init__(
            n_envs, _flat(spec.gymnasium_observation_space, self.name, "observations"), _flat(spec.gymnasium_action_space, self.name, "actions")
        )

    def begin(self, seeds: Sequence[int | None]) -> tuple[Any, Infos]:
        if self.pool is None or seeds[0] is not None:
            first = seeds[0] if seeds[0] is not None else int(np.random.SeedSequence().generate_state(1)[0] >> 1)
            apart = {} if list(seeds) in ([None] * self.num_envs, list(range(first, first + self.num_envs))) else {"env_seed": list(seeds)}
            self.pool = self.envpool.make(self.id, "gymnasium", num_envs=self.num_envs, seed=first, **apart, **self.kwargs)
        obs, told = self.pool.reset()
        return obs, self._apart(told, self.num_envs)

    def advance(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Infos]:
        obs, rewards, terminated, truncated, told = self.pool.step(actions.astype(self.action_space.dtype, copy=False))
        return obs, rewards.astype(np.float64), terminated, truncated, self._apart(told, self.num_envs)

    def begin_again(self, lanes: np.ndarray) -> tuple[Any, Infos]:
        obs, told = self.pool.reset(lanes.astype(np.int32))
        order = np.argsort(told["env_id"])  # as they were ready
        infos = self._apart(told, len(lanes))
        return tree_map(lambda x: x[order], obs), [infos[i] for i in order.tolist()]

    @staticmethod
    def _apart(told: dict[str, Any], n: int) -> Infos:
        """A dict for each lane; who it is and how far, Monitor and the lane's place say."""
        said = {name: values for name, values in told.items() if name not in ("env_id", "players", "elapsed_step") and np.shape(values)[:1] == (n,)}
        return [{name: values[i] for name, values in said.items()} for i in range(n)]

    def close(self) -> None:
        if self.pool is not None:
            self.pool.close()
            self.pool = None


def _envpool() -> Any:
    try:
        import envpool
    except ImportError as error:
        raise ImportError(f"EnvPool is not installed ({error}): pip install 'sb3-course[envpool]'.") from None
    return envpool


def make_envpool(id: str, n_envs: int, **kwargs: Any) -> EnvPoolVecEnv:
    """n_envs lanes of EnvPool's environment of this id, with EnvPool's own kwargs (num_threads, max_episode_steps, …).

    ImportError without EnvPool; ValueError for what its lanes cannot be: several players, or batches of some lanes alone.
    """
    return EnvPoolVecEnv(id, n_envs, **kwargs)


# ----------------------------------------------------------------------------------------------------------------------- Gymnasium
class GymnasiumVecEnv(Native):
    """A vector environment of Gymnasium's."""

    def __init__(self, venv: VectorEnv):
        """ValueError if it begins episodes in a way that SB3 does not know."""
        self.venv, self.name = venv, str(venv)
        self.mode = venv.metadata.get("autoreset_mode")
        self.same_step = self.mode == AutoresetMode.SAME_STEP
        resets_apart = self.mode == AutoresetMode.DISABLED or (self.mode == AutoresetMode.NEXT_STEP and type(venv) is SyncVectorEnv)
        if not (self.same_step or resets_apart):
            raise ValueError(
                f"{venv} has autoreset_mode={self.mode}: where an episode has ended, its next step begins another one whatever the action, and SB3 has no "
                "such step. Make it with autoreset_mode DISABLED, as make_gymnasium(id, n_envs) does, or SAME_STEP."
            )
        super().__init__(
            venv.num_envs, _flat(venv.single_observation_space, self.name, "observations"), _flat(venv.single_action_space, self.name, "actions")
        )

    def begin(self, seeds: Sequence[int | None]) -> tuple[Any, Infos]:
        obs, told = self.venv.reset(seed=list(seeds))
        return obs, [_of_lane(told, lane) for lane in range(self.num_envs)]

    def advance(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Infos]:
        obs, rewards, terminated, truncated, told = self.venv.step(actions)
        if not self.same_step or "final_obs" not in told:
            return obs, rewards, terminated, truncated, [_of_lane(told, lane) for lane in range(self.num_envs)]
        last, of_last = told.pop("final_obs"), told.pop("final_info")
        ended = told.pop("_final_obs").nonzero()[0].tolist()
        told.pop("_final_info", None)
        infos = [_of_lane(told, lane) for lane in range(self.num_envs)]
        self.begun = tree_map(lambda x: x[ended], obs), [infos[lane] for lane in ended]  # what the lanes that ended have begun with
        obs = tree_map(np.array, obs)
        for lane in ended:
            infos[lane] = _of_lane(of_last, lane)
            for mine, seen in [(obs, last[lane])] if not isinstance(obs, dict) else [(obs[key], last[lane][key]) for key in obs]:
                mine[lane] = seen
        return obs, rewards, terminated, truncated, infos

    def begin_again(self, lanes: np.ndarray) -> tuple[Any, Infos]:
        if self.same_step:
            return self.begun
        mask = np.zeros(self.num_envs, bool)
        mask[lanes] = True
        obs, told = self.venv.reset(options={"reset_mask": mask})
        return tree_map(lambda x: x[lanes], obs), [_of_lane(told, lane) for lane in lanes.tolist()]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if not hasattr(self.venv, "get_attr"):
            return super().get_attr(attr_name)
        values = self.venv.get_attr(attr_name)
        return [values[lane] for lane in self._get_indices(indices)]

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """A method of every environment; ValueError for some of them: Gymnasium calls all."""
        if not hasattr(self.venv, "call"):
            return super().env_method(method_name)
        if list(self._get_indices(indices)) != list(range(self.num_envs)):
            raise ValueError(f"{method_name} of lanes {indices} of {self.name}: Gymnasium calls it in all or none. Leave indices out.")
        return list(self.venv.call(method_name, *method_args, **method_kwargs))

    def close(self) -> None:
        self.venv.close()


def _of_lane(told: dict[str, Any], lane: int) -> dict[str, Any]:
    """What Gymnasium's infos, arrays with a mask each, say of one lane."""
    found = {}
    for name, values in told.items():
        if f"_{name}" in told and told[f"_{name}"][lane]:
            found[name] = _of_lane(values, lane) if isinstance(values, dict) else values[lane]
    return found


def make_gymnasium(id: str, n_envs: int, vectorization_mode: str = "sync", vector_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> GymnasiumVecEnv:
    """n_envs lanes of gym.make_vec(id): "sync", in this process, or "async", a process each. kwargs go to the environments, vector_kwargs to what steps them.

    They are reset by us, AutoresetMode.DISABLED: in SAME_STEP Gymnasium puts the infos of ends and of beginnings into common arrays, whose type is that of the
    first, so that FrozenLake's `prob` of ⅓ becomes 0. ValueError for "vector_entry_point", where the environment steps its lanes itself, if it begins episodes
    in a step of their own.
    """
    own = {} if vectorization_mode == "vector_entry_point" else {"autoreset_mode": AutoresetMode.DISABLED}
    return GymnasiumVecEnv(gym.make_vec(id, n_envs, vectorization_mode, {**own, **(vector_kwargs or {})}, **kwargs))
