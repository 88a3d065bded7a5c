"""What bandit algorithms share: one state, k arms, and an update after every pull. Tables are [S, 1, k]: the arms of the one state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.exploration import Explores
from from_scratch.core.tabular.tables import Tabular


class Bandit(Explores, Tabular):
    """One `iterate()` is one pull of every lane. An episode's end changes nothing: pulls before it and after it are worth the same.

    Environments that draw another problem at every reset (the testbeds do) are therefore to be learnt in a single episode.
    """

    gamma: ClassVar[float] = 0.0  # what follows does not depend on the arm
    chooses_anew = True

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate", above=0)
        check_range(self, "learning_rate_decay", low=0)
        check_range(self, "initial_value")
        if self.env is not None and self.n_states != 1:
            raise ValueError(
                f"{type(self).__name__} chooses among the arms of a single state, but this environment has {self.n_states} states. "
                "For more than one: q_learning, sarsa, …"
            )

    # ------------------------------------------------------------------------------------------------------------ for the subclass
    @property
    def n_draws(self) -> int:
        """How many random numbers a choice takes."""
        raise NotImplementedError(f"{type(self).__name__} must say how many random numbers a choice takes.")

    def choose(self, u: np.ndarray) -> np.ndarray:
        """Arms [S, E], by random numbers u [S, E, n_draws] in [0, 1)."""
        raise NotImplementedError(f"{type(self).__name__} must say how it chooses.")

    def update(self, a: np.ndarray, r: np.ndarray) -> np.ndarray:
        """Learn from one pull of every seed: arms and rewards, both [S]. Returns how wrong the reward's estimate was, [S]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns.")

    # -------------------------------------------------------------------------------------------------------------------- playing
    def build(self) -> None:
        super().build()
        self._abs_error, self._rewards, self._n_pulls = np.zeros(self.n_seeds), np.zeros(self.n_seeds), 0

    def iterate(self) -> None:
        a = self.choose(self._rng.uniform(self.n_envs, self.n_draws))
        r = self.take(a).r.astype(np.float64).reshape(a.shape)
        for a_lane, r_lane in zip(a.T, r.T, strict=True):
            self._abs_error += np.abs(self.update(a_lane, r_lane))
            self._rewards += r_lane
            self._n_pulls += 1

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        n = len(obs.reshape(self.n_seeds, -1)[0])
        if deterministic:
            return np.repeat(getattr(self, self.acts_on)[:, 0].argmax(-1)[:, None], n, axis=1)
        return self.choose(self._rng.uniform(n, self.n_draws))

    def explored(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Arms chosen as in training, by random numbers of the process."""
        u = torch.rand(self.n_seeds, actions.size // self.n_seeds, self.n_draws, dtype=torch.float64).numpy()
        return self.to_env(self.choose(u)).reshape(actions.shape)

    def _record_progress(self) -> None:
        super()._record_progress()
        n = max(self._n_pulls, 1)
        self.record("rollout/reward_mean", self._rewards / n)  # per pull since the last line
        self.record("train/error", self._abs_error / n)  # mean |R − its estimate|
        self._abs_error[:], self._rewards[:], self._n_pulls = 0, 0, 0


class ActionValueBandit(Bandit):
    """Estimates the arms' values by Q(A) ← Q(A) + α_n [R − Q(A)] (S&B eq. 2.3).

    At the n-th pull of an arm the step size is α / n^ω: with α = ω = 1 Q is the sample average, with ω = 0 it weighs recent rewards
    more (eq. 2.6), as it must where the values drift.
    """

    learning_rate: float | Callable[[float], float] = 1.0  # α
    learning_rate_decay: float = 1.0  # ω
    initial_value: float = 0.0  # Q before the first pull

    N: np.ndarray  # [S, 1, k]  pulls so far

    def tables(self) -> dict[str, np.ndarray]:
        shape = (1, self.n_actions)
        return {"Q": np.full(shape, self.initial_value), "N": np.zeros(shape)}

    def update(self, a: np.ndarray, r: np.ndarray) -> np.ndarray:
        i = self.i
        error = r - self.Q[i, 0, a]
        self.N[i, 0, a] += 1
        self.Q[i, 0, a] += self.now(self.lr_schedule) / self.N[i, 0, a] ** self.learning_rate_decay * error  # eq. (2.3)
        return error
