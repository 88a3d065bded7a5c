"""Off-policy n-step Sarsa for estimating Q ≈ q_π, π greedy (Sutton & Barto 2018, §7.3).

    for each step t = 0, 1, … of each episode, and for n − 1 more turns after its end T:
        take A_t, observe R_{t+1}, S_{t+1}; choose A_{t+1} by a policy b, ε-greedy on Q
        τ ← t − n + 1
        if τ ≥ 0:
            ρ ← π(A_{τ+1}|S_{τ+1}) / b(A_{τ+1}|S_{τ+1}) · …  up to min(τ + n, T − 1)
            G ← R_{τ+1} + γ R_{τ+2} + … up to min(τ + n, T);  if τ + n < T:  G ← G + γⁿ Q(S_{τ+n}, A_{τ+n})
            Q(S_τ, A_τ) ← Q(S_τ, A_τ) + α ρ [G − Q(S_τ, A_τ)]

At the end the turns after T are made at once. An episode that was cut short at T bootstraps from Q(S_T, A_T).
b(A|S) is what it was when A was chosen, π(A|S) what it is at the update. Equally good actions share π's probability.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl, epsilon_greedy
from from_scratch.core.tabular.segments import Remembering, Segment


class OffPolicyNStepSARSA(Remembering, TabularControl):
    n_steps: int = 4  # n
    target_eps: float = 0.0  # π, which is learnt, is ε-greedy with this ε: greedy

    of_each_seed = (*Remembering.of_each_seed, "action", "b")

    def begin(self) -> None:
        super().begin()
        self.action, self.b = self.choose_by_b(self.state, self.draw())  # A and b(A|S), [S, E]

    def choose_by_b(self, s: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b = self.choose(s, u), epsilon_greedy(self.Q[self.i[:, None], s], self.exploration_rate)
        return a, np.take_along_axis(b, a[..., None], -1)[..., 0]

    def iterate(self) -> None:
        step, b, u = self.play(self.action), self.b, self.draw()
        a_next, b_next = self.choose_by_b(step.s_next, u)
        for segment in self.segments(step, b):
            for steps in segment.each():
                self.update(steps, a_next[steps.i, steps.e], b_next[steps.i, steps.e])
        if step.done.any():  # where an episode ended, A' is not taken: another one begins. Its draw is free to be used again
            a_first, b_first = self.choose_by_b(self.state, u)
            a_next, b_next = np.where(step.done, a_first, a_next), np.where(step.done, b_first, b_next)
        self.action, self.b = a_next, b_next

    def update(self, steps: Segment, a_end: np.ndarray, b_end: np.ndarray) -> None:
        """Update the first of the steps; a_end [M] is the action chosen where the last one led, with probability b_end."""
        Q, i = self.Q, steps.i
        G, ratio = Q[i, steps.s_end, a_end], self.target(i, steps.s_end, a_end) / b_end
        for s, a, r, discount, b in steps.backwards():
            ρ = np.where(discount > 0, ratio, 1.0)  # behind the end of an episode there is no action
            G = r + discount * G
            ratio = ρ * self.target(i, s, a) / b  # ... and ρ is without that of the step which is updated
        error = ρ * (G - Q[i, s, a])
        Q[i, s, a] += self.step_size(s, a, i=i) * error  # eq. (7.11)
        self.keep(error, i)

    def target(self, i: np.ndarray, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """π(a|s), [M]"""
        return epsilon_greedy(self.Q[i, s], self.target_eps)[np.arange(len(i)), a]
