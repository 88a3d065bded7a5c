"""n-step tree backup: off-policy learning without importance sampling (Precup, Sutton & Singh 2000; Sutton & Barto 2018, §7.5).

    for each step t = 0, 1, … of each episode, and for n − 1 more turns after its end T:
        take A_t by any policy, here ε-greedy on Q; observe R_{t+1}, S_{t+1}
        τ ← t − n + 1
        if τ ≥ 0:
            G ← R_h + γ Σ_a π(a|S_h) Q(S_h, a)  with h = min(t + 1, T), the sum being 0 at T
            for k = h − 1 down to τ + 1:  G ← R_k + γ Σ_{a ≠ A_k} π(a|S_k) Q(S_k, a) + γ π(A_k|S_k) G
            Q(S_τ, A_τ) ← Q(S_τ, A_τ) + α [G − Q(S_τ, A_τ)]

At the end the turns after T are made at once. An episode that was cut short at T bootstraps from S_T.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl, epsilon_greedy, expectation
from from_scratch.core.tabular.segments import Remembering, Segment


class TreeBackup(Remembering, TabularControl):
    n_steps: int = 4  # n
    target_eps: float = 0.0  # π, which is learnt, is ε-greedy with this ε: greedy

    def iterate(self) -> None:
        for segment in self.segments(self.play(self.choose(self.state, self.draw()))):
            for steps in segment.each():
                self.update(steps)

    def update(self, steps: Segment) -> None:
        """Update the first of the steps."""
        Q, i, m = self.Q, steps.i, np.arange(len(steps.i))
        q = Q[i, steps.s_end]
        v = expectation(epsilon_greedy(q, self.target_eps), q)  # what the state is worth, seen from the steps before it
        for s, a, r, discount, _ in steps.backwards():
            G = r + discount * v  # eq. (7.16)
            q = Q[i, s]
            pi = epsilon_greedy(q, self.target_eps)
            v = expectation(pi, q) + pi[m, a] * (G - q[m, a])  # G in the place of Q(S, A)
        error = G - Q[i, s, a]
        Q[i, s, a] += self.step_size(s, a, i=i) * error  # eq. (7.5)
        self.keep(error, i)
