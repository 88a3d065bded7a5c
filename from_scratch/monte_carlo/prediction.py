"""Monte Carlo prediction (Sutton & Barto 2018, §5.1).

    loop for each episode:
        generate an episode following π: S₀, A₀, R₁, …, S_T−1, A_T−1, R_T
        G ← 0
        loop for t = T−1, T−2, …, 0:
            G ← γ G + R_t+1
            unless S_t appears in S₀, …, S_t−1:
                V(S_t) ← the mean of all G so far that followed first visits to S_t

The mean is kept incrementally: V ← V + 1/n (G − V). With learning_rate_decay = 0 it is the constant-α version (eq. 6.1).
Every-visit prediction leaves the "unless" out: its estimates are biased, but consistent, and often nearer (Singh & Sutton 1996).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.episodes import Episodes, LearnsFromEpisodes, in_turn
from from_scratch.core.tabular.prediction import TabularPrediction


class MCPrediction(LearnsFromEpisodes, TabularPrediction):
    """First-visit Monte Carlo prediction."""

    def iterate(self) -> None:
        episodes = self.remember(self.play(self.choose(self.state)))
        if episodes is not None:
            self.update(episodes)

    def update(self, episodes: Episodes) -> None:
        """Learn from episodes that have ended."""
        V, (k, s, G) = self.V, episodes.flat(self.counts(episodes), episodes.s, episodes.returns(self.gamma))
        for now in in_turn(k, s):
            i, s_now = k[now], s[now]
            error = G[now] - V[i, s_now]
            V[i, s_now] += self.step_size(s_now, i=i) * error  # eq. (6.1); with 1/n, as in (2.3), the mean
            self.keep_each(i, error)

    def counts(self, episodes: Episodes) -> np.ndarray:
        """Which visits count, [K, T]."""
        return episodes.first_visits(episodes.s)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.V[k, s]


class EveryVisitMCPrediction(MCPrediction):
    """Every-visit Monte Carlo prediction."""

    def counts(self, episodes: Episodes) -> np.ndarray:
        return episodes.inside
