"""n-step TD for estimating V ≈ v_π (Watkins 1989, PhD thesis; Sutton & Barto 2018, §7.1).

    for each step t = 0, 1, … of each episode, taken by π, and for n − 1 more turns after its end T:
        τ ← t − n + 1                                                                     (the time whose state's estimate is updated)
        if τ ≥ 0:
            G ← R_{τ+1} + γ R_{τ+2} + … up to min(τ + n, T);  if τ + n < T:  G ← G + γⁿ V(S_{τ+n})
            V(S_τ) ← V(S_τ) + α [G − V(S_τ)]

At the end the turns after T are made at once. An episode that was cut short at T bootstraps from V(S_T).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.core.tabular.segments import Remembering, Segment


class NStepTD(Remembering, TabularPrediction):
    n_steps: int = 4  # n

    def iterate(self) -> None:
        for segment in self.segments(self.play(self.choose(self.state))):
            self.update(segment)

    def update(self, steps: Segment) -> None:
        V, g = self.V, self.V[steps.i, steps.s_end]
        G = np.empty_like(steps.r)
        for k, (_, _, r, discount, _) in zip(reversed(range(len(G))), steps.backwards(), strict=True):
            G[k] = g = r + discount * g  # eq. (7.1)
        for k, m in steps.learnt():
            i, s = steps.i[m], steps.s[k, m]
            error = G[k, m] - V[i, s]
            V[i, s] += self.step_size(s, i=i) * error  # eq. (7.2)
            self.keep(error, i)
