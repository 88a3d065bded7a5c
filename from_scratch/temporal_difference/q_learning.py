"""Q-learning (Watkins & Dayan 1992, Machine Learning 8:279; Sutton & Barto 2018, §6.5).

    for each step of each episode:
        choose A from S by the ε-greedy policy derived from Q
        take action A, observe R, S'
        Q(S, A) ← Q(S, A) + α [R + γ max_a Q(S', a) − Q(S, A)],  with Q(S', ·) = 0 if the episode terminated
        S ← S'
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl


class QLearning(TabularControl):
    def iterate(self) -> None:
        step = self.play(self.choose(self.state, self.draw()))
        for s, a, r, s_next, discount in step.lanes():
            self.update(s, a, r, s_next, discount)

    def update(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        Q, i = self.Q, self.i
        δ = r + discount * Q[i, s_next].max(-1) - Q[i, s, a]
        Q[i, s, a] += self.step_size(s, a) * δ  # eq. (6.8)
        self.keep(δ)
