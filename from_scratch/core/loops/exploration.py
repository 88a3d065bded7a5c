"""Exploration: what `predict` does for those who explore, and an ε that falls while they learn."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.utils import LinearSchedule

from from_scratch.core.loops.learner import Learner


def check_probabilities(model: Any, *names: str) -> None:
    """ValueError unless each of these hyper-parameters lies between 0 and 1; what the class does not have, or fixes, is passed over."""
    for name in names:
        if name in model.hyperparameters and not 0 <= getattr(model, name) <= 1:
            raise ValueError(f"{name}={getattr(model, name)}: a probability or a fraction lies between 0 and 1.")


class Explores:
    """A mixin for algorithms that choose among actions, and now and then another than the one that seems best."""

    exploration_rate: float  # ε, today's
    chooses_anew: ClassVar[bool] = False  # explored() looks at no action that it is given: none of them needs a draw

    def predict(self: Any, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As SB3's DQN: it explores as in training unless deterministic. Draws come from the process: evaluating disturbs no training."""
        if not deterministic and (instead := self.instead(observation)) is not None:
            return instead, state
        actions, state = super().predict(observation, state, episode_start, deterministic or self.chooses_anew)  # type: ignore[misc]
        return actions if deterministic else self.explored(actions, observation), state

    def instead(self: Any, observation: Any) -> np.ndarray | None:
        """Actions for the whole call, where it explores without asking the policy; None where it asks."""
        return None

    def explored(self: Any, actions: np.ndarray, observation: Any) -> np.ndarray:
        """The actions [...] that seem best, each replaced by a random one with probability ε."""
        explore = torch.rand(actions.shape).numpy() < self.exploration_rate
        return np.where(explore, self.to_env(self.random_actions(actions.shape, observation)), actions)

    def random_actions(self: Any, shape: tuple[int, ...], observation: Any) -> np.ndarray:
        """Uniformly random numbers of actions, from 0."""
        return torch.randint(self.n_actions, shape).numpy()


class OneCoin(Explores):
    """For networks of values over a replay loop, as SB3's DQN: ε falls linearly, one coin is tossed for all environments of a seed, steps are counted."""

    target_update_interval: int
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float

    def check(self: Any) -> None:
        super().check()  # type: ignore[misc]
        check_probabilities(self, "exploration_initial_eps", "exploration_final_eps")
        self.exploration_rate, self._n_calls = 0.0, 0
        if self.env is not None and self.n_envs > max(1, self.target_update_interval):
            warnings.warn(
                f"The number of environments used is greater than the target network update interval ({self.n_envs} > {self.target_update_interval}), "
                f"therefore the target network will be updated after each call to env.step() which corresponds to {self.n_envs} steps.",
                stacklevel=5,
            )

    def build(self: Any) -> None:
        super().build()  # type: ignore[misc]
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction)

    def act(self: Any, obs: Any, deterministic: bool = False) -> np.ndarray:
        """ε-greedy actions [S, E]."""
        explore = np.zeros(self.n_seeds, bool) if deterministic else self._rng.coin() < self.exploration_rate
        if not explore.any():
            return super().act(obs, deterministic)  # type: ignore[misc]
        actions = self.at_random(explore)
        return actions if explore.all() else np.where(explore[:, None], actions, super().act(obs))  # type: ignore[misc]

    def best(self, q: Any) -> np.ndarray:
        """argmax_a of values [S, E, ..., n_actions] of what is seen now. What masks actions says among which (`core/loops/maskable.py`)."""
        return q.argmax(-1)

    def valid(self, q: Any, b: Any) -> Any:
        """Values [S, M, ..., n_actions] of a batch's s', as its target is to maximise over them: as they are, where nothing masks actions."""
        return q

    def _on_step(self: Any) -> None:
        self._n_calls += 1
        self.exploration_rate = self.now(self.exploration_schedule)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def is_due(self: Any, interval: int) -> bool:
        """Have the environments of a seed taken another `interval` steps in all?"""
        return self._n_calls % max(interval // self.n_envs, 1) == 0

    def instead(self: Any, observation: Any) -> np.ndarray | None:
        """One coin for the whole call, from NumPy's generator, before the policy is asked; then draws of the action space."""
        if self.n_seeds > 1 or np.random.rand() >= self.exploration_rate:
            return None
        if not self.policy.is_vectorized_observation(observation):
            return np.array(self.action_space.sample())
        n = len(next(iter(observation.values())) if isinstance(observation, dict) else observation)
        return np.array([self.action_space.sample() for _ in range(n)])

    def explored(self: Any, actions: np.ndarray, observation: Any) -> np.ndarray:
        """As they are: the coin has been tossed."""
        return actions


class EpsilonGreedy(Explores, Learner):
    """A learner that explores with a probability ε, which falls linearly."""

    exploration_initial_eps: float = 1.0  # ε, from here
    exploration_final_eps: float = 0.05  # … to here
    exploration_fraction: float = 0.1  # … linearly, over this fraction of training

    def check(self) -> None:
        super().check()
        check_probabilities(self, "exploration_initial_eps", "exploration_final_eps", "exploration_fraction")
        self.exploration_rate = self.exploration_initial_eps

    def build(self) -> None:
        super().build()
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction or 1e-12)

    def _follow_schedules(self) -> None:
        super()._follow_schedules()
        self.exploration_rate = self.now(self.exploration_schedule)

    def _record_progress(self) -> None:
        super()._record_progress()
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
