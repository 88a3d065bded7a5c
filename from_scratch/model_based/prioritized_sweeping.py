"""Prioritised sweeping (Moore & Atkeson 1993, Machine Learning 13:103; Peng & Williams 1993; Sutton & Barto 2018, §8.4).

    loop:
        (a–c) S ← where we are;  A ← ε-greedy(S, Q);  take action A, observe R, S'
        (d)   Model(S, A) ← R, S'
        (e)   P ← |R + γ max_a Q(S', a) − Q(S, A)|
        (f)   if P > θ, insert S, A into PQueue with priority P
        (g)   n times, while PQueue is not empty:
                  S, A ← first(PQueue);  R, S' ← Model(S, A)
                  Q(S, A) ← Q(S, A) + α [R + γ max_a Q(S', a) − Q(S, A)]
                  for all S̄, Ā predicted to lead to S:  R̄ ← the reward predicted for them
                      P ← |R̄ + γ max_a Q(S, a) − Q(S̄, Ā)|;  if P > θ, insert S̄, Ā into PQueue with priority P

The queue is a table with the priority of every pair, 0 for those outside: no pair can be in it twice (it keeps the higher priority),
and its first is an argmax for all seeds at once. Where the model remembers several outcomes of a pair (`model_size`), the update and
the priorities take their mean, an expected update as in Moore & Atkeson.
"""

from __future__ import annotations

import numpy as np

from from_scratch.model_based.dyna_q import DynaQ


class PrioritizedSweeping(DynaQ):
    theta: float = 1e-4  # θ

    priority: np.ndarray  # [S, n_states, n_actions]  PQueue
    n_more_draws = 0  # planning leaves nothing to chance

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "priority": np.zeros((self.n_states, self.n_actions))}

    def iterate(self) -> None:
        step = self.play(self.choose(self.state, self.draw()))
        for s, a, r, s_next, discount in step.lanes():
            self.remember(s, a, r, s_next, discount)  # (d)
            self.insert(self.i, s, a)  # (e), (f)
            self.sweep()  # (g)
        self._n_updates = int(self.updates[0])

    def error(self, i: np.ndarray, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """R + γ max_a Q(S', a) − Q(S, A) of pairs of the seeds i as the model has them; all arguments are [M]."""
        target = self.reward[i, s, a] + self.discount[i, s, a] * self.Q[i[:, None], self.successor[i, s, a].astype(np.int64)].max(-1)
        n = self.tried[i, s, a].clip(max=self.model_size)[:, None]
        return (target * (np.arange(self.model_size) < n) / n).sum(-1) - self.Q[i, s, a]

    def insert(self, i: np.ndarray, s: np.ndarray, a: np.ndarray) -> None:
        """Put pairs of the seeds i into the queue, if they are off by more than θ; all arguments are [M]."""
        p = np.abs(self.error(i, s, a))
        self.priority[i, s, a] = np.where(p > self.theta, np.maximum(p, self.priority[i, s, a]), self.priority[i, s, a])

    def sweep(self) -> None:
        """(g), for one lane of every seed."""
        queue = self.priority.reshape(self.n_seeds, -1)
        for _ in range(self.planning_steps):
            first = queue.argmax(-1)
            i = self.i[queue[self.i, first] > 0]  # those whose queue is not empty
            if not len(i):
                return
            s, a = np.divmod(first[i], self.n_actions)
            self.priority[i, s, a] = 0
            δ = self.error(i, s, a)
            self.Q[i, s, a] += self.step_size(s, a, i=i) * δ  # eq. (6.8), from the model
            self.keep(δ, i)
            self.updates[i] += 1
            leads_here = (self.successor[i] == s[:, None, None, None]) & (self.discount[i] > 0) & (self.tried[i] > 0)[..., None]
            k, s_before, a_before = leads_here.any(-1).nonzero()
            self.insert(i[k], s_before, a_before)

    def _record_progress(self) -> None:
        super()._record_progress()
        self.record("train/n_updates", self.updates)
