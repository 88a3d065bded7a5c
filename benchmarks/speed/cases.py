"""What is timed: an algorithm, an environment, and the hyper-parameters that both sides get.

Both sides keep SB3's defaults but for what a case names, with its reason in `why`.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium as gym
from stable_baselines3.common.env_util import make_vec_env

from benchmarks import UserError
from benchmarks.speed.d3 import D3rlpy
from benchmarks.speed.plain import PlainQLearning, PlainValueIteration
from from_scratch import registry
from from_scratch.envs.vector import vectorised

SEEDS = (1, 2, 5, 10, 30)
QUICK_SEEDS = (1, 2, 10)


@dataclass(frozen=True)
class Case:
    """One thing to time. Steps are environment steps per seed over all its environments (state backups for a planner).

    warm_up: steps before the clock starts; at least a rollout, or past `learning_starts`, so that everything timed is training.
    beside: id of the nearest class of SB3 or sb3-contrib, where the algorithm has no twin there: as many steps and updates, of another algorithm.
    plain: makes what to compare with where neither has one; `against` says what that is, and `needs` which package it takes, if any.
    same_run: do both sides draw the same numbers, so that one seed's weights should end where the other side's do?
    same_work: do both sides take as many steps and updates? Not where an update waits for the ends of episodes: seconds are then those per step, times `steps`.
    """

    algorithm: str
    env: str
    warm_up: int
    steps: int
    quick_steps: int
    n_envs: int = 1
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    beside: str | None = None
    plain: Callable[[], Any] | None = None
    against: str = "plain loop"
    needs: str | None = None
    same_run: bool = True
    same_work: bool = True

    @property
    def baseline_name(self) -> str:
        return self.against if self.plain else f"`{self.beside}`" if self.beside else "SB3"

    @property
    def plays(self) -> bool:
        """Does it step an environment?"""
        return registry.find(self.algorithm).unit == "steps"

    def missing(self) -> str | None:
        """Why this case cannot run here, in one line; None if it can."""
        if self.needs is not None and importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed, which {self.algorithm} is timed beside: benchmarks/speed/d3.py says how."
        try:
            gym.make(self.env).close()
        except gym.error.DependencyNotInstalled as error:
            return " ".join(str(error).split())
        return None

    def baseline(self) -> Any:
        """One run of the other side."""
        if self.plain is not None:
            return self.plain()
        other = self.beside or registry.find(self.algorithm).twin
        assert other is not None, f"{self.algorithm} has no twin: its case needs `beside` or `plain`"
        return self._drop_in(registry.load(other), 0)

    def ours(self, seeds: Iterable[int]) -> Any:
        """Our model. One seed is built with the very arguments that SB3 gets; several go in lock-step."""
        cls, seeds = registry.load(self.algorithm), list(seeds)
        if len(seeds) == 1:
            return self._drop_in(cls, seeds[0])
        policy = registry.find(self.algorithm).policy
        env = vectorised(self.env) if policy == "TabularPolicy" and self.plays else self.env  # all lanes of a table in one block
        return cls(policy, env, seeds=seeds, n_envs=self.n_envs, device="cpu", **deepcopy(self.hyperparameters))

    def _drop_in(self, cls: Any, seed: int) -> Any:
        env = self.env if self.n_envs == 1 else make_vec_env(self.env, n_envs=self.n_envs)
        return cls(registry.find(self.algorithm).policy, env, seed=seed, device="cpu", **deepcopy(self.hyperparameters))


SQUARE = {"policy_kwargs": {"net_arch": [256, 256]}}

EPISODES = "an update waits for the ends of episodes"
SMALL = {"policy_kwargs": {"net_arch": [64, 64]}}


def nearest(algorithm: str, beside: str, env: str, warm_up: int, steps: int, quick_steps: int, **more: Any) -> Case:
    """A case beside the nearest class of SB3 or sb3-contrib, which computes something else."""
    return Case(algorithm, env, warm_up, steps, quick_steps, beside=beside, same_run=False, **more)


def offline(algorithm: str, config: str, units: int, steps: int, **settings: Any) -> Case:
    """A case beside d3rlpy's own updates, on the same data, with the batches of 256 that both classes have by default."""
    more = {"dataset": "pendulum/medium-v0", "policy_kwargs": {"net_arch": [units, units]}}
    return Case(
        algorithm, "Pendulum-v1", warm_up=10, steps=steps, quick_steps=steps // 2, hyperparameters=more, same_run=False, needs="d3rlpy", against="d3rlpy 2.8.1",
        plain=partial(D3rlpy, config, "pendulum/medium-v0", (units, units), **settings), why="steps are gradient steps; d3rlpy's batches are made beforehand",
    )  # fmt: skip


CASES: dict[str, Case] = {
    "ppo-cartpole": Case("ppo", "CartPole-v1", warm_up=2048, steps=4096, quick_steps=2048),
    "ppo-cartpole-8": Case(
        "ppo", "CartPole-v1", n_envs=8, hyperparameters={"n_steps": 256}, warm_up=2048, steps=8192, quick_steps=2048,
        why="n_steps=256: with 8 environments a rollout is 2,048 steps, as with one",
    ),
    "ppo-hopper": Case("ppo", "Hopper-v5", warm_up=2048, steps=4096, quick_steps=2048),
    "a2c-cartpole": Case("a2c", "CartPole-v1", warm_up=500, steps=5000, quick_steps=2000),
    "a2c-cartpole-8": Case("a2c", "CartPole-v1", n_envs=8, warm_up=2000, steps=20_000, quick_steps=8000),
    "maskable-ppo-grid": Case(
        "maskable_ppo", "from_scratch/InvalidActionGrid-v0", warm_up=2048, steps=4096, quick_steps=2048, why="twelve of sixteen actions are invalid",
    ),
    "trpo-cartpole": Case("trpo", "CartPole-v1", warm_up=2048, steps=4096, quick_steps=2048),
    "recurrent-ppo-cartpole": Case("recurrent_ppo", "CartPole-v1", warm_up=256, steps=1024, quick_steps=256),
    "recurrent-ppo-cartpole-8": Case(
        "recurrent_ppo", "CartPole-v1", n_envs=8, warm_up=256, steps=2048, quick_steps=512,
        hyperparameters={"n_steps": 32, "batch_size": 256, "n_epochs": 20, "policy_kwargs": {"lstm_hidden_size": 64, "net_arch": [64]}},
        why="the Zoo's sizes for CartPole without velocities",
    ),
    "dqn-cartpole": Case("dqn", "CartPole-v1", warm_up=1000, steps=6000, quick_steps=2000),
    "td3-pendulum": Case(
        "td3", "Pendulum-v1", hyperparameters=SQUARE, warm_up=120, steps=500, quick_steps=100, why="256×256 units, as SAC has; TD3's default is 400×300",
    ),
    "td3-hopper": Case("td3", "Hopper-v5", hyperparameters=SQUARE, warm_up=120, steps=500, quick_steps=100, why="256×256 units, as SAC has"),
    "sac-pendulum": Case("sac", "Pendulum-v1", warm_up=120, steps=500, quick_steps=100),
    "sac-hopper": Case("sac", "Hopper-v5", warm_up=120, steps=500, quick_steps=100),
    "ars-cartpole": Case(
        "ars", "CartPole-v1", hyperparameters={"n_delta": 2}, warm_up=500, steps=5000, quick_steps=2000, same_work=False, same_run=False,
        why="two directions, as in the Zoo; " + EPISODES,
    ),
    "qrdqn-cartpole": Case("qrdqn", "CartPole-v1", warm_up=200, steps=800, quick_steps=200),
    "tqc-pendulum": Case("tqc", "Pendulum-v1", warm_up=120, steps=300, quick_steps=100),
    "crossq-pendulum": Case("crossq", "Pendulum-v1", warm_up=120, steps=60, quick_steps=30, why="critics of 1024×1024 units, the class's default"),
    "crossq-pendulum-256": Case("crossq", "Pendulum-v1", hyperparameters=SQUARE, warm_up=120, steps=200, quick_steps=60, why="the Zoo's networks"),
    **{f"{name.replace('_', '-')}-cartpole": nearest(name, "sb3/dqn", "CartPole-v1", 1000, 2000, 1000)
       for name in ("double_dqn", "n_step_dqn", "prioritized_dqn", "dueling_dqn", "maskable_dqn", "c51", "noisy_dqn", "bootstrapped_dqn", "drqn", "rainbow")},
    "stream-q-cartpole": nearest("stream_q", "sb3/dqn", "CartPole-v1", 1000, 2000, 1000, same_work=False, why="an update with each step, of one transition"),
    "discrete-sac-cartpole": nearest(
        "discrete_sac", "sb3/dqn", "CartPole-v1", 1000, 2000, 1000, hyperparameters={"train_freq": 4, **SMALL}, why="64×64 units, as DQN has",
    ),
    "actor-critic-cartpole": nearest(
        "actor_critic", "sb3/a2c", "CartPole-v1", 500, 5000, 2000, same_work=False, why="an update with each step, where A2C makes one with five",
    ),
    "a3c-cartpole": nearest(
        "a3c", "sb3/a2c", "CartPole-v1", 500, 5000, 2000, same_work=False, why="four processes, whose CPU seconds are not counted: the clock counts",
    ),
    "impala-cartpole": nearest("impala", "sb3/a2c", "CartPole-v1", 500, 5000, 2000, hyperparameters={"n_steps": 20}, why="IMPALA's length of a rollout"),
    "reinforce-cartpole": nearest("reinforce", "sb3/a2c", "CartPole-v1", 500, 5000, 2000, same_work=False, why=EPISODES),
    "pqn-cartpole-8": nearest(
        "pqn", "sb3/ppo", "CartPole-v1", 2048, 4096, 2048, n_envs=8, hyperparameters={"n_steps": 32, "n_epochs": 2, "batch_size": 64},
        why="PQN's rollouts, epochs and minibatches",
    ),
    "ppo-penalty-cartpole": nearest("ppo_penalty", "sb3/ppo", "CartPole-v1", 2048, 4096, 2048),
    "natural-pg-cartpole": nearest("natural_pg", "contrib/trpo", "CartPole-v1", 2048, 4096, 2048),
    "resetting-sac-pendulum": nearest("resetting_sac", "sb3/sac", "Pendulum-v1", 120, 500, 100),
    **{f"{name}-pendulum": nearest(name, "sb3/sac", "Pendulum-v1", 120, 60, 30, hyperparameters={"gradient_steps": 20, **SMALL},
                                   why="20 updates a step, 64×64 units") for name in ("redq", "droq")},
    **{f"{name.replace('_', '-')}-cartpole": nearest(name, "contrib/ars", "CartPole-v1", 20_000, 20_000, 20_000, same_work=False, why=EPISODES)
       for name in ("cem", "openai_es")},
    "td3-bc-pendulum": offline("td3_bc", "TD3PlusBCConfig", 64, 400),
    "td3-bc-pendulum-256": offline("td3_bc", "TD3PlusBCConfig", 256, 60),
    "cql-pendulum": offline("cql", "CQLConfig", 64, 40, alpha_learning_rate=0.0),
    "cql-pendulum-256": offline("cql", "CQLConfig", 256, 10, alpha_learning_rate=0.0),
    "q-learning": Case(
        "q_learning", "FrozenLake-v1", warm_up=1000, steps=20_000, quick_steps=5000, same_run=False,
        hyperparameters={"learning_rate": 0.1, "gamma": 0.99, "exploration_initial_eps": 0.1, "exploration_final_eps": 0.1},
        plain=partial(PlainQLearning, "FrozenLake-v1", learning_rate=0.1, gamma=0.99, epsilon=0.1),
        why="ε = 0.1 throughout; against Sutton & Barto's box as a Python loop; several seeds as lanes of one vectorised table",
    ),
    "value-iteration": Case(
        "value_iteration", "FrozenLake8x8-v1", warm_up=640, steps=64_000, quick_steps=32_000,
        hyperparameters={"gamma": 0.99, "theta": 0.0},
        plain=partial(PlainValueIteration, "FrozenLake8x8-v1", gamma=0.99),
        why="θ = 0: both sweep until the budget is spent; against the loop over states, actions and outcomes",
    ),
}  # fmt: skip


def find(name: str) -> Case:
    """The case of that name; UserError with the nearest one."""
    if name in CASES:
        return CASES[name]
    near = difflib.get_close_matches(name, CASES, n=1)
    hint = f": did you mean '{near[0]}'?" if near else "."
    raise UserError(f"unknown case '{name}'{hint} There are: {', '.join(CASES)}")
