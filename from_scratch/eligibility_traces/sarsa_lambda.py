"""Tabular Sarsa(λ) (Rummery & Niranjan 1994, CUED/F-INFENG/TR 166; Sutton & Barto 2018, §12.7).

    z ← 0 at the beginning of each episode; choose A from S by the ε-greedy policy derived from Q; for each step:
        take action A, observe R, S'
        choose A' from S' by the ε-greedy policy derived from Q
        z ← γλz, and at (S, A):  z(S, A) ← z(S, A) + 1 (accumulating), 1 (replacing) or (1 − α) z(S, A) + 1 (dutch)
        δ ← R + γ Q(S', A') − Q(S, A),  with Q(S', ·) = 0 if the episode terminated
        Q ← Q + α δ z,  for all states and actions
        S ← S', A ← A'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl
from from_scratch.core.tabular.traces import TRACES, check_traces


class SARSALambda(TabularControl):
    lambda_: float = 0.9  # λ
    trace: str = "replacing"  # or "accumulating", "dutch"

    of_each_seed = ("action", "z")

    def check(self) -> None:
        super().check()
        check_traces(self.lambda_, self.trace)

    def begin(self) -> None:
        self.action = self.choose(self.state, self.draw())  # A, [S, E]
        self.z = np.zeros((self.n_seeds, self.n_envs, self.n_states, self.n_actions))  # of every lane: its own episode

    def iterate(self) -> None:
        step, u = self.play(self.action), self.draw()
        a_next = self.choose(step.s_next, u)  # A', chosen once: it is learnt from here and taken next
        for e, (s, a, r, s_next, discount, a_, done) in enumerate(step.lanes(a_next, step.done)):
            self.update(self.z[:, e], s, a, r, s_next, discount, a_)
            self.z[done, e] = 0
        if step.done.any():  # where an episode ended, A' is not taken: another one begins. Its draw is free to be used again
            a_next = np.where(step.done, self.choose(self.state, u), a_next)
        self.action = a_next

    def update(self, z: np.ndarray, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray, a_next: np.ndarray) -> None:
        """One update of every seed's table and of its traces z [S, n_states, n_actions]; the others are [S], discount is γ, and 0 where the
        episode terminated."""
        Q, i, α = self.Q, self.i, self.step_size(s, a)
        δ = r + discount * Q[i, s_next, a_next] - Q[i, s, a]
        z *= self.gamma * self.lambda_
        z[i, s, a] = TRACES[self.trace](z[i, s, a], α)  # eq. (12.5)
        Q += (α * δ)[:, None, None] * z  # eq. (12.7)
        self.keep(δ)
