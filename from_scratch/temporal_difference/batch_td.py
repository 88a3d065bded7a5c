"""Batch TD(0): every experience so far, again and again until nothing changes (Sutton & Barto 2018, §6.3).

    after each episode:
        repeat: for all states s at once, over every time t so far at which S_t = s:
                V(s) ← V(s) + α mean [R_{t+1} + γ V(S_{t+1}) − V(s)],  with V(S_{t+1}) = 0 where an episode terminated
        until no value changes by θ or more

The book adds up the increments with a step size that is small enough; their mean has the same answer, and any α ≤ 1 is. What it converges to,
the certainty-equivalence estimate, is the solution of linear equations: with `exact` they are solved instead.
The experiences need not be kept: how often which state followed which says all of them.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.tabular.prediction import TabularPrediction


class BatchTD(TabularPrediction):
    learning_rate: float = 0.5  # α
    theta: float = 1e-9  # θ
    exact: bool = False

    learning_rate_decay: ClassVar[float] = 0.0

    followed: np.ndarray  # [S, n_states, n_states]  Σ discount over the times that the second state followed the first
    rewards: np.ndarray  # [S, n_states]  Σ R
    visits: np.ndarray  # [S, n_states]

    def check(self) -> None:
        super().check()
        check_range(self, "theta", above=0)
        if callable(self.learning_rate):
            raise ValueError(f"learning_rate={self.learning_rate}: batch updating converges for a constant; give a number above 0 and up to 1.")

    def tables(self) -> dict[str, np.ndarray]:
        n = self.n_states
        return {**super().tables(), "followed": np.zeros((n, n)), "rewards": np.zeros(n), "visits": np.zeros(n)}

    def iterate(self) -> None:
        step, i = self.play(self.choose(self.state)), self.i
        for s, _, r, s_next, discount, done in step.lanes(step.done):
            self.visits[i, s] += 1
            self.rewards[i, s] += r
            self.followed[i, s, s_next] += discount
            self.learn_batch(np.flatnonzero(done))

    def learn_batch(self, i: np.ndarray) -> None:
        """Let the values of the seeds i converge on their batches."""
        before, seen = self.V[i], self.visits[i] > 0
        n = np.where(seen, self.visits[i], 1)
        p, r = self.followed[i] / n[..., None], self.rewards[i] / n
        if self.exact:
            self.V[i] = np.linalg.solve(np.eye(self.n_states) - p, np.where(seen, r, before)[..., None])[..., 0]
        else:
            alpha, left = np.where(seen, np.reshape(self.step_size(i=i), (-1, 1)), 0), np.arange(len(i))
            while len(left):
                v = self.V[i[left]]
                change = alpha[left] * (r[left] + (p[left] @ v[..., None])[..., 0] - v)  # eq. (6.1), in the mean
                self.V[i[left]] = v + change
                left = left[np.abs(change).max(-1) >= self.theta]
        self.keep(np.abs(self.V[i] - before).max(-1), i)
