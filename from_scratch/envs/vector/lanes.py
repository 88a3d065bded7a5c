"""What vectorised environments share: streams, episodes, time limits and infos as SB3's DummyVecEnv gives them around Monitor and TimeLimit."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

WITHOUT_EFFECT = (Monitor, OrderEnforcing, PassiveEnvChecker, TimeLimit)  # wrappers whose work is done here, or that only look on


class LaneVecEnv(VecEnv):
    """n environments of one kind, lane by lane equal to the scalar one: the same seed and actions give the same bits.

    A subclass says how an episode begins in one lane (`begin`), what a step does in all of them (`advance`), and what they see (`observe`).
    `seed(s)` seeds lane i with s + i at the next reset; from then on every lane draws from a NumPy generator of its own.
    The infos' `episode` is Monitor's, whose sum of rewards is plain up to Python 3.11; later ones round it more finely, before its 6 digits.
    """

    constants: ClassVar[tuple[str, ...]] = ()  # attributes of the scalar environment that the equations read: set_attr may change them
    tells_episodes_at_their_ends = True  # no info has an `episode` where none ended
    tells_at_reset = True  # does reset_info say anything?
    of_each_lane: ClassVar[tuple[str, ...]] = ("elapsed", "returns")  # arrays [..., n]: what `select` picks from, beside the streams
    drawn_ahead: ClassVar[tuple[str, ...]] = ()  # arrays of numbers that the streams have given, and no lane has used
    assumed: ClassVar[Mapping[str, Any]] = {}  # variants of the scalar environment that are not vectorised: attribute and the value it must have

    def __init__(self, env: gym.Env, n_envs: int):
        """`env` is one environment as it comes from gym.make: spaces, constants and the time limit are read from it, it is never stepped."""
        self.scalar: Any = env.unwrapped
        self.name = env.spec.id if env.spec is not None else type(self.scalar).__name__
        if n_envs < 1:
            raise ValueError(f"n_envs={n_envs}: {self.name} needs at least one lane.")
        if env.render_mode is not None:
            raise ValueError(f"render_mode={env.render_mode!r}: {self._no_pictures()}")
        for attribute, value in self.assumed.items():
            if (found := getattr(self.scalar, attribute, value)) != value:
                raise ValueError(f"{attribute}={found!r} of {self.name} is not vectorised, only {value!r} is. Use SB3's make_vec_env.")
        self.time_limit = self._time_limit(env)
        self._shared: dict[str, Any] = {
            "spec": env.spec,
            "render_mode": None,
            "metadata": env.metadata,
            "unwrapped": self.scalar,
            "observation_space": env.observation_space,
            "action_space": env.action_space,
        }
        super().__init__(n_envs, env.observation_space, env.action_space)

        self.streams: dict[int, np.random.Generator] = {}  # one per lane, from the first reset on
        self.elapsed = np.zeros(n_envs, np.int64)  # steps of the lanes' episodes so far
        self.returns = np.zeros(n_envs)  # ... and the sums of their rewards
        self._started = time.time()

    def _time_limit(self, env: gym.Env) -> float:
        """The smallest limit of the TimeLimit wrappers, ∞ without one. ValueError for wrappers whose work the lanes would leave out."""
        limit = np.inf
        while isinstance(env, gym.Wrapper):
            if not isinstance(env, WITHOUT_EFFECT) or getattr(env, "results_writer", None) is not None:
                raise ValueError(f"{type(env).__name__} around {self.name} would be left out by its vectorised form. Take it off, or use SB3's make_vec_env.")
            if isinstance(env, TimeLimit):
                limit = min(limit, env._max_episode_steps)
            env = env.env
        return limit

    # ------------------------------------------------------------------------------------------------------------ for the subclass
    def begin(self, lane: int, options: Mapping[str, Any] | None) -> Any:
        """Begin an episode in one lane, with Gymnasium's reset options: what is seen there."""
        raise NotImplementedError

    def begin_each(self, lanes: np.ndarray) -> Any:
        """Begin an episode in these lanes, without options: what is seen there, [k, ...]. For many lanes at once, one by one is slow."""
        return [self.begin(lane, None) for lane in lanes.tolist()]

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the actions [n, ...] in all lanes: rewards [n] as float64, and which lanes terminated [n]."""
        raise NotImplementedError

    def observe(self) -> np.ndarray:
        """What is seen in all lanes, [n, ...]: an array of its own."""
        raise NotImplementedError

    def state_of(self, lane: int) -> Any:
        """The scalar environment's `state` (a table's `s`)."""
        raise NotImplementedError

    def reseed(self, lane: int, seed: int | None) -> None:
        """Give the lane a new stream; without a seed one from the operating system."""
        self.streams[lane] = seeding.np_random(seed)[0]

    def step_infos(self) -> list[dict[str, Any]]:
        """The infos of a step that ended no episode."""
        return [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]

    def reset_info(self, lane: int) -> dict[str, Any]:
        return {}

    # ---------------------------------------------------------------------------------------------------------------- SB3's VecEnv
    def reset(self) -> np.ndarray:
        first = []
        for lane, seed in enumerate(self._seeds):
            if seed is not None or lane not in self.streams:
                self.reseed(lane, seed)
            self.elapsed[lane], self.returns[lane] = 0, 0.0
            first.append(self.begin(lane, self._options[lane] or None))
            self.reset_infos[lane] = self.reset_info(lane)
        self._reset_seeds()
        self._reset_options()
        return np.array(first, self.observation_space.dtype)

    def begin_again(self, lanes: np.ndarray) -> np.ndarray:
        """Break off the episodes of these lanes and begin others: what is seen there, [k, ...]."""
        self.elapsed[lanes], self.returns[lanes] = 0, 0.0
        first = np.array(self.begin_each(lanes), self.observation_space.dtype)
        for lane in lanes.tolist():
            self.reset_infos[lane] = self.reset_info(lane)
        return first

    def step_async(self, actions: np.ndarray) -> None:
        if not self.streams:
            raise RuntimeError(f"{self.name} has not begun: call reset() before step().")
        space, actions = self.action_space, np.asarray(actions)
        if actions.shape != (self.num_envs, *space.shape):
            raise ValueError(f"Actions of shape {actions.shape} for {self.num_envs} lanes of {self.name}; they must be {(self.num_envs, *space.shape)}.")
        if isinstance(space, spaces.Discrete) and (actions.dtype.kind not in "iu" or not 0 <= actions.min() <= actions.max() < space.n):
            raise ValueError(f"Actions {actions} for {self.name}; they must be integers from 0 to {space.n - 1}.")
        self.actions = actions.astype(space.dtype, copy=False)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        rewards, terminated = self.advance(self.actions)
        obs, infos = self.observe(), self.step_infos()
        self.elapsed += 1
        self.returns += rewards
        truncated = self.elapsed >= self.time_limit
        dones = terminated | truncated
        ended = dones.nonzero()[0]
        if len(ended):
            now, cut, last = round(time.time() - self._started, 6), (truncated & ~terminated)[ended].tolist(), obs[ended]
            for lane, r, length, is_cut, seen in zip(ended.tolist(), self.returns[ended].tolist(), self.elapsed[ended].tolist(), cut, last, strict=True):
                info = infos[lane]
                info["TimeLimit.truncated"], info["terminal_observation"] = is_cut, seen
                info["episode"] = {"r": round(r, 6), "l": length, "t": now}
            self.elapsed[ended], self.returns[ended] = 0, 0.0
            obs[ended] = self.begin_each(ended)
            if self.tells_at_reset:
                for lane in ended.tolist():
                    self.reset_infos[lane] = self.reset_info(lane)
        return obs, rewards.astype(np.float32), dones, infos

    def seed_lanes(self, seeds: Sequence[int]) -> None:
        """Seed every lane at the next reset, lane i with seeds[i]."""
        self._seeds = list(seeds)

    def select(self, lanes: Sequence[int]) -> Self:
        """A copy of some lanes, as they are: it goes on by itself, with the same numbers."""
        other, lanes = copy.copy(self), list(lanes)
        VecEnv.__init__(other, len(lanes), self.observation_space, self.action_space)
        for name in {*LaneVecEnv.of_each_lane, *self.of_each_lane}:
            setattr(other, name, getattr(self, name)[..., lanes].copy())
        other.streams = {i: copy.deepcopy(self.streams[lane]) for i, lane in enumerate(lanes) if lane in self.streams}
        other._seeds, other._options = [self._seeds[lane] for lane in lanes], [self._options[lane] for lane in lanes]
        other.reset_infos = [dict(self.reset_infos[lane]) for lane in lanes]
        return other

    def get_state(self) -> dict[str, Any]:
        """Where the lanes stand, as plain data: a checkpoint holds it, and `set_state` puts it back."""
        arrays = {name: getattr(self, name) for name in sorted({*LaneVecEnv.of_each_lane, *self.of_each_lane, *self.drawn_ahead})}
        drawn = [self.streams[lane].bit_generator.state if lane in self.streams else None for lane in range(self.num_envs)]
        return {"arrays": arrays, "streams": drawn, "seeds": self._seeds, "options": self._options}

    def set_state(self, state: dict[str, Any]) -> None:
        for lane, of_lane in enumerate(state["streams"]):
            if of_lane is not None:
                self.reseed(lane, 0)
                self.streams[lane].bit_generator.state = of_lane
        for name, array in state["arrays"].items():
            getattr(self, name)[...] = array
        self._seeds, self._options = state["seeds"], state["options"]

    def close(self) -> None:
        self.scalar.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """What the environments have in common (constants, spaces, spec …, `unwrapped`: the one they were made from), and each lane's
        own `state` and `np_random`. AttributeError for anything else: there are no environment objects to ask."""
        lanes = list(self._get_indices(indices))
        if attr_name == "state":
            return [self.state_of(lane) for lane in lanes]
        if attr_name == "np_random":
            return [self.streams[lane] for lane in lanes]
        if attr_name in self._shared:
            return [self._shared[attr_name] for _ in lanes]
        if attr_name in self.constants:
            return [getattr(self.scalar, attr_name) for _ in lanes]
        raise AttributeError(f"The lanes of {self.name} have no {attr_name}; they have {', '.join(('state', 'np_random', *self._shared, *self.constants))}.")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set a constant of the equations, for all lanes."""
        if attr_name not in self.constants:
            raise AttributeError(f"{attr_name} of {self.name} cannot be set; what can be is: {', '.join(self.constants) or 'nothing'}.")
        if len(set(self._get_indices(indices))) < self.num_envs:
            raise ValueError(f"{attr_name} of {self.name} is one number for all {self.num_envs} lanes. Leave indices out, or make vector environments apart.")
        setattr(self.scalar, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise AttributeError(f"{method_name}: the lanes of {self.name} are arrays, not objects with methods. Use SB3's make_vec_env where methods are called.")

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:
        """True for Monitor, whose `episode` infos these environments give; False for anything else."""
        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]

    def _no_pictures(self) -> str:
        return f"the vectorised {self.name} draws no pictures. Evaluate on gym.make(..., render_mode=...) for them."

    def get_images(self) -> NoReturn:
        raise NotImplementedError(f"get_images: {self._no_pictures()}")

    def render(self, mode: str | None = None) -> NoReturn:
        raise NotImplementedError(f"render: {self._no_pictures()}")
