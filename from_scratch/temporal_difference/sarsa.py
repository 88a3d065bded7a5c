"""Sarsa (Rummery & Niranjan 1994, CUED/F-INFENG/TR 166; Sutton & Barto 2018, §6.4).

    for each episode: choose A from S by the ε-greedy policy derived from Q
        for each step:
            take action A, observe R, S'
            choose A' from S' by the ε-greedy policy derived from Q
            Q(S, A) ← Q(S, A) + α [R + γ Q(S', A') − Q(S, A)],  with Q(S', ·) = 0 if the episode terminated
            S ← S', A ← A'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl


class SARSA(TabularControl):
    of_each_seed = ("action",)

    def begin(self) -> None:
        self.action = self.choose(self.state, self.draw())  # A, [S, E]

    def iterate(self) -> None:
        step, u = self.play(self.action), self.draw()
        a_next = self.choose(step.s_next, u)  # A', chosen once: it is learnt from here and taken next
        for s, a, r, s_next, discount, a_ in step.lanes(a_next):
            self.update(s, a, r, s_next, discount, a_)
        if step.done.any():  # where an episode ended, A' is not taken: another one begins. Its draw is free to be used again
            a_next = np.where(step.done, self.choose(self.state, u), a_next)
        self.action = a_next

    def update(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray, a_next: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        Q, i = self.Q, self.i
        δ = r + discount * Q[i, s_next, a_next] - Q[i, s, a]
        Q[i, s, a] += self.step_size(s, a) * δ  # eq. (6.7)
        self.keep(δ)
