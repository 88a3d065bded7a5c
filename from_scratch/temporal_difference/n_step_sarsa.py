"""n-step Sarsa (Sutton & Barto 2018, §7.2).

    for each step t = 0, 1, … of each episode, and for n − 1 more turns after its end T:
        take A_t, observe R_{t+1}, S_{t+1}; choose A_{t+1} by the ε-greedy policy derived from Q
        τ ← t − n + 1
        if τ ≥ 0:
            G ← R_{τ+1} + γ R_{τ+2} + … up to min(τ + n, T);  if τ + n < T:  G ← G + γⁿ Q(S_{τ+n}, A_{τ+n})
            Q(S_τ, A_τ) ← Q(S_τ, A_τ) + α [G − Q(S_τ, A_τ)]

At the end the turns after T are made at once. An episode that was cut short at T bootstraps from Q(S_T, A_T).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl
from from_scratch.core.tabular.segments import Remembering, Segment


class NStepSARSA(Remembering, TabularControl):
    n_steps: int = 4  # n

    of_each_seed = (*Remembering.of_each_seed, "action")

    def begin(self) -> None:
        super().begin()
        self.action = self.choose(self.state, self.draw())  # A, [S, E]

    def iterate(self) -> None:
        step, u = self.play(self.action), self.draw()
        a_next = self.choose(step.s_next, u)
        for segment in self.segments(step):
            self.update(segment, a_next[segment.i, segment.e])
        if step.done.any():  # where an episode ended, A' is not taken: another one begins. Its draw is free to be used again
            a_next = np.where(step.done, self.choose(self.state, u), a_next)
        self.action = a_next

    def update(self, steps: Segment, a_end: np.ndarray) -> None:
        """a_end [M] is the action chosen where the last step led."""
        Q, g = self.Q, self.Q[steps.i, steps.s_end, a_end]
        G = np.empty_like(steps.r)
        for k, (_, _, r, discount, _) in zip(reversed(range(len(G))), steps.backwards(), strict=True):
            G[k] = g = r + discount * g  # eq. (7.4)
        for k, m in steps.learnt():
            i, s, a = steps.i[m], steps.s[k, m], steps.a[k, m]
            error = G[k, m] - Q[i, s, a]
            Q[i, s, a] += self.step_size(s, a, i=i) * error  # eq. (7.5)
            self.keep(error, i)
