"""The off-line λ-return algorithm for estimating V ≈ v_π (Watkins 1989, PhD thesis; Sutton & Barto 2018, §12.1).

    at the end of each episode, with V as it is then:
        G_t ← R_{t+1} + γ [(1 − λ) V(S_{t+1}) + λ G_{t+1}]  for t = T − 1 down to 0, with V(S_T) = G_T = 0
    and then, for t = 0, 1, …, T − 1:
        V(S_t) ← V(S_t) + α [G_t − V(S_t)]

An episode that was cut short at T bootstraps there: G_T = V(S_T).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.core.tabular.segments import Remembering, Segment
from from_scratch.core.tabular.traces import check_traces


class OfflineLambdaReturn(Remembering, TabularPrediction):
    lambda_: float = 0.9  # λ

    def check(self) -> None:
        super().check()
        check_traces(self.lambda_)

    def iterate(self) -> None:
        for episodes in self.segments(self.play(self.choose(self.state))):
            self.update(episodes)

    def update(self, episodes: Segment) -> None:
        V, G = self.V, self.returns(episodes)
        for t, m in episodes.learnt():
            i, s = episodes.i[m], episodes.s[t, m]
            error = G[t, m] - V[i, s]
            V[i, s] += self.step_size(s, i=i) * error  # eq. (12.4)
            self.keep(error, i)

    def returns(self, episodes: Segment) -> np.ndarray:
        """λ-returns of every step, [T, M]."""
        V, λ, G = self.V, self.lambda_, np.empty_like(episodes.r)
        v = g = V[episodes.i, episodes.s_end]
        for t, (s, _, r, discount, _) in zip(reversed(range(len(G))), episodes.backwards(), strict=True):
            G[t] = g = r + discount * ((1 - λ) * v + λ * g)  # eq. (12.3), by recursion (exercise 12.1)
            v = V[episodes.i, s]
        return G
