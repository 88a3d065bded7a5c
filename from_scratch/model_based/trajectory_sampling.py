"""Expected updates of Q with a known model, one state and action at a time, in two orders (Sutton & Barto 2018, §8.5–8.6).

    uniform       for every S, A in turn:                       update Q(S, A)
    trajectories  from the start, A ← ε-greedy(S, Q):           update Q(S, A);  S ← a successor, as likely as in the world

    update:       Q(S, A) ← Σ_{s', r} p(s', r | S, A) [r + γ max_a Q(s', a)]                                          (8.1)

Where the policy never goes, nothing needs to be right: trajectories spend no updates there. In the long run they spend them on what
is right already.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.linear.learner import compiled
from from_scratch.core.linear.loop import best_of, first_above
from from_scratch.core.loops.exploration import check_probabilities
from from_scratch.core.tabular.worlds import Worlds
from from_scratch.model_based.updates import UpdatesOfQ


@compiled
def update(Q: np.ndarray, m: Worlds, i: int, s: int, a: int, gamma: float) -> None:
    """One update of seed i's table."""
    q = 0.0
    for k in range(m.p.shape[3]):
        q += m.p[i, s, a, k] * (m.r[i, s, a, k] + gamma * m.goes_on[i, s, a, k] * np.max(Q[i, m.s_next[i, s, a, k]]))
    Q[i, s, a] = q  # eq. (8.1)


@compiled
def update_each(Q: np.ndarray, m: Worlds, s: np.ndarray, a: np.ndarray, gamma: float) -> None:
    """One update of every seed's table; s and a are [S]."""
    for i in range(len(Q)):
        update(Q, m, i, s[i], a[i], gamma)


@compiled
def step_each(Q: np.ndarray, m: Worlds, here: np.ndarray, u: np.ndarray, epsilon: float, s: np.ndarray, a: np.ndarray) -> None:
    """The next S, A of every seed's trajectory into s and a [S], and where it leads into `here`: −1 where another is to begin. u is [S, 4 + n_actions]."""
    for i in range(len(Q)):
        s[i] = here[i] if here[i] >= 0 else first_above(m.start[i], u[i, 0])
        a[i] = int(u[i, 2] * Q.shape[2]) if u[i, 1] < epsilon else best_of(Q[i, s[i]], u[i, 4:])
        k = first_above(np.cumsum(m.p[i, s[i], a[i]]), u[i, 3])
        here[i] = m.s_next[i, s[i], a[i], k] if m.goes_on[i, s[i], a[i], k] > 0 else -1


class ExpectedUpdates(UpdatesOfQ):
    def update(self, s: np.ndarray, a: np.ndarray) -> None:
        """One update of every seed's table; s and a are [S]."""
        update_each(self.Q, self.worlds, s, a, self.gamma)
        self.count(s=s, a=a)


class UniformUpdates(ExpectedUpdates):
    def iterate(self) -> None:
        s, a = divmod(self.num_timesteps % (self.n_states * self.n_actions), self.n_actions)
        self.update(np.full(self.n_seeds, s), np.full(self.n_seeds, a))


class TrajectorySampling(ExpectedUpdates):
    exploration_rate: float = 0.1  # ε

    of_each_seed = ("s",)

    def check(self) -> None:
        super().check()
        check_probabilities(self, "exploration_rate")
        self.s = np.full(self.n_seeds, -1)  # where the trajectories are; −1 where one is to begin

    def iterate(self) -> None:
        s, a = np.empty_like(self.s), np.empty_like(self.s)
        step_each(self.Q, self.worlds, self.s, self._rng.uniform(4 + self.n_actions), self.exploration_rate, s, a)
        self.update(s, a)
