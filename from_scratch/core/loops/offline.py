"""Learning from a data set: draw a batch, take a gradient step, and never play."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.utils import check_for_correct_spaces

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.data import Transition, tree_map
from from_scratch.core.datasets import BadDataset, Dataset, as_dataset
from from_scratch.core.loops.networked import Networked
from from_scratch.core.replay.recorded import Recorded

NOT_CONSTANT = 1e-3  # added to standard deviations, as Fujimoto & Gu 2021 do


class SpacesOnly(gym.Env):
    """Spaces, and nothing that could be played: the environment of a model that was given none."""

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space):
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict]:
        """An observation that says nothing: training begins with one, and never looks at it."""
        space = self.observation_space
        space.seed(0)
        return space.sample(), {}

    def step(self, action: Any) -> Any:
        raise RuntimeError("This model has only the spaces of its data set, and no environment to play: give it one by set_env(...).")


class Offline(Networked):
    """Take gradient steps on batches of a data set: the loop of all that learn from recorded steps.

    `env` may be an environment, which is for its spaces and for those who evaluate; a pair (observation_space, action_space); or None: then the spaces are
    the data set's. `total_timesteps` and `num_timesteps` count gradient steps, as do callbacks and `log_interval`.
    """

    learning_rate: float | Callable[[float], float] = 3e-4
    dataset: Dataset | str | Any = None
    normalise_states: bool = False
    batch_size: int = 256  # N
    gamma: float = 0.99  # γ

    log_interval = 1000  # gradient steps
    plays = False
    not_copied = (*Networked.not_copied, "memory")

    # -------------------------------------------------------------------------------------------------------------------- data
    def _construct(self, policy: Any, env: Any, *args: Any, **given: Any) -> None:
        dataset = given.get("dataset")
        if env is None and dataset is not None:
            data = given["dataset"] = as_dataset(dataset)
            env = (data.observation_space, data.action_space)
        if isinstance(env, tuple):
            both = env
            if [isinstance(part, spaces.Space) for part in both] != [True, True]:
                kinds = ", ".join(type(part).__name__ for part in both)
                raise ValueError(f"env is a tuple of ({kinds}): give an environment, or the pair (observation_space, action_space) of Gymnasium's spaces.")
            env = lambda: SpacesOnly(*both)
        super()._construct(policy, env, *args, **given)

    def _setup_model(self) -> None:
        if getattr(self, "observation_space", None) is None:
            name = type(self).__name__
            raise ValueError(f"{name} was given neither an environment, nor a pair of spaces, nor a data set that says them: {name}(policy, None, dataset=…).")
        super()._setup_model()

    def _setup_buffers(self) -> None:
        self.data: Dataset | None = None
        self._dataset_of_data: Any = None
        if self.dataset is not None:
            self.set_dataset(self.dataset)

    def set_dataset(self, dataset: Any) -> None:
        """Learn from this data set from now on. BadDataset if it is of other spaces than the model.

        A model that normalises states does so by the mean and the deviation of the first data set that it was given.
        """
        data = as_dataset(dataset, self.observation_space, self.action_space)
        try:
            check_for_correct_spaces(_Spaces(data), self.observation_space, self.action_space)  # type: ignore[arg-type]
        except ValueError as error:
            raise BadDataset(f"Data set {data.name!r} does not fit the model. {error}") from None
        self.dataset, self.data, self._dataset_of_data = dataset, data, dataset
        self.learnt_from = {"name": data.name, "steps": len(data), "hash": data.hash}
        if self.normalise_states and getattr(self, "state_mean", None) is None:
            self.state_mean, self.state_scale = map(np.ndarray.tolist, self._statistics_of(data))  # plain numbers, which a file holds as text
        self.__dict__.pop("memory", None)

    def _statistics_of(self, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
        if not isinstance(self.observation_space, spaces.Box):
            raise ValueError(f"normalise_states: observations are of {self.observation_space}; only those of a Box can be normalised.")
        seen = data.observations.astype(np.float64)
        return seen.mean(0), seen.std(0) + NOT_CONSTANT

    def seen(self, obs: Any) -> Any:
        """Observations as the networks are given them: normalised, if the model does so."""
        if not self.normalise_states or getattr(self, "state_mean", None) is None:
            return obs
        return ((obs - np.asarray(self.state_mean)) / np.asarray(self.state_scale)).astype(np.float32)

    def bind_memory(self) -> None:
        """Read the data set that is there now: a user may have given the model another, by its attribute."""
        if self.dataset is not None and self.dataset is not self._dataset_of_data:
            self.set_dataset(self.dataset)
        if self.data is None:
            name = type(self).__name__
            raise ValueError(f"{name} learns from a data set, and has none: {name}(policy, env, dataset=…), load(path, dataset=…), or set_dataset(…).")
        if not hasattr(self, "memory") or self.memory.rng is not self._rng:
            self.memory = self.new_memory(self.data)

    def new_memory(self, data: Dataset) -> Any:
        """What batches are drawn from."""
        return Recorded(*self.as_networks_see(data))

    def as_networks_see(self, data: Dataset) -> tuple[Any, ...]:
        """A memory's arguments: the data set, random numbers, the device, and how actions and observations are given to networks."""
        scaled = self.scale_actions if isinstance(self.action_space, spaces.Box) else lambda actions: actions
        return data, self._rng, self.device, scaled, self.seen

    def scale_actions(self, actions: np.ndarray) -> np.ndarray:
        """Actions of a Box, from its bounds to [−1, 1]."""
        space: Any = self.action_space
        low, high = space.low, space.high
        return np.clip(2 * (actions - low) / (high - low) - 1, -1, 1)

    def _excluded_save_params(self) -> list[str]:
        more = [] if isinstance(self.dataset, str) else ["dataset"]  # one that has a name is found again by it
        return [*super()._excluded_save_params(), "data", "_dataset_of_data", "memory", *more]

    def _hand_over(self, model: Any, k: int) -> None:
        model.data, model.dataset, model._dataset_of_data = self.data, self.dataset, self._dataset_of_data

    # ----------------------------------------------------------------------------------------------------------------- learning
    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        if self.env is None and self.data is not None:  # of a file
            self.set_env(lambda: SpacesOnly(self.observation_space, self.action_space))
        self._complete()
        self.bind_memory()
        return super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)

    def iterate(self) -> None:
        self.train(1, self.batch_size)
        self.num_timesteps += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._callback.update_locals(locals())
        go_on = self._callback.on_step()
        due = self._log_interval and self.num_timesteps % self._log_interval == 0
        if due or self.num_timesteps % type(self).log_interval == 0:
            self.end_training()
        if due:
            self.dump_logs()
        if not go_on:
            raise StopTraining
        if self.heeds:
            self.heed()

    def train(self, gradient_steps: int, batch_size: int = 256) -> None:
        """Take gradient steps, each on a batch of every seed, drawn from the data set."""
        self.bind_memory()
        self.begin_training()
        for _ in range(gradient_steps):
            self.updates += 1
            self.update(self.memory.sample(batch_size, self.gamma))
        self._n_updates = int(self.updates.max())

    def update(self, b: Transition) -> None:
        """Learn from one batch, every field [S, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from recorded transitions.")

    # ------------------------------------------------------------------------------------------------------------------- acting
    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return super().act(self.seen(obs), deterministic)

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As in SB3, for observations as the environment gives them. model.policy alone is given normalised ones, if the model normalises."""
        return super().predict(tree_map(self.seen, observation), state, episode_start, deterministic)


class _Spaces:
    def __init__(self, data: Dataset):
        self.observation_space, self.action_space = data.observation_space, data.action_space
