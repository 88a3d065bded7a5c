"""Expected updates of Q with a known model, one state and action at a time, in two orders (Sutton & Barto 2018, §8.5–8.6).

    uniform       for every S, A in turn:                       update Q(S, A)
    trajectories  from the start, A ← ε-greedy(S, Q):           update Q(S, A);  S ← a successor, as likely as in the world

    update:       Q(S, A) ← Σ_{s', r} p(s', r | S, A) [r + γ max_a Q(s', a)]                                          (8.1)

Where the policy never goes, nothing needs to be right: trajectories spend no updates there. In the long run they spend them on what
is right already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.mdp import name_of
from from_scratch.core.tabular import Tabular, greedy


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
        """The successors of each pair in every seed's environment: p, r, s_next and goes_on, [S, n_states, n_actions, most successors]."""
        envs = self._envs()
        widest = max(len(outcomes) for env in envs for row in env.P.values() for outcomes in row.values())
        nowhere = (0.0, 0, 0.0, True)
        padded = [[*env.P[s][a], *[nowhere] * (widest - len(env.P[s][a]))] for env in envs for s in range(self.n_states) for a in range(self.n_actions)]
        p, s_next, r, ends = np.moveaxis(np.array(padded, dtype=np.float64).reshape(len(envs), self.n_states, self.n_actions, widest, 4), -1, 0)
        self.p, self.r, self.s_next, self.goes_on = p, r, s_next.astype(np.int64), 1.0 - ends
        self.start = np.stack([np.cumsum(getattr(env, "initial_state_distrib", np.arange(self.n_states) == 0)) for env in envs])

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._setup_learn(*args, **kwargs)
        self._models()
        return result

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "p", "r", "s_next", "goes_on", "start"]

    def update(self, s: np.ndarray, a: np.ndarray) -> None:
        """One update of every seed's table; s and a are [S]."""
        Q, i = self.Q, self.i
        v_next = Q[i[:, None], self.s_next[i, s, a]].max(-1)
        Q[i, s, a] = (self.p[i, s, a] * (self.r[i, s, a] + self.gamma * self.goes_on[i, s, a] * v_next)).sum(-1)  # eq. (8.1)
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
        i, u = self.i, self._rng.uniform(4 + self.n_actions)
        begin = (self.start > u[:, :1]).argmax(-1)
        s = np.where(self.s < 0, begin, self.s)
        explore, anything = u[:, 1] < self.exploration_rate, (u[:, 2] * self.n_actions).astype(np.int64)
        a = np.where(explore, anything, greedy(self.Q[i, s], u[:, 4:]))
        k = (self.p[i, s, a].cumsum(-1) > u[:, 3:4]).argmax(-1)
        self.s = np.where(self.goes_on[i, s, a, k] > 0, self.s_next[i, s, a, k], -1)
        self.update(s, a)
