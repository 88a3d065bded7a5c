"""Expected updates of Q with a known model, one state and action at a time, in two orders (Sutton & Barto 2018, §8.5–8.6).

    uniform       for every S, A in turn:                       update Q(S, A)
    trajectories  from the start, A ← ε-greedy(S, Q):           update Q(S, A);  S ← a successor, as likely as in the world

    update:       Q(S, A) ← Σ_{s', r} p(s', r | S, A) [r + γ max_a Q(s', a)]                                          (8.1)

Where the policy never goes, nothing needs to be right: trajectories spend no updates there. In the long run they spend them on what
is right already.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.exact.mdp import name_of
from from_scratch.core.linear.learner import compiled
from from_scratch.core.linear.loop import best_of, first_above
from from_scratch.core.tabular.learner import Tabular


class Worlds(NamedTuple):
    """What each pair may lead to in every seed's environment, all [S, n_states, n_actions, most successors], and where episodes begin."""

    p: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    goes_on: np.ndarray  # 0 where the episode terminates
    start: np.ndarray  # [S, n_states]  cumulated


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


class ExpectedUpdates(Tabular):
    """What both orders share. Time is counted in updates, of each seed; with `learn(n)` each does n of them."""

    gamma: float = 0.99  # γ

    log_interval = 10_000  # updates

    def check(self) -> None:
        super().check()
        for env in self._envs() if self.env is not None else ():
            P = getattr(env, "P", None)
            if P is None or (len(P), len(P[0])) != (self.n_states, self.n_actions):
                raise ValueError(
                    f"{name_of(env)} has no transition table P of {self.n_states} states and {self.n_actions} actions, the model that "
                    f"{type(self).__name__} needs. Without one: dyna_q, which learns it."
                )

    def tables(self) -> dict[str, np.ndarray]:
        return {"Q": np.zeros((self.n_states, self.n_actions))}

    def _envs(self) -> list[Any]:
        """The first environment of every seed."""
        return self.env.get_attr("unwrapped", range(0, self.n_lanes, self.n_envs))

    def _models(self) -> None:
        """Read every seed's environment."""
        envs = self._envs()
        widest = max(len(outcomes) for env in envs for row in env.P.values() for outcomes in row.values())
        nowhere = (0.0, 0, 0.0, True)
        padded = [[*env.P[s][a], *[nowhere] * (widest - len(env.P[s][a]))] for env in envs for s in range(self.n_states) for a in range(self.n_actions)]
        p, s_next, r, ends = np.moveaxis(np.array(padded, dtype=np.float64).reshape(len(envs), self.n_states, self.n_actions, widest, 4), -1, 0)
        start = np.stack([np.cumsum(getattr(env, "initial_state_distrib", np.arange(self.n_states) == 0), dtype=float) for env in envs])
        self.worlds = Worlds(*map(np.ascontiguousarray, (p, r, s_next.astype(np.int64), 1.0 - ends, start)))

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._setup_learn(*args, **kwargs)
        self._models()
        return result

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "worlds"]

    def update(self, s: np.ndarray, a: np.ndarray) -> None:
        """One update of every seed's table; s and a are [S]."""
        update_each(self.Q, self.worlds, s, a, self.gamma)
        self.num_timesteps += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if self._log_interval is not None and self.num_timesteps % self._log_interval == 0:
            self.dump_logs(self.num_timesteps)
        self._callback.update_locals(locals())
        if not self._callback.on_step():
            raise StopTraining


class UniformUpdates(ExpectedUpdates):
    def iterate(self) -> None:
        s, a = divmod(self.num_timesteps % (self.n_states * self.n_actions), self.n_actions)
        self.update(np.full(self.n_seeds, s), np.full(self.n_seeds, a))


class TrajectorySampling(ExpectedUpdates):
    exploration_rate: float = 0.1  # ε

    of_each_seed = ("s",)

    def check(self) -> None:
        super().check()
        if not 0 <= self.exploration_rate <= 1:
            raise ValueError(f"exploration_rate={self.exploration_rate}: a probability lies between 0 and 1.")
        self.s = np.full(self.n_seeds, -1)  # where the trajectories are; −1 where one is to begin

    def iterate(self) -> None:
        s, a = np.empty_like(self.s), np.empty_like(self.s)
        step_each(self.Q, self.worlds, self.s, self._rng.uniform(4 + self.n_actions), self.exploration_rate, s, a)
        self.update(s, a)
