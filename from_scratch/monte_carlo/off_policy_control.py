"""Off-policy Monte Carlo control (Sutton & Barto 2018, §5.7), by weighted importance sampling.

    loop for each episode:
        b ← a soft policy
        generate an episode following b: S₀, A₀, R₁, …, S_T−1, A_T−1, R_T
        G ← 0,  W ← 1
        loop for t = T−1, T−2, …, 0:
            G ← γ G + R_t+1
            C(S_t, A_t) ← C(S_t, A_t) + W
            Q(S_t, A_t) ← Q(S_t, A_t) + W/C(S_t, A_t) [G − Q(S_t, A_t)]
            π(S_t) ← argmax_a Q(S_t, a)
            if A_t ≠ π(S_t) then leave the loop
            W ← W / b(A_t|S_t)

b is ε-greedy with respect to Q as it was when the action was taken; an ε that falls to 0 stops the learning about other actions. Of equal
actions π takes the first. Only the tails of episodes are learnt from, behind the last action that is not greedy.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from from_scratch.core.tabular.episodes import Episodes, LearnsFromEpisodes, in_turn
from from_scratch.core.tabular.learner import TabularControl, greedy


class OffPolicyMCControl(LearnsFromEpisodes, TabularControl):
    learning_rate: ClassVar[float] = 1.0
    learning_rate_decay: ClassVar[float] = 0.0  # the step size is W / C

    C: np.ndarray  # [S, n_states, n_actions]  sum of the weights so far

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "C": np.zeros((self.n_states, self.n_actions))}

    def iterate(self) -> None:
        s = self.state
        a = self.choose(s, self.draw())
        b = self.chance(s, a)
        episodes = self.remember(self.play(a), b=b)
        if episodes is not None:
            self.update(episodes)

    def chance(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """b(a|s), [S, E]: the chance that an ε-greedy choice in s is a."""
        q, ε = self.Q[self.i[:, None], s], self.exploration_rate
        best = q == q.max(-1, keepdims=True)
        is_best = np.take_along_axis(best, a[..., None], -1)[..., 0]
        return ε / np.isfinite(q).sum(-1) + (1 - ε) * is_best / best.sum(-1)

    def update(self, episodes: Episodes) -> None:
        """Learn from episodes that have ended: one of every seed, then another of every seed that has more."""
        Q, C, returns = self.Q, self.C, episodes.returns(self.gamma)
        for row in in_turn(episodes.k):
            t, W = episodes.length[row] - 1, np.ones(len(row))
            while len(row):
                i, s, a = episodes.k[row], episodes.s[row, t], episodes.a[row, t]
                error = returns[row, t] - Q[i, s, a]
                C[i, s, a] += W
                Q[i, s, a] += W / C[i, s, a] * error  # eq. (5.8)
                self.keep_each(i, error)
                on = (a == greedy(Q[i, s])) & (t > 0)
                row, t, W = row[on], t[on] - 1, (W / episodes.b[row, t])[on]

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        return self.Q[k, s].max(-1)
