"""Tables instead of networks: a number for every state, or for every state and action.

The seed axis is in sight: `Q[i, s, a]` with i = 0 … S−1 are the entries of all seeds, lane i playing for seed i.
With several environments per seed the lanes of a seed learn one after another, in their order, each from what those before it left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.addresses import saved
from from_scratch.core.loops.stepwise import Stepwise
from from_scratch.core.tabular import grids


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


# ------------------------------------------------------------------------------------------------------------------------- policies
class NamedTables(BasePolicy):
    """One seed's tables, by name: float64 buffers, which files, get_parameters and set_parameters hold. `acts_on` names the one that it acts on."""

    observation_space: Any
    action_space: spaces.Discrete
    arguments: ClassVar[tuple[str, ...]] = ("observation_space", "action_space", "tables", "acts_on")  # of the constructor, as attributes

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Discrete, tables: dict[str, tuple[int, ...]], acts_on: str | None):
        super().__init__(observation_space, action_space)
        self.tables, self.acts_on = tables, acts_on
        for name, shape in tables.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.arguments}


@saved
class TabularPolicy(NamedTables):
    """One seed's tables, and the greedy policy on one of them.

    `acts_on` names the [n_states, n_actions] table whose largest entry is the action: values Q(s, a), or the probabilities of a policy that is a
    table itself.
    """

    acts_on: str

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float] | None = None,
        tables: dict[str, tuple[int, ...]] | None = None,
        acts_on: str = "Q",
    ):
        super().__init__(observation_space, action_space, tables or {"Q": (number_of_states(observation_space), int(action_space.n))}, acts_on)

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


# ----------------------------------------------------------------------------------------------------------------------- algorithms
class Tables(Stepwise):
    """An algorithm whose policies hold tables. `tables()` names them; `self.<name>` is then that table of all seeds, [S, ...]."""

    supported_action_spaces = (spaces.Discrete,)
    of_each_seed: ClassVar[tuple[str, ...]] = ()  # further attributes [S, ...], of which a member takes its row

    action_space: spaces.Discrete

    def tables(self) -> dict[str, np.ndarray]:
        """One seed's tables as they are before learning, by name."""
        raise NotImplementedError(f"{type(self).__name__} must name its tables.")

    def policy_arguments(self) -> dict[str, Any]:
        """What a policy is made of beside the spaces and the tables' shapes."""
        return {}

    def check(self) -> None:
        super().check()
        if self.env is not None:
            self.check_observations()

    def check_observations(self) -> None:
        """Refuse observations that the class cannot use."""

    @property
    def n_actions(self) -> int:
        return int(self.action_space.n)

    def first_envs(self) -> list[Any]:
        """The first environment of every seed, without its wrappers."""
        return self.env.get_attr("unwrapped", range(0, self.n_lanes, self.n_envs))

    def _setup_model(self) -> None:
        self.device = torch.device("cpu")  # a table's entry is one number: no GPU helps
        super()._setup_model()

    def new_policy(self) -> BasePolicy:
        tables = {name: np.asarray(table, dtype=np.float64) for name, table in self.tables().items()}
        shapes = {name: table.shape for name, table in tables.items()}
        policy = self.policy_class(
            self.observation_space, self.action_space, self.lr_schedule, tables=shapes, **self.policy_arguments(), **self.policy_kwargs
        )  # fmt: skip
        for name, table in tables.items():
            getattr(policy, name).copy_(torch.from_numpy(table))
        return policy

    def build(self) -> None:
        super().build()
        self.i = np.arange(self.n_seeds)
        self._bind()

    def _bind(self) -> None:
        """Put the tables of all seeds into one block [S, ...] each, and let the policies look at their rows of it."""
        for name in self._policies[0].tables:
            block = np.stack([getattr(policy, name).cpu().numpy().astype(np.float64) for policy in self._policies])
            setattr(self, name, block)
            for row, policy in zip(block, self._policies, strict=True):
                setattr(policy, name, torch.from_numpy(row))

    def adopt(self) -> None:
        super().adopt()
        rows = [(policy, name, getattr(self, name)[k]) for k, policy in enumerate(self._policies) for name in policy.tables]
        if any(getattr(policy, name).data_ptr() != row.ctypes.data for policy, name, row in rows):
            self._bind()

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        return actions + self.action_space.start

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        for name in self.of_each_seed:
            setattr(model, name, getattr(self, name)[k : k + 1].copy())


class Tabular(Tables):
    """An algorithm whose tables are of states that have numbers."""

    policy_aliases = {"TabularPolicy": TabularPolicy}
    acts_on: ClassVar[str] = "Q"  # the table that the policy is greedy on

    gamma: float
    Q: np.ndarray  # [S, n_states, n_actions]
    V: np.ndarray  # [S, n_states]

    def policy_arguments(self) -> dict[str, Any]:
        return {"acts_on": self.acts_on}

    def check_observations(self) -> None:
        number_of_states(self.observation_space)

    @property
    def n_states(self) -> int:
        return number_of_states(self.observation_space)

    def states(self, obs: np.ndarray) -> np.ndarray:
        """The numbers of the states that are observed, [S, n], in observations [S, n, ...] or [S·n, ...]."""
        return self._policies[0].index(obs.reshape(-1, *self.observation_space.shape)).reshape(self.n_seeds, -1)

    @property
    def q_table(self) -> np.ndarray:
        """Q(s, a), [n_states, n_actions]; [S, n_states, n_actions] for several seeds. The table itself, not a copy."""
        return self.Q[0] if self.n_seeds == 1 else self.Q

    @property
    def values(self) -> np.ndarray:
        """V(s), [n_states]; [S, n_states] for several seeds. Without a table of its own: max_a Q(s, a)."""
        v = self.V if hasattr(self, "V") else self.Q.max(-1)
        return v[0] if self.n_seeds == 1 else v

    # ------------------------------------------------------------------------------------------------------------- shown as grids
    def values_grid(self, decimals: int = 2) -> str:
        """`values` as a map in text, for `print`, where the environment is a grid: a number for each cell, the map's letter where nobody acts, and
        · for a state whose entries are what they were before learning. Of several seeds one map each. ValueError without a grid.
        """
        grid, values = self._grid("values_grid()"), self.values.reshape(self.n_seeds, -1)
        return self._of_each_seed(lambda k: grids.numbers(grid, values[k], self.learnt_states(k), decimals))

    def arrows(self) -> str:
        """The best action of each state as a map of arrows, as `values_grid`; · also where all actions are equally good.

        Of equally good actions the first is shown. Prediction shows the policy that it was given.
        """
        grid = self._grid("arrows()")
        if not grid.ways:
            name = self._name_of_env()
            raise ValueError(f"arrows(): what the actions of {name} do is not known. Give it ways, a character for each of its {self.n_actions}.")
        return self._of_each_seed(lambda k: grids.arrows(grid, self.best_actions(k)))

    def best_actions(self, k: int = 0) -> np.ndarray:
        """The first best action of seed k in each state, [n_states]; −1 where nothing was learnt, or all are equally good."""
        learns_it = self.acts_on in self._learnt_tables()
        return grids.best_actions(getattr(self, self.acts_on)[k], self.learnt_states(k) if learns_it else np.ones(self.n_states, dtype=bool))

    def learnt_states(self, k: int = 0) -> np.ndarray:
        """Of which states has learning changed an entry of seed k's? [n_states]"""
        before = self.tables()
        changed = [getattr(self, name)[k] != before[name] for name in self._learnt_tables()]
        return np.any([entries.reshape(self.n_states, -1).any(-1) for entries in changed], axis=0)

    def _learnt_tables(self) -> list[str]:
        """Names of those tables of states that learning changes."""
        return [name for name in self._policies[0].tables if name in ("V", "Q", "theta", "pi")]

    def _of_each_seed(self, shown: Callable[[int], str]) -> str:
        return shown(0) if self.n_seeds == 1 else "\n\n".join(f"seed {seed}\n{shown(k)}" for k, seed in enumerate(self.seeds or []))

    def _name_of_env(self) -> str:
        env = self.first_envs()[0]
        return env.spec.id if getattr(env, "spec", None) is not None else type(env).__name__

    def _grid(self, what: str) -> grids.Grid:
        """The map of the environment. ValueError if there is none."""
        if self.env is None:
            raise ValueError(f"{what} needs the map of the environment, and the model has none: give it by set_env(…) or load(…, env=…).")
        grid = grids.grid_of(self.first_envs()[0])
        if grid is None or len(grid.letters) != self.n_states:
            raise ValueError(f"{what}: {self._name_of_env()} is no grid of {self.n_states} cells (its desc, lines of text). The values are in model.values.")
        return grid
