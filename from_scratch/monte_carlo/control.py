"""On-policy first-visit Monte Carlo control for ε-soft policies (Sutton & Barto 2018, §5.4).

    π ← an ε-soft policy
    loop for each episode:
        generate an episode following π: S₀, A₀, R₁, …, S_T−1, A_T−1, R_T
        G ← 0
        loop for t = T−1, T−2, …, 0:
            G ← γ G + R_t+1
            unless the pair S_t, A_t appears in S₀, A₀, …, S_t−1, A_t−1:
                Q(S_t, A_t) ← the mean of all G so far that followed first visits to S_t, A_t
                π(S_t) ← ε-greedy with respect to Q(S_t, ·)

Policies differ from episode to episode, and the mean is over all of them alike: early returns are of poor policies. A learning_rate_decay
below 1 forgets them.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.episodes import Episodes, LearnsFromEpisodes, in_turn
from from_scratch.core.tabular.learner import TabularControl


class MCControl(LearnsFromEpisodes, TabularControl):
    def iterate(self) -> None:
        episodes = self.remember(self.play(self.choose(self.state, self.draw())))
        if episodes is not None:
            self.update(episodes)

    def update(self, episodes: Episodes) -> None:
        """Learn from episodes that have ended."""
        first = episodes.first_visits(episodes.s, episodes.a)
        Q, (k, s, a, G) = self.Q, episodes.flat(first, episodes.s, episodes.a, episodes.returns(self.gamma))
        for now in in_turn(k, s, a):
            i, s_now, a_now = k[now], s[now], a[now]
            error = G[now] - Q[i, s_now, a_now]
            Q[i, s_now, a_now] += self.step_size(s_now, a_now, i=i) * error  # eq. (2.3), of pairs: with 1/n the mean
            self.keep_each(i, error)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        q, ε = self.Q[k, s], self.exploration_rate
        legal = np.isfinite(q)
        return (1 - ε) * q.max(-1) + ε * q.sum(-1, where=legal) / legal.sum(-1)  # Σ_a π(a|s) Q(s, a)
