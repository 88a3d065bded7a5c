"""Bandits: one state, k arms, and rewards whose means are not known.

    from_scratch/KArmedTestbed-v0     means q*(a) ~ N(0, 1), rewards N(q*(a), 1)                      Sutton & Barto 2018, §2.3
    from_scratch/DriftingTestbed-v0   the same, but all means start equal and take random walks       exercise 2.5
    from_scratch/BernoulliBandit-v0   rewards are 1 with probability p(a) ~ U(0, 1), 0 otherwise

Every reset draws a new problem, as the book's averages over problems need it, unless `task_seed` fixes one or `values` gives one. A model is then
scored on the problem that it learnt: studies (`sb3-course compare`) take task_seed 0 unless told otherwise. An episode is one run of the testbed:
it is cut short after 1000 steps (10,000 where the means drift), and gym.make's max_episode_steps gives it another length. `optimal` is the best
arm at the moment, `values` are all means: figures read them with get_attr, agents do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.envs.chains.finite import draws_nothing
from from_scratch.envs.vector.lanes import LaneVecEnv

AHEAD = 256  # numbers drawn from a lane's stream at once, at least


class BanditLanes(LaneVecEnv):
    """n bandits at once. Numbers are drawn in blocks (the same ones), so `np_random` is ahead of what has been used."""

    of_each_lane = ("values", "numbers", "used")

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        k = self.scalar.k
        self.values = np.zeros((k, n_envs))  # q*(a)
        self.numbers = np.zeros((max(AHEAD, 8 * (1 + k)), n_envs))
        self.used = np.full(n_envs, len(self.numbers))

    def reseed(self, lane: int, seed: int | None) -> None:
        super().reseed(lane, seed)
        self.used[lane] = len(self.numbers)

    def _need(self, lane: int, n: int) -> None:
        """Have the lane's next n numbers ready."""
        if self.used[lane] + n > len(self.numbers):
            rest = self.numbers[self.used[lane] :, lane]
            self.numbers[:, lane] = np.concatenate([rest, self.scalar.draw(self.streams[lane], len(self.numbers) - len(rest))])
            self.used[lane] = 0

    def begin(self, lane: int, options: Mapping[str, Any] | None) -> int:
        if self.scalar.given is not None:
            self.values[:, lane] = self.scalar.given
            return 0
        k = len(self.values)
        self._need(lane, k)
        self.values[:, lane] = self.scalar.problem(self.numbers[self.used[lane] : self.used[lane] + k, lane])
        self.used[lane] += k
        return 0

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, lanes = self.scalar.numbers_per_step, np.arange(self.num_envs)
        for lane in (self.used + n > len(self.numbers)).nonzero()[0].tolist():
            self._need(lane, n)
        numbers = self.numbers[self.used + np.arange(n)[:, None], lanes]  # [n, lanes]
        self.used += n
        rewards = self.scalar.reward(self.values[actions, lanes], numbers[0])
        self.values = self.scalar.after(self.values, numbers[1:])
        return rewards, np.zeros(self.num_envs, bool)

    def observe(self) -> np.ndarray:
        return np.zeros(self.num_envs, self.observation_space.dtype)

    def state_of(self, lane: int) -> int:
        return 0

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "optimal":
            return [int(arm) for arm in self.values.argmax(0)[list(self._get_indices(indices))]]
        if attr_name == "values":
            return [self.values[:, lane].copy() for lane in self._get_indices(indices)]
        return super().get_attr(attr_name, indices)


class Bandit(gym.Env):
    """Observation: always 0, of Discrete(1). Action: the arm, of Discrete(k).

    A kind of bandit says how its random numbers are drawn, and what they mean: the equations serve one bandit and the lanes alike.
    """

    metadata: dict[str, Any] = {"render_modes": []}
    lanes: ClassVar[type[LaneVecEnv]] = BanditLanes
    observation_space = spaces.Discrete(1)
    numbers_per_step = 1  # the reward's, then those of `after`

    def __init__(self, k: int = 10, values: Sequence[float] | None = None, task_seed: int | None = None, render_mode: str | None = None):
        draws_nothing(self, render_mode)
        if values is not None and task_seed is not None:
            raise ValueError(f"values={list(values)}, task_seed={task_seed}: each says what the arms are. Give one of them.")
        self.given = None if values is None else np.array(values, dtype=float)
        if task_seed is not None:
            self.given = self.problem(self.draw(np.random.default_rng(task_seed), k))
        self.k = k if self.given is None else len(self.given)
        self.action_space = spaces.Discrete(self.k)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.values = self.given if self.given is not None else self.problem(self.draw(self.np_random, self.k))
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        numbers = self.draw(self.np_random, self.numbers_per_step)
        reward = float(self.reward(self.values[action], numbers[0]))
        self.values = self.after(self.values, numbers[1:])
        return 0, reward, False, False, {}

    @property
    def optimal(self) -> int:
        """The arm with the greatest mean."""
        return int(self.values.argmax())

    def draw(self, stream: np.random.Generator, n: int) -> np.ndarray:
        """n random numbers of the kind that the equations below take."""
        raise NotImplementedError

    def problem(self, numbers: np.ndarray) -> np.ndarray:
        """The means q*(a) [k] of a new problem, from k numbers."""
        raise NotImplementedError

    def reward(self, value: Any, number: Any) -> Any:
        """The reward of an arm with this mean."""
        raise NotImplementedError

    def after(self, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The means after a step."""
        return values


class KArmedTestbed(Bandit):
    """q*(a) ~ N(mean, spread²); a reward is N(q*(a), noise²); after every step each q*(a) moves by N(0, drift²).

    Figure 2.5 has mean = 4; exercise 2.5 has spread = 0 and drift = 0.01.
    """

    def __init__(
        self,
        k: int = 10,
        mean: float = 0.0,
        spread: float = 1.0,
        noise: float = 1.0,
        drift: float = 0.0,
        values: Sequence[float] | None = None,
        task_seed: int | None = None,
        render_mode: str | None = None,
    ):
        self.mean, self.spread, self.noise, self.drift = mean, spread, noise, drift
        super().__init__(k, values, task_seed, render_mode)
        self.numbers_per_step = 1 + self.k if drift else 1

    def draw(self, stream: np.random.Generator, n: int) -> np.ndarray:
        return stream.standard_normal(n)

    def problem(self, numbers: np.ndarray) -> np.ndarray:
        return self.mean + self.spread * numbers

    def reward(self, value: Any, number: Any) -> Any:
        return value + self.noise * number

    def after(self, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return values + self.drift * numbers if self.drift else values


class BernoulliBandit(Bandit):
    """p(a) ~ U(0, 1); a reward is 1 with probability p(a), and 0 otherwise."""

    def __init__(self, k: int = 10, values: Sequence[float] | None = None, task_seed: int | None = None, render_mode: str | None = None):
        super().__init__(k, values, task_seed, render_mode)
        if self.given is not None and not ((self.given >= 0) & (self.given <= 1)).all():
            raise ValueError(f"values={values}: the arms of a BernoulliBandit have probabilities, between 0 and 1.")

    def draw(self, stream: np.random.Generator, n: int) -> np.ndarray:
        return stream.random(n)

    def problem(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.copy()

    def reward(self, value: Any, number: Any) -> Any:
        return (number < value) * 1.0
