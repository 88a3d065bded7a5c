"""Tables instead of networks: a number for every state, or for every state and action.

The seed axis is in sight: `Q[i, s, a]` with i = 0 … S−1 are the entries of all seeds, lane i playing for seed i.
With several environments per seed the lanes of a seed learn one after another, in their order, each from what those before it left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule

from from_scratch.core.addresses import saved
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.stepwise import Stepwise


def number_of_states(space: spaces.Space) -> int:
    """How many observations a Discrete or MultiDiscrete space has; ValueError for any other."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return int(np.prod(space.nvec))
    if isinstance(space, spaces.Tuple):
        hint = " Wrap the environment in from_scratch.envs.FlattenTuple."
    elif isinstance(space, spaces.Box):
        hint = " Cut it into bins with from_scratch.envs.Discretize, or take a method with features or a network: semi_gradient_sarsa, dqn, …"
    else:
        hint = ""
    raise ValueError(f"Tables need a Discrete or MultiDiscrete observation space; this one is {space}.{hint}")


def greedy(q: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
    """argmax_a of q [..., n_actions]. Among equals the lowest index; with noise of q's shape, numbers in [0, 1), a random one."""
    if noise is None:
        return q.argmax(-1)
    return np.where(q == q.max(-1, keepdims=True), noise, -1.0).argmax(-1)


def epsilon_greedy(q: np.ndarray, epsilon: float) -> np.ndarray:
    """π(a) of the ε-greedy policy on q [..., n_actions]; actions that are equally good share 1 − ε, those with q = −∞ cannot be chosen."""
    legal, best = ~np.isneginf(q), q == q.max(-1, keepdims=True)
    return epsilon * legal / legal.sum(-1, keepdims=True) + (1 - epsilon) * best / best.sum(-1, keepdims=True)


def expectation(pi: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Σ_a π(a) q(a) over the last axis; an action of probability 0 counts nothing, even if its q is −∞."""
    return (pi * np.where(pi > 0, q, 0.0)).sum(-1)


@saved
class TabularPolicy(BasePolicy):
    """One seed's tables, by name, and the greedy policy on one of them.

    Tables are float64 buffers: files, get_parameters and set_parameters hold them. `acts_on` names the [n_states, n_actions] table
    whose largest entry is the action: values Q(s, a), or the probabilities of a policy that is a table itself.
    """

    observation_space: Any
    action_space: spaces.Discrete

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float] | None = None,
        tables: dict[str, tuple[int, ...]] | None = None,
        acts_on: str = "Q",
    ):
        super().__init__(observation_space, action_space)
        self.tables = tables or {"Q": (number_of_states(observation_space), int(action_space.n))}
        self.acts_on = acts_on
        for name, shape in self.tables.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def index(self, obs: np.ndarray) -> np.ndarray:
        """Observations [M, ...] as numbers of states, [M] of 0 … n_states−1."""
        space = self.observation_space
        if isinstance(space, spaces.Discrete):
            return obs - space.start if space.start else obs
        digits = (obs - space.start).reshape(len(obs), -1)
        return np.ravel_multi_index(tuple(digits.T), space.nvec.ravel())

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        q = getattr(self, self.acts_on).numpy()[self.index(observation.numpy())]
        noise = None if deterministic else torch.rand(q.shape, dtype=torch.float64).numpy()  # from the process, as SB3's policies draw
        return torch.from_numpy(greedy(q, noise) + self.action_space.start)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {"observation_space": self.observation_space, "action_space": self.action_space, "tables": self.tables, "acts_on": self.acts_on}


class Tabular(Stepwise):
    """An algorithm that learns tables. `tables()` names them; `self.<name>` is then that table of all seeds, [S, ...]."""

    policy_aliases = {"TabularPolicy": TabularPolicy}
    supported_action_spaces = (spaces.Discrete,)
    acts_on: ClassVar[str] = "Q"  # the table that the policy is greedy on
    of_each_seed: ClassVar[tuple[str, ...]] = ()  # further attributes [S, ...], of which a member takes its row

    action_space: spaces.Discrete
    gamma: float
    Q: np.ndarray  # [S, n_states, n_actions]
    V: np.ndarray  # [S, n_states]

    def tables(self) -> dict[str, np.ndarray]:
        """One seed's tables as they are before learning, by name."""
        raise NotImplementedError(f"{type(self).__name__} must name its tables.")

    # ------------------------------------------------------------------------------------------------------------ construction
    def check(self) -> None:
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma={self.gamma}: a discount lies between 0 and 1.")
        if self.env is not None:
            self.check_observations()

    def check_observations(self) -> None:
        """Refuse observations that the class cannot use."""
        number_of_states(self.observation_space)

    @property
    def n_states(self) -> int:
        return number_of_states(self.observation_space)

    @property
    def n_actions(self) -> int:
        return int(self.action_space.n)

    def _setup_model(self) -> None:
        self.device = torch.device("cpu")  # a table's entry is one number: no GPU helps
        super()._setup_model()

    def new_policy(self) -> BasePolicy:
        tables = {name: np.asarray(table, dtype=np.float64) for name, table in self.tables().items()}
        shapes = {name: table.shape for name, table in tables.items()}
        policy = self.policy_class(self.observation_space, self.action_space, self.lr_schedule, tables=shapes, acts_on=self.acts_on, **self.policy_kwargs)
        for name, table in tables.items():
            getattr(policy, name).copy_(torch.from_numpy(table))
        return policy

    def build(self) -> None:
        self.i = np.arange(self.n_seeds)
        self._bind()

    def _bind(self) -> None:
        """Put the tables of all seeds into one block [S, ...] each, and let the policies look at their rows of it."""
        for name in self.policy.tables:
            block = np.stack([getattr(policy, name).cpu().numpy().astype(np.float64) for policy in self._policies])
            setattr(self, name, block)
            for row, policy in zip(block, self._policies, strict=True):
                setattr(policy, name, torch.from_numpy(row))

    def adopt(self) -> None:
        super().adopt()
        rows = [(policy, name, getattr(self, name)[k]) for k, policy in enumerate(self._policies) for name in policy.tables]
        if any(getattr(policy, name).data_ptr() != row.ctypes.data for policy, name, row in rows):
            self._bind()

    # -------------------------------------------------------------------------------------------------------------- what is learnt
    @property
    def q_table(self) -> np.ndarray:
        """Q(s, a), [n_states, n_actions]; [S, n_states, n_actions] for several seeds. The table itself, not a copy."""
        return self.Q[0] if self.n_seeds == 1 else self.Q

    @property
    def values(self) -> np.ndarray:
        """V(s), [n_states]; [S, n_states] for several seeds. Without a table of its own: max_a Q(s, a)."""
        v = self.V if hasattr(self, "V") else self.Q.max(-1)
        return v[0] if self.n_seeds == 1 else v

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        return actions + self.action_space.start

    # ------------------------------------------------------------------------------------------------------------ members and files
    def _hand_over(self, model: Any, k: int) -> None:
        for name in self.of_each_seed:
            setattr(model, name, getattr(self, name)[k : k + 1].copy())


class Steps(NamedTuple):
    """One step of every lane; all fields are [S, E]."""

    s: np.ndarray  # S      numbers of states
    a: np.ndarray  # A
    r: np.ndarray  # R
    s_next: np.ndarray  # S'     the true successor, never the state after a reset
    discount: np.ndarray  # γ, and 0 where the episode terminated at S'; a time limit does not stop the bootstrap
    done: np.ndarray  # terminated or cut short: the lane has begun another episode

    def lanes(self, *more: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        """(s, a, r, s_next, discount, *more), [S] each, for the first environment of every seed, then for the second, …"""
        return zip(*(x.T for x in (*self[:5], *more)), strict=True)


class TabularLearner(Tabular):
    """Learns one table while playing: step sizes, where the lanes are, and what a step of theirs has brought."""

    learning_rate: float | Callable[[float], float] | Sequence[float] = 0.1  # α; a sequence has one for each seed
    gamma: float = 0.99  # γ
    initial_value: float = 0.0  # V(s) or Q(s, a) before learning; above what can be had, it makes the agent explore (S&B §2.6)
    learning_rate_decay: float = 0.0  # ω  the n-th update of an entry has step size α / n^ω; to converge it needs ½ < ω ≤ 1

    largest_step: ClassVar[float] = 1.0  # a constant α above it overshoots its target

    N: np.ndarray  # [S, ...]  updates so far of each entry of the table, if ω > 0

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate", above=0, high=np.inf if self.learning_rate_decay else self.largest_step)
        check_range(self, "learning_rate_decay", low=0)
        check_range(self, "initial_value")
        if np.ndim(self.learning_rate):
            self.learning_rate = np.asarray(self.learning_rate, dtype=np.float64)
            if self.env is not None and self.learning_rate.shape != (self.n_seeds,):
                raise ValueError(f"learning_rate has the shape {self.learning_rate.shape}, but there are {self.n_seeds} seeds. Give one, or one per seed.")

    def _setup_lr_schedule(self) -> None:
        if np.ndim(self.learning_rate):
            self.lr_schedule = ConstantSchedule(self.learning_rate)
        else:
            super()._setup_lr_schedule()

    def with_counts(self, **table: np.ndarray) -> dict[str, np.ndarray]:
        """The table that is learnt, and with ω > 0 the table N of how often each of its entries has been."""
        (entries,) = table.values()
        return {**table, "N": np.zeros(entries.shape)} if self.learning_rate_decay else table

    def build(self) -> None:
        super().build()
        self._abs_error, self._n_errors = np.zeros(self.n_seeds), np.zeros(self.n_seeds)

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        fresh = reset_num_timesteps or self._last_obs is None
        result = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._follow_schedules()
        if fresh:
            self.begin()
        return result

    def begin(self) -> None:
        """Called where all lanes have just begun an episode because the environments were reset from outside."""

    def _follow_schedules(self) -> None:
        self.alpha = self.now(self.lr_schedule)

    # ---------------------------------------------------------------------------------------------------------------------- playing
    @property
    def state(self) -> np.ndarray:
        """Where the lanes are, [S, E]."""
        return self.policy.index(self._last_obs).reshape(self.n_seeds, self.n_envs)

    def play(self, a: np.ndarray) -> Steps:
        """Take the actions a [S, E]."""
        s = self.state
        rewards, dones, infos = self.take(a)
        obs_next, discount = self._last_obs, np.full(self.n_lanes, self.gamma)
        if dones.any():
            obs_next = obs_next.copy()
            ended = np.flatnonzero(dones).tolist()
            obs_next[ended] = [infos[lane]["terminal_observation"] for lane in ended]  # the vector environment has reset these
            discount[[lane for lane in ended if not infos[lane].get("TimeLimit.truncated", False)]] = 0
        self._follow_schedules()
        shape, s_next = s.shape, self.policy.index(obs_next)
        return Steps(s, a, rewards.astype(np.float64).reshape(shape), s_next.reshape(shape), discount.reshape(shape), dones.reshape(shape))

    # --------------------------------------------------------------------------------------------------------------------- learning
    def step_size(self, *entry: np.ndarray, i: np.ndarray | None = None) -> float | np.ndarray:
        """α, or α / n^ω at the n-th update of V(s) or Q(s, a), for one lane of every seed (or of the seeds i): s and a are [S]."""
        i = self.i if i is None else i
        alpha = self.alpha[i] if np.ndim(self.alpha) else self.alpha
        if not self.learning_rate_decay:
            return alpha
        self.N[(i, *entry)] += 1
        return alpha / self.N[(i, *entry)] ** self.learning_rate_decay

    def keep(self, error: np.ndarray, i: np.ndarray | slice = slice(None)) -> None:
        """Keep the errors [S] of an update (or those of the seeds i) for the log."""
        self._abs_error[i] += np.abs(error)
        self._n_errors[i] += 1

    def _record_progress(self) -> None:
        super()._record_progress()
        if np.ndim(self.alpha):
            self.record("train/learning_rate", self.alpha)
        else:
            self.logger.record("train/learning_rate", self.alpha)
        self.record("train/td_error", self._abs_error / np.maximum(self._n_errors, 1))  # mean |δ| since the last line
        self._abs_error[:], self._n_errors[:] = 0, 0

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        if np.ndim(self.learning_rate):
            model.learning_rate = float(self.learning_rate[k])
            model._setup_lr_schedule()
            model.alpha = model.learning_rate


class TabularControl(TabularLearner):
    """Learns Q(s, a) while playing ε-greedily on it, one update per step.

    Where not every action can be chosen in every state, the environment's `legal_actions` [n_states, n_actions] says which can:
    Q is −∞ for the others.
    """

    exploration_initial_eps: float = 1.0  # ε, from here
    exploration_final_eps: float = 0.05  # … to here
    exploration_fraction: float = 0.1  # … linearly, over this fraction of training

    n_more_draws: ClassVar[int] = 0  # random numbers that a class needs in a step beside those of the choice

    def check(self) -> None:
        super().check()
        for name in ("exploration_initial_eps", "exploration_final_eps", "exploration_fraction", "target_eps", "sigma"):
            if name in self.hyperparameters and not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: a probability or a fraction lies between 0 and 1.")
        self.exploration_rate = self.exploration_initial_eps

    def tables(self) -> dict[str, np.ndarray]:
        return self.with_counts(Q=self.first_q())

    def first_q(self) -> np.ndarray:
        """Q(s, a) before learning, [n_states, n_actions]."""
        q = np.full((self.n_states, self.n_actions), float(self.initial_value))
        if self.env is None:
            return q
        with contextlib.suppress(AttributeError):  # few environments say so
            legal = self.env.get_attr("unwrapped", [0])[0].legal_actions
            if legal.shape != q.shape:
                raise ValueError(f"legal_actions has the shape {legal.shape}, but tables here have {q.shape}: a wrapper changed the spaces. Take it off.")
            q[~legal] = -np.inf
        return q

    def build(self) -> None:
        super().build()
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction or 1e-12)

    def _follow_schedules(self) -> None:
        super()._follow_schedules()
        self.exploration_rate = self.now(self.exploration_schedule)

    # ----------------------------------------------------------------------------------------------------------------------- acting
    def draw(self) -> np.ndarray:
        """The random numbers of one step in every lane, [S, E, 2 + n_actions]: the coin, the random action, and the ties; more if `n_more_draws`."""
        return self._rng.uniform(self.n_envs, 2 + self.n_actions + self.n_more_draws)

    def choose(self, s: np.ndarray, u: np.ndarray) -> np.ndarray:
        """ε-greedy actions [S, E] in the states [S, E], ties broken at random: with argmax alone, equal values mean action 0 for ever."""
        q, ties = self.Q[self.i[:, None], s], u[..., 2 : 2 + self.n_actions]
        explore, anything = u[..., 0] < self.exploration_rate, self.anything(q, u[..., 1], ties)
        return np.where(explore, anything, greedy(q, ties))

    def anything(self, q: np.ndarray, u: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Uniformly random actions [...], from u [...] or, where some action cannot be chosen (q is −∞), from noise; q and noise are [..., n_actions]."""
        anything, illegal = (u * self.n_actions).astype(np.int64), np.isneginf(q)
        return np.where(illegal.any(-1), np.where(illegal, -1.0, noise).argmax(-1), anything) if illegal.any() else anything

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        s = self.policy.index(obs.reshape(-1, *self.observation_space.shape)).reshape(self.n_seeds, -1)
        return greedy(self.Q[self.i[:, None], s]) if deterministic else self.choose(s, self._rng.uniform(s.shape[1], 2 + self.n_actions))

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As SB3's DQN: ε-greedy at today's exploration rate unless deterministic. Draws come from the process: evaluating disturbs no training."""
        actions, state = super().predict(observation, state, episode_start, deterministic)
        if deterministic:
            return actions, state
        explore = torch.rand(actions.shape).numpy() < self.exploration_rate
        q = self.Q[0, self.policy.index(np.asarray(observation).reshape(-1, *self.observation_space.shape))].reshape(*actions.shape, -1)
        anything = self.anything(q, torch.rand(actions.shape, dtype=torch.float64).numpy(), torch.rand(q.shape, dtype=torch.float64).numpy())
        return np.where(explore, self.to_env(anything), actions), state

    def _record_progress(self) -> None:
        super()._record_progress()
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
