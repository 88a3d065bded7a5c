"""n-step Q(σ): between sampling and expectation (De Asis et al. 2018, arXiv:1703.01327; Sutton & Barto 2018, §7.6).

    for each step t = 0, 1, … of each episode, and for n − 1 more turns after its end T:
        take A_t by a policy b, ε-greedy on Q; observe R_{t+1}, S_{t+1};  ρ_t ← π(A_t|S_t) / b(A_t|S_t)
        τ ← t − n + 1
        if τ ≥ 0:
            G ← R_h + γ V̄(S_h)  with h = min(t + 1, T), V̄(s) = Σ_a π(a|s) Q(s, a), and 0 at T
            for k = h − 1 down to τ + 1:  G ← R_k + γ (σ ρ_k + (1 − σ) π(A_k|S_k)) (G − Q(S_k, A_k)) + γ V̄(S_k)
            Q(S_τ, A_τ) ← Q(S_τ, A_τ) + α [G − Q(S_τ, A_τ)]

σ = 1 is Sarsa with importance sampling and control variates, σ = 0 tree backup; n = 1 is Expected Sarsa whatever σ is.
At the end the turns after T are made at once. An episode that was cut short at T bootstraps from S_T.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl, epsilon_greedy, expectation
from from_scratch.core.tabular.segments import Remembering, Segment


class QSigma(Remembering, TabularControl):
    n_steps: int = 4  # n
    sigma: float = 0.5  # σ  how much is sampled; 0: nothing, 1: everything
    target_eps: float = 0.0  # π, which is learnt, is ε-greedy with this ε: greedy

    def iterate(self) -> None:
        s, u = self.state, self.draw()
        a = self.choose(s, u)
        b = np.take_along_axis(epsilon_greedy(self.Q[self.i[:, None], s], self.exploration_rate), a[..., None], -1)[..., 0]
        for segment in self.segments(self.play(a), b):
            for steps in segment.each():
                self.update(steps)

    def update(self, steps: Segment) -> None:
        """Update the first of the steps."""
        Q, i, m, σ = self.Q, steps.i, np.arange(len(steps.i)), self.sigma
        q = Q[i, steps.s_end]
        v = expectation(epsilon_greedy(q, self.target_eps), q)  # what the state is worth, seen from the steps before it
        for s, a, r, discount, b in steps.backwards():
            G = r + discount * v  # eq. (7.17)
            q = Q[i, s]
            pi = epsilon_greedy(q, self.target_eps)
            ρ = pi[m, a] / b
            v = expectation(pi, q) + (σ * ρ + (1 - σ) * pi[m, a]) * (G - q[m, a])
        error = G - Q[i, s, a]
        Q[i, s, a] += self.step_size(s, a, i=i) * error  # eq. (7.5)
        self.keep(error, i)
