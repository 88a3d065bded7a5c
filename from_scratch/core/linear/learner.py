"""Linear function approximation: v̂(s, w) = wᵀx(s), and q̂(s, a, w) = wᵀx(s, a), x(s, a) being x(s) in the place of action a and 0 elsewhere.

A class is its weights, its memory and one compiled function, the update that its box in the book writes for one step of one seed:

    update(m, i, x, r, x_next, discount, done, rho)

`m` holds all arrays of the class, [S, ...], of which seed i's row is its own: weights, memory such as traces, and parameters such as α.
x and x_next are features as (index [k], value [k]); in control those of the actions taken, so that Sarsa is TD on pairs. discount is γ, and
0 where the episode terminated; done says that it ended, by whatever cause. rho is π(A|S)/b(A|S). It returns what the log calls the TD error.
The functions are plain Python that numba compiles: to read, and to run, either way.

Where nothing watches each step, and environment and features are arrays (`vectorised`), the whole turn is compiled (core/linear/loop.py):
the same numbers, to the bit, at a thousandth of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numba import njit
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import Step
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.linear import loop as linear_loop
from from_scratch.core.linear.features import Features, Sparse, make_features
from from_scratch.core.linear.policy import LinearPolicy
from from_scratch.core.loops.learner import Learner
from from_scratch.core.tabular.tables import Tables

compiled = njit(cache=True, error_model="numpy")  # machine code is kept beside the file of the function


@compiled
def dot(w: np.ndarray, x: Sparse) -> float:
    """wᵀx"""
    index, value = x
    total = 0.0
    for j in range(len(index)):
        total += w[index[j]] * value[j]
    return total


@compiled
def add(w: np.ndarray, c: float, x: Sparse) -> None:
    """w ← w + c x"""
    index, value = x
    for j in range(len(index)):
        w[index[j]] += c * value[j]


@compiled
def action_values(w: np.ndarray, index: np.ndarray, value: np.ndarray, q: np.ndarray) -> None:
    """q [M, n_actions] ← q̂(s, ·) of M states with features index and value [M, k], state m by the weights w[m] [n_actions·n]."""
    for m in range(len(q)):
        n = w.shape[1] // q.shape[1]
        for a in range(q.shape[1]):
            q[m, a] = dot(w[m, a * n : (a + 1) * n], (index[m], value[m]))


class Linear(Tables, Learner):
    """What prediction and control share: features, the arrays `m`, and one update per step and seed."""

    learning_rate = 0.01  # α
    features: str | Callable[..., Features] = "auto"  # x(s): a name, a class or a function of the observation space (core/linear/features.py)
    features_kwargs: dict[str, Any] | None = None

    policy_aliases = {"LinearPolicy": LinearPolicy}
    saved = ("memory",)

    largest_step: ClassVar[float] = np.inf  # what overshoots depends on how long x is
    update: ClassVar[Callable]
    arrays: ClassVar[Callable]  # the NamedTuple of what the update reads and writes: tables, memory, parameters and alpha
    chooses: ClassVar[bool]  # does it act on what it learns?
    off_policy: ClassVar[bool] = False  # x_next is that of the greedy action, and rho is 0 where the action taken is another one
    stretch: ClassVar[int] = 10_000  # most steps of one compiled turn
    compile_from: ClassVar[int] = 20_000  # steps that are worth compiling for

    def new_memory(self) -> dict[str, np.ndarray]:
        """What an update remembers of earlier steps, zeros [S, ...]; forgotten where environments are reset from outside."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """Numbers that the update reads beside α: one for all seeds, or one for each."""
        return {}

    # ------------------------------------------------------------------------------------------------------------ construction
    def check(self) -> None:
        super().check()
        check_range(self, "beta", low=0)
        check_range(self, "lambda_", low=0, high=1)

    def check_observations(self) -> None:
        make_features(self.observation_space, self.features, self.features_kwargs)

    @property
    def n_weights(self) -> int:
        """How long w is."""
        return self.x.n * (self.n_actions if self.chooses else 1)

    def tables(self) -> dict[str, np.ndarray]:
        return {"w": np.zeros(self.n_weights)}

    def policy_arguments(self) -> dict[str, Any]:
        own = {"features": self.features, "features_kwargs": self.features_kwargs, "pi": getattr(self, "pi", None)}
        return {"acts_on": "w" if self.chooses else None, **own}

    def new_policy(self) -> BasePolicy:
        self.x = make_features(self.observation_space, self.features, self.features_kwargs)
        return super().new_policy()

    def _setup_model(self) -> None:
        super()._setup_model()
        if self.env is not None and self.n_envs > 1:
            raise ValueError(f"{type(self).__name__} plays one environment per seed, but {self.n_envs} were given.")

    def build(self) -> None:
        self.x = self._policies[0].x
        if "memory" not in self.__dict__:
            self.memory = self.new_memory()
        super().build()
        self._loop = None  # compiled when it is worth it
        self.keep_history([])

    def _bind(self) -> None:
        super()._bind()
        self._collect()

    def _collect(self) -> None:
        """Gather all arrays in `m`. Parameters that somebody set there stay."""
        numbers = {"alpha": 0.0, **self.parameters()}
        known = getattr(self, "m", None)
        mine = {name: np.broadcast_to(np.asarray(x, dtype=np.float64), self.n_seeds).copy() for name, x in numbers.items()}
        if known is not None:
            mine = {name: getattr(known, name) for name in mine}
        learnt = {name: getattr(self, name) for name in self._policies[0].tables}
        self.m = self.arrays(**{**learnt, **self.memory, **mine})

    def reserve(self, steps: int) -> None:
        """Called before the next `steps` updates: make room for what they will remember."""

    def begin(self) -> None:
        for array in self.memory.values():
            array[:] = 0

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "x"]

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.memory = {name: array[k : k + 1].copy() for name, array in self.memory.items()}

    # ------------------------------------------------------------------------------------------------------------------- a step
    def learn_from(self, x: Sparse, step: Step, x_next: Sparse, rho: np.ndarray) -> None:
        """The update of every seed, from features [S, k], what the step between them brought, and ratios [S]."""
        self.reserve(1)
        m, (index, value), (index_next, value_next) = self.m, x, x_next
        r, discount, done = step.r.astype(np.float64), step.discount(self.gamma), step.done
        m.alpha[:] = self.alpha
        δ = [
            self.update(m, i, (index[i], value[i]), r[i], (index_next[i], value_next[i]), discount[i], done[i], rho[i])
            for i in range(self.n_seeds)
        ]  # fmt: skip
        self.keep(np.array(δ))
        for i in step.ended:
            linear_loop.remember(self.history, i, m.w[i])

    def policy_tables(self) -> tuple[np.ndarray, np.ndarray]:
        """What the compiled loop chooses from, if not from q̂."""
        return np.zeros((1, 1)), np.zeros((1, 1))

    def episodes_ended(self, episodes: list[tuple[int, int, float, int]]) -> None:
        """Keep the statistics of episodes that ended in a compiled run: when, which seed, return and length, in this order."""
        for _, i, episode_return, length in episodes:
            self.ep_info_buffers[i].append({"r": round(episode_return, 6), "l": length, "t": round((time.time_ns() - self.start_time) / 1e9, 6)})
            self._episode_num += 1
            if self._log_interval is not None and self._episode_num % self._log_interval == 0:
                self.dump_logs()

    def keep_history(self, episodes: Sequence[int]) -> None:
        """From now on, keep a copy of each seed's w after these episodes, counted from 1: `history.w` [S, len(episodes), n], NaN until then."""
        at = np.unique(np.asarray(episodes, dtype=np.int64))
        self.history = linear_loop.History(at, np.full((self.n_seeds, len(at), self.w.shape[1]), np.nan), np.zeros(self.n_seeds, np.int64))

    def iterate(self) -> None:
        steps = linear_loop.steps_for(self)
        if steps:
            linear_loop.run(self, steps)
        else:
            self.step()

    def step(self) -> None:
        """One step of every seed."""
        raise NotImplementedError(f"{type(self).__name__} must say what one step is.")

    # -------------------------------------------------------------------------------------------------------------- what is learnt
    @property
    def values(self) -> np.ndarray:
        """v̂(s) [n_states], or max_a q̂(s, a), of all states of a Discrete space; [S, n_states] for several seeds."""
        q = self.of_states()
        v = q.max(-1) if self.chooses else q[..., 0]
        return v[0] if self.n_seeds == 1 else v

    def of_states(self) -> np.ndarray:
        """wᵀx of all states of a Discrete space, [S, n_states, n_actions]; [S, n_states, 1] where the weights are not of actions."""
        if not isinstance(self.observation_space, spaces.Discrete):
            raise AttributeError(f"{self.observation_space} has no list of states: ask model.policy.values(observations).")
        states = np.arange(self.observation_space.n) + self.observation_space.start
        return np.einsum("mn,san->sma", self.x(states), self.w.reshape(self.n_seeds, -1, self.x.n))

    w: np.ndarray  # [S, n_weights]
