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
import torch
from gymnasium import spaces
from numba import njit
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import LinearSchedule

from from_scratch.core.addresses import saved
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.linear import loop as linear_loop
from from_scratch.core.linear.features import Features, Sparse, make_features
from from_scratch.core.tabular.learner import TabularLearner, greedy
from from_scratch.core.tabular.prediction import refuse_models

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


# ---------------------------------------------------------------------------------------------------------------------------- policy
@saved
class LinearPolicy(BasePolicy):
    """One seed's weights, by name, and the features they belong to.

    With `acts_on` the action is greedy on q̂ with the weights of that name; without it it is drawn from `pi`: probabilities [n_actions] or
    [n_states, n_actions], or a function of observations [M, ...] that gives [M, n_actions]; None: all actions alike.
    """

    observation_space: Any
    action_space: spaces.Discrete

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float] | None = None,
        tables: dict[str, tuple[int, ...]] | None = None,
        acts_on: str | None = "w",
        features: str | Callable[..., Features] = "auto",
        features_kwargs: dict[str, Any] | None = None,
        pi: Any = None,
    ):
        super().__init__(observation_space, action_space)
        self.x = make_features(observation_space, features, features_kwargs)
        self.features, self.features_kwargs, self.pi, self.acts_on = features, features_kwargs, pi, acts_on
        self.tables = tables or {"w": (self.x.n * (int(action_space.n) if acts_on else 1),)}
        for name, shape in self.tables.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def values(self, obs: Any, name: str = "w") -> np.ndarray:
        """q̂(s, ·) [M, n_actions] of observations [M, ...], or v̂(s) [M] where the weights are not of actions."""
        w = getattr(self, name).numpy().reshape(-1, self.x.n)
        values = self.x(obs) @ w.T
        return values if self.acts_on else values[:, 0]

    def probabilities(self, obs: np.ndarray) -> np.ndarray:
        """π(·|s) [M, n_actions] for observations [M, ...]."""
        return action_probabilities(self.pi, self.observation_space, int(self.action_space.n), obs)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        obs = observation.numpy()
        q = self.values(obs, self.acts_on) if self.acts_on else self.probabilities(obs)
        noise = torch.rand(q.shape, dtype=torch.float64).numpy()  # from the process, as SB3's policies draw
        if deterministic or self.acts_on:
            return torch.from_numpy(greedy(q, None if deterministic else noise) + self.action_space.start)
        return torch.from_numpy(drawn(q.cumsum(-1), noise[:, 0]) + self.action_space.start)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        names = ("observation_space", "action_space", "tables", "acts_on", "features", "features_kwargs", "pi")
        return {name: getattr(self, name) for name in names}


def action_probabilities(policy: Any, space: spaces.Space, n_actions: int, obs: np.ndarray) -> np.ndarray:
    """The probabilities [M, n_actions] of a policy as `LinearPolicy.pi` may be given."""
    if callable(policy):
        return np.asarray(policy(obs), dtype=float)
    if policy is None:
        return np.full((len(obs), n_actions), 1 / n_actions)
    table = np.asarray(policy)
    if table.ndim == 1 and table.dtype.kind in "iu":
        table = np.eye(n_actions)[table]
    return np.broadcast_to(table, (len(obs), n_actions)) if table.ndim == 1 else table[obs - space.start]  # type: ignore[attr-defined]


def drawn(cumulated: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The first action whose cumulated probability [..., n_actions] exceeds u [...]; the last one where rounding leaves none."""
    return np.minimum((cumulated <= u[..., None]).sum(-1), cumulated.shape[-1] - 1)


# -------------------------------------------------------------------------------------------------------------------------- learners
class Linear(TabularLearner):
    """What prediction and control share: features, the arrays `m`, and one update per step and seed."""

    learning_rate: float | Callable[[float], float] | Sequence[float] = 0.01  # α; a sequence has one for each seed
    gamma: float = 0.99  # γ
    features: str | Callable[..., Features] = "auto"  # x(s): a name, a class or a function of the observation space (core/linear/features.py)
    features_kwargs: dict[str, Any] | None = None

    initial_value: ClassVar[float] = 0.0
    learning_rate_decay: ClassVar[float] = 0.0
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

    def new_policy(self) -> BasePolicy:
        self.x = make_features(self.observation_space, self.features, self.features_kwargs)
        tables = self.tables()
        policy = self.policy_class(
            self.observation_space, self.action_space, self.lr_schedule, tables={name: table.shape for name, table in tables.items()},
            acts_on="w" if self.chooses else None, features=self.features, features_kwargs=self.features_kwargs, pi=getattr(self, "pi", None),
            **self.policy_kwargs,
        )  # fmt: skip
        for name, table in tables.items():
            getattr(policy, name).copy_(torch.from_numpy(table))
        return policy

    def _setup_model(self) -> None:
        super()._setup_model()
        if self.env is not None and self.n_envs > 1:
            raise ValueError(f"{type(self).__name__} plays one environment per seed, but {self.n_envs} were given.")

    def build(self) -> None:
        self.x = self.policy.x
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
        learnt = {name: getattr(self, name) for name in self.policy.tables}
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
    def transition(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Take the actions a [S]: R, the true successors' observations, the discounts behind them, and whether the episodes ended."""
        rewards, dones, infos = self.take(a)
        obs_next, discount = self._last_obs, np.full(self.n_seeds, self.gamma)
        if dones.any():
            obs_next = obs_next.copy()
            for lane in np.flatnonzero(dones):  # the vector environment has reset these: what they saw last is in their info
                obs_next[lane] = infos[lane]["terminal_observation"]
                if not infos[lane].get("TimeLimit.truncated", False):
                    discount[lane] = 0
        self._follow_schedules()
        return rewards.astype(np.float64), obs_next, discount, dones

    def learn_from(self, x: Sparse, r: np.ndarray, x_next: Sparse, discount: np.ndarray, done: np.ndarray, rho: np.ndarray) -> None:
        """The update of every seed, from features [S, k] and numbers [S]."""
        self.reserve(1)
        m, (index, value), (index_next, value_next) = self.m, x, x_next
        m.alpha[:] = self.alpha
        δ = [
            self.update(m, i, (index[i], value[i]), r[i], (index_next[i], value_next[i]), discount[i], done[i], rho[i])
            for i in range(self.n_seeds)
        ]  # fmt: skip
        self.keep(np.array(δ))
        for i in np.flatnonzero(done):
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


class LinearPrediction(Linear):
    """Learns v̂ ≈ v_π of a policy π that it is given, from steps of π, or of a behaviour policy b that takes every action that π takes."""

    pi: Any = None  # π(a|s) [n_states, n_actions] or [n_actions], actions [n_states], or a function of observations; None: every action equally often
    behaviour: Any = None  # b(a|s), given like π; None: π itself

    chooses = False

    def _check_policy(self, name: str) -> None:
        given = getattr(self, name)
        refuse_models(name, given)
        if given is None or callable(given):
            return
        table, states = np.asarray(given), self.observation_space
        n_states = int(states.n) if isinstance(states, spaces.Discrete) else None
        if table.shape == (n_states,) and table.dtype.kind in "iu" and ((table >= 0) & (table < self.n_actions)).all():
            return
        if table.shape not in ((self.n_actions,), (n_states, self.n_actions)) or (table < 0).any() or not np.allclose(table.sum(-1), 1):
            raise ValueError(
                f"{name} has the shape {table.shape}: it is a function of observations, probabilities [{self.n_actions}] or [n_states, {self.n_actions}] "
                "that sum to 1, or the numbers of actions [n_states], the last two for Discrete observations."
            )

    def check(self) -> None:
        super().check()
        if self.env is not None:
            self._check_policy("pi")
            self._check_policy("behaviour")

    def behave(self, obs: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Actions of b [S] and ρ = π(A|S)/b(A|S) [S]; observations [S, ...], u [S] in [0, 1)."""
        pi = action_probabilities(self.pi, self.observation_space, self.n_actions, obs)
        if self.behaviour is None:
            return drawn(pi.cumsum(-1), u), np.ones(len(obs))
        b = self._covering(action_probabilities(self.behaviour, self.observation_space, self.n_actions, obs), pi)
        a = drawn(b.cumsum(-1), u)
        return a, pi[self.i, a] / b[self.i, a]

    @staticmethod
    def _covering(b: np.ndarray, pi: np.ndarray) -> np.ndarray:
        if ((b == 0) & (pi > 0)).any():
            raise ValueError("pi takes an action that behaviour never takes: importance sampling needs b(a|s) > 0 wherever π(a|s) > 0.")
        return b

    def policy_tables(self) -> tuple[np.ndarray, np.ndarray]:
        """The cumulated behaviour policy and π/b in all states of a Discrete space, [n_states, n_actions]."""
        states = np.arange(self.observation_space.n) + self.observation_space.start  # type: ignore[attr-defined]
        pi = action_probabilities(self.pi, self.observation_space, self.n_actions, states)
        if self.behaviour is None:
            return pi.cumsum(-1), np.ones(pi.shape)
        b = self._covering(action_probabilities(self.behaviour, self.observation_space, self.n_actions, states), pi)
        return b.cumsum(-1), np.divide(pi, b, out=np.zeros(pi.shape), where=b > 0)

    def step(self) -> None:
        obs = self._last_obs
        a, rho = self.behave(obs, self._rng.uniform(1)[:, 0])
        r, obs_next, discount, done = self.transition(a)
        self.learn_from(self.x.sparse(obs), r, self.x.sparse(obs_next), discount, done, rho)

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        flat = obs.reshape(-1, *self.observation_space.shape)
        pi = action_probabilities(self.pi, self.observation_space, self.n_actions, flat).reshape(self.n_seeds, -1, self.n_actions)
        return greedy(pi) if deterministic else drawn(pi.cumsum(-1), self._rng.uniform(pi.shape[1]))


class LinearControl(Linear):
    """Learns q̂ while playing ε-greedily on it."""

    exploration_initial_eps: float = 0.1  # ε, from here
    exploration_final_eps: float = 0.1  # … to here
    exploration_fraction: float = 0.1  # … linearly, over this fraction of training

    chooses = True
    of_each_seed = ("action",)

    def check(self) -> None:
        super().check()
        for name in ("exploration_initial_eps", "exploration_final_eps", "exploration_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: a probability or a fraction lies between 0 and 1.")
        self.exploration_rate = self.exploration_initial_eps

    def build(self) -> None:
        super().build()
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction or 1e-12)

    def _follow_schedules(self) -> None:
        super()._follow_schedules()
        self.exploration_rate = self.now(self.exploration_schedule)

    def begin(self) -> None:
        super().begin()
        self.action = self.choose(self.q(self.x.sparse(self._last_obs)), self.draw())  # A, [S]

    def draw(self) -> np.ndarray:
        """The random numbers of one choice, [S, 2 + n_actions]: the coin, the random action, and the ties."""
        return self._rng.uniform(2 + self.n_actions)

    def q(self, x: Sparse) -> np.ndarray:
        """q̂(s, ·) [S, n_actions] from features [S, k]."""
        q = np.empty((self.n_seeds, self.n_actions))
        action_values(self.w, *x, q)
        return q

    def choose(self, q: np.ndarray, u: np.ndarray) -> np.ndarray:
        """ε-greedy actions [S], ties broken at random."""
        return np.where(u[:, 0] < self.exploration_rate, (u[:, 1] * self.n_actions).astype(np.int64), greedy(q, u[:, 2:]))

    def with_action(self, x: Sparse, a: np.ndarray) -> Sparse:
        """x(s, a)"""
        return x[0] + a[:, None] * self.x.n, x[1]

    def step(self) -> None:
        x = self.with_action(self.x.sparse(self._last_obs), self.action)
        r, obs_next, discount, done = self.transition(self.action)
        x_next, u = self.x.sparse(obs_next), self.draw()
        q = self.q(x_next)
        a_next, best = self.choose(q, u), greedy(q, u[:, 2:])  # A', and argmax_a q̂(S', a)
        is_greedy = q[self.i, a_next] == q.max(-1)
        ahead = np.where(is_greedy, a_next, best) if self.off_policy else a_next
        rho = is_greedy.astype(float) if self.off_policy else np.ones(self.n_seeds)
        self.learn_from(x, r, self.with_action(x_next, ahead), discount, done, rho)
        if done.any():  # where an episode ended, A' is not taken: another one begins. Its draw is free to be used again
            a_next = np.where(done, self.choose(self.q(self.x.sparse(self._last_obs)), u), a_next)
        self.action = a_next

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        n = obs.shape[1]
        q = np.stack([policy.values(obs[k]) for k, policy in enumerate(self._policies)])
        if deterministic:
            return greedy(q)
        u = self._rng.uniform(n, 2 + self.n_actions)
        return np.where(u[..., 0] < self.exploration_rate, (u[..., 1] * self.n_actions).astype(np.int64), greedy(q, u[..., 2:]))

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As SB3's DQN: ε-greedy at today's exploration rate unless deterministic. Draws come from the process: evaluating disturbs no training."""
        actions, state = super().predict(observation, state, episode_start, deterministic)
        if deterministic:
            return actions, state
        explore = torch.rand(actions.shape).numpy() < self.exploration_rate
        return np.where(explore, self.to_env(torch.randint(self.n_actions, actions.shape).numpy()), actions), state

    def _record_progress(self) -> None:
        super()._record_progress()
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    @property
    def q_table(self) -> np.ndarray:
        """q̂(s, a) of all states of a Discrete space, [n_states, n_actions]; [S, n_states, n_actions] for several seeds."""
        q = self.of_states()
        return q[0] if self.n_seeds == 1 else q
