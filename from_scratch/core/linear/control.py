"""Linear control: q̂, learnt while playing ε-greedily on it."""

from __future__ import annotations

import numpy as np

from from_scratch.core.linear.features import Sparse
from from_scratch.core.linear.learner import Linear, action_values
from from_scratch.core.loops.exploration import EpsilonGreedy
from from_scratch.core.tabular.tables import greedy


class LinearControl(EpsilonGreedy, Linear):
    """Learns q̂ while playing ε-greedily on it."""

    exploration_initial_eps = 0.1  # ε, from here
    exploration_final_eps = 0.1  # … to here

    chooses = True
    of_each_seed = ("action",)

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
        """ε-greedy actions [...], ties broken at random; q is [..., n_actions], u [..., 2 + n_actions]."""
        return np.where(u[..., 0] < self.exploration_rate, (u[..., 1] * self.n_actions).astype(np.int64), greedy(q, u[..., 2:]))

    def with_action(self, x: Sparse, a: np.ndarray) -> Sparse:
        """x(s, a)"""
        return x[0] + a[:, None] * self.x.n, x[1]

    def step(self) -> None:
        x = self.with_action(self.x.sparse(self._last_obs), self.action)
        step = self.take(self.action)
        x_next, u = self.x.sparse(step.next_obs), self.draw()
        q = self.q(x_next)
        a_next, best = self.choose(q, u), greedy(q, u[:, 2:])  # A', and argmax_a q̂(S', a)
        is_greedy = q[self.i, a_next] == q.max(-1)
        ahead = np.where(is_greedy, a_next, best) if self.off_policy else a_next
        rho = is_greedy.astype(float) if self.off_policy else np.ones(self.n_seeds)
        self.learn_from(x, step, self.with_action(x_next, ahead), rho)
        if step.ended:  # A' is not taken there: another episode begins. Its draw is free to be used again
            a_next = np.where(step.done, self.choose(self.q(self.x.sparse(step.obs)), u), a_next)
        self.action = a_next

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        q = np.stack([policy.values(obs[k]) for k, policy in enumerate(self._policies)])
        return greedy(q) if deterministic else self.choose(q, self._rng.uniform(obs.shape[1], 2 + self.n_actions))

    @property
    def q_table(self) -> np.ndarray:
        """q̂(s, a) of all states of a Discrete space, [n_states, n_actions]; [S, n_states, n_actions] for several seeds."""
        q = self.of_states()
        return q[0] if self.n_seeds == 1 else q
