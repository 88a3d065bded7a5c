"""Linear prediction: v̂ ≈ v_π of a policy that is given, from its own steps or from those of another one."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.linear.learner import Linear
from from_scratch.core.linear.policy import action_probabilities, drawn
from from_scratch.core.tabular.prediction import refuse_models
from from_scratch.core.tabular.tables import greedy


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
        step = self.take(a)
        self.learn_from(self.x.sparse(obs), step, self.x.sparse(step.next_obs), rho)

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        flat = obs.reshape(-1, *self.observation_space.shape)
        pi = action_probabilities(self.pi, self.observation_space, self.n_actions, flat).reshape(self.n_seeds, -1, self.n_actions)
        return greedy(pi) if deterministic else drawn(pi.cumsum(-1), self._rng.uniform(pi.shape[1]))
