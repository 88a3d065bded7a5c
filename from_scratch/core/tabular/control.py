"""Control: Q(s, a), learnt while playing ε-greedily on it."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import numpy as np
import torch

from from_scratch.core.loops.exploration import EpsilonGreedy, check_probabilities
from from_scratch.core.tabular.learner import Steps, TabularLearner
from from_scratch.core.tabular.tables import greedy


class TabularControl(EpsilonGreedy, TabularLearner):
    """Learns Q(s, a) while playing ε-greedily on it, one update per step.

    Where not every action can be chosen in every state, the environment's `legal_actions` [n_states, n_actions] says which can:
    Q is −∞ for the others.
    """

    n_more_draws: ClassVar[int] = 0  # random numbers that a class needs in a step beside those of the choice

    def check(self) -> None:
        super().check()
        check_probabilities(self, "target_eps", "sigma")

    def tables(self) -> dict[str, np.ndarray]:
        return self.with_counts(Q=self.first_q())

    def first_q(self) -> np.ndarray:
        """Q(s, a) before learning, [n_states, n_actions]."""
        q = np.full((self.n_states, self.n_actions), float(self.initial_value))
        if self.env is None:
            return q
        with contextlib.suppress(AttributeError):  # few environments say so
            legal = self.first_envs()[0].legal_actions
            if legal.shape != q.shape:
                raise ValueError(f"legal_actions has the shape {legal.shape}, but tables here have {q.shape}: a wrapper changed the spaces. Take it off.")
            q[~legal] = -np.inf
        return q

    # ----------------------------------------------------------------------------------------------------------------------- acting
    def draw(self) -> np.ndarray:
        """The random numbers of one step in every lane, [S, E, 2 + n_actions]: the coin, the random action, and the ties; more if `n_more_draws`."""
        return self._rng.uniform(self.n_envs, 2 + self.n_actions + self.n_more_draws)

    def choose(self, s: np.ndarray, u: np.ndarray) -> np.ndarray:
        """ε-greedy actions [S, E] in the states [S, E], ties broken at random: with argmax alone, equal values mean action 0 for ever."""
        q, ties = self.Q[self.i[:, None], s], u[..., 2 : 2 + self.n_actions]
        explore, anything = u[..., 0] < self.exploration_rate, self.anything(q, u[..., 1], ties)
        return np.where(explore, anything, greedy(q, ties))

    def next_action(self, step: Steps, a_next: np.ndarray, u: np.ndarray) -> np.ndarray:
        """A' [S, E] as it was chosen; where an episode ended it is not taken, as another one begins: there its draw u is free to be used again."""
        return np.where(step.done, self.choose(self.state, u), a_next) if step.done.any() else a_next

    def anything(self, q: np.ndarray, u: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Uniformly random actions [...], from u [...] or, where some action cannot be chosen (q is −∞), from noise; q and noise are [..., n_actions]."""
        anything, illegal = (u * self.n_actions).astype(np.int64), np.isneginf(q)
        return np.where(illegal.any(-1), np.where(illegal, -1.0, noise).argmax(-1), anything) if illegal.any() else anything

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        s = self.states(obs)
        return greedy(self.Q[self.i[:, None], s]) if deterministic else self.choose(s, self._rng.uniform(s.shape[1], 2 + self.n_actions))

    def random_actions(self, shape: tuple[int, ...], observation: Any) -> np.ndarray:
        q = self.Q[0, self._policies[0].index(np.asarray(observation).reshape(-1, *self.observation_space.shape))].reshape(*shape, -1)
        u, noise = (torch.rand(size, dtype=torch.float64).numpy() for size in (shape, q.shape))
        return self.anything(q, u, noise)
