"""Dyna-Q (Sutton 1990, ICML; Sutton & Barto 2018, §8.2).

    loop:
        (a, b) S ← where we are;  A ← ε-greedy(S, Q)
        (c)    take action A, observe R, S'
        (d)    Q(S, A) ← Q(S, A) + α [R + γ max_a Q(S', a) − Q(S, A)],  with Q(S', ·) = 0 if the episode terminated
        (e)    Model(S, A) ← R, S'
        (f)    n times:  S ← a state seen before, at random;  A ← an action taken in S before, at random
                         R, S' ← Model(S, A);  update Q(S, A) as in (d)
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.hyperparameters import check_range
from from_scratch.temporal_difference.q_learning import QLearning


class DynaQ(QLearning):
    """With n = 0 this is Q-learning, number for number."""

    planning_steps: int = 5  # n
    model_size: int = 1  # outcomes of each S, A that the model remembers, the newest. 1 is the book's, for a world without chance; with
    #                      more a remembered outcome is drawn, which is an empirical model of a world with chance, or of one that changes

    of_each_seed = ("seen", "n_seen")

    reward: np.ndarray  # [S, n_states, n_actions, model_size]  R, in the model
    successor: np.ndarray  # ... S'
    discount: np.ndarray  # ... γ, and 0 where the episode terminated
    tried: np.ndarray  # [S, n_states, n_actions]  how often each action was taken

    def check(self) -> None:
        super().check()
        check_range(self, "kappa", "theta", low=0)
        if self.planning_steps < 0 or self.model_size < 1:
            raise ValueError(f"planning_steps={self.planning_steps}, model_size={self.model_size}: they are at least 0 and 1.")
        if self.env is not None:
            self.seen = np.zeros((self.n_seeds, self.n_states), dtype=np.int64)  # the states in which something was done, as they came
            self.n_seen = np.zeros(self.n_seeds, dtype=np.int64)

    def tables(self) -> dict[str, np.ndarray]:
        shape = (self.n_states, self.n_actions, self.model_size)
        here = np.broadcast_to(np.arange(self.n_states)[:, None, None], shape)  # what was never tried leads back to the same state, for nothing
        model = {"reward": np.zeros(shape), "successor": here, "discount": np.full(shape, self.gamma), "tried": np.zeros(shape[:2])}
        return {**super().tables(), **model}

    @property
    def n_more_draws(self) -> int:  # type: ignore[override]
        return 3 * self.planning_steps

    def iterate(self) -> None:
        u = self.draw()
        step = self.play(self.choose(self.state, u))
        for e, experience in enumerate(step.lanes()):
            self.update(*experience)  # (d), eq. (6.8)
            self.remember(*experience)  # (e)
            self.plan(u[:, e, -self.n_more_draws :])  # (f)

    def remember(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        """Model(S, A) ← R, S' for one lane of every seed; all arguments are [S]."""
        i = self.i
        new = i[~self.tried[i, s].any(-1)]
        self.seen[new, self.n_seen[new]] = s[new]
        self.n_seen[new] += 1
        k = (self.tried[i, s, a] % self.model_size).astype(np.int64)  # the place of the oldest
        self.reward[i, s, a, k], self.successor[i, s, a, k], self.discount[i, s, a, k] = r, s_next, discount
        self.tried[i, s, a] += 1

    def plan(self, u: np.ndarray) -> None:
        """n updates from the model, by random numbers u [S, 3 n]."""
        if not self.planning_steps:
            return
        for imagined in zip(*(x.T for x in self.imagine(u.reshape(self.n_seeds, -1, 3))), strict=True):
            self.update(*imagined)  # eq. (6.8)

    def imagine(self, u: np.ndarray) -> tuple[np.ndarray, ...]:
        """n steps that the model remembers: S, A, R, S' and the discount, each [S, n], by random numbers u [S, n, 3]."""
        i = self.i[:, None]
        s = self.seen[i, (u[..., 0] * self.n_seen[:, None]).astype(np.int64)]
        allowed = self.imaginable(i, s)
        a = (allowed.cumsum(-1) > (u[..., 1] * allowed.sum(-1))[..., None]).argmax(-1)
        k = (u[..., 2] * self.tried[i, s, a].clip(1, self.model_size)).astype(np.int64)
        return s, a, self.reward[i, s, a, k], self.successor[i, s, a, k].astype(np.int64), self.discount[i, s, a, k]

    def imaginable(self, i: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Which actions may be imagined in the states s of the seeds i, [..., n_actions]: those that were taken there."""
        return self.tried[i, s] > 0
