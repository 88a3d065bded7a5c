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
    Q is −∞ for the others. Where an operator may take over, its `interruptions` [n_states, n_actions] are the probabilities with which
    an action is taken in the place of the learner's own while it explores; it learns from what was done (Orseau & Armstrong 2016).
    """

    interruptions: np.ndarray | None  # [n_states, n_actions]; None where there is no operator

    n_more_draws: ClassVar[int] = 0  # random numbers that a class needs in a step beside those of the choice

    def check(self) -> None:
        super().check()
        check_probabilities(self, "target_eps", "sigma")

    def build(self) -> None:
        super().build()
        self.interruptions = self._operator()

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        self.interruptions = self._operator()  # of the environments of today
        return super()._setup_learn(*args, **kwargs)

    def _operator(self) -> np.ndarray | None:
        return None if self.env is None else getattr(self.first_envs()[0], "interruptions", None)

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
        coin, made = self.interrupted(s, u[..., 0])
        explore, anything = coin < self.exploration_rate, self.anything(q, u[..., 1], ties)
        own = np.where(explore, anything, greedy(q, ties))
        return own if made is None else np.where(made >= 0, made, own)

    def interrupted(self, s: np.ndarray, coin: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The coin, as good as new where the learner is left alone in the states s; and what the operator makes it do, −1 there. [S, E]; None: no operator."""
        if self.interruptions is None:
            return coin, None
        upto = self.interruptions[s].cumsum(-1)
        total = upto[..., -1]
        made = np.where(coin < total, (coin[..., None] >= upto).sum(-1), -1)
        return np.where(total < 1, (coin - total) / np.where(total < 1, 1 - total, 1.0), coin), made

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
