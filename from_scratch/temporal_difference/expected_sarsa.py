"""Expected Sarsa (van Seijen et al. 2009, "A theoretical and empirical analysis of Expected Sarsa"; Sutton & Barto 2018, §6.6).

    for each step of each episode:
        choose A from S by the ε-greedy policy π derived from Q
        take action A, observe R, S'
        Q(S, A) ← Q(S, A) + α [R + γ Σ_a π(a|S') Q(S', a) − Q(S, A)],  with Q(S', ·) = 0 if the episode terminated
        S ← S'

Actions that are equally good share the probability 1 − ε in the sum, as they do when they are chosen.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl, epsilon_greedy, expectation


class ExpectedSARSA(TabularControl):
    def iterate(self) -> None:
        for s, a, r, s_next, discount in self.play(self.choose(self.state, self.draw())).lanes():
            self.update(s, a, r, s_next, discount)

    def update(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """One update of every seed's table; all arguments are [S], discount is γ, and 0 where the episode terminated."""
        Q, i = self.Q, self.i
        pi = epsilon_greedy(Q[i, s_next], self.exploration_rate)
        δ = r + discount * expectation(pi, Q[i, s_next]) - Q[i, s, a]
        Q[i, s, a] += self.step_size(s, a) * δ  # eq. (6.9)
        self.keep(δ)
