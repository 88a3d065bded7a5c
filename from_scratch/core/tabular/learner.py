"""Learning one table while playing: what a step of every lane has brought, and the step size of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.learner import Learner
from from_scratch.core.tabular.tables import Tabular


class Steps(NamedTuple):
    """One step of every lane; all fields are [S, E]."""

    s: np.ndarray  # S      numbers of states
    a: np.ndarray  # A
    r: np.ndarray  # R
    s_next: np.ndarray  # S'     the true successor, never the state after a reset
    discount: np.ndarray  # γ, and 0 where the episode terminated at S'; a time limit does not stop the bootstrap
    done: np.ndarray  # terminated or cut short: the lane has begun another episode

    def lanes(self, *more: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        """(s, a, r, s_next, discount, *more), [S] each, for the first environment of every seed, then for the second, …"""
        return zip(*(x.T for x in (*self[:5], *more)), strict=True)


class TabularLearner(Tabular, Learner):
    """Learns one table while playing: its step sizes, where the lanes are, and what a step of theirs has brought."""

    initial_value: float = 0.0  # V(s) or Q(s, a) before learning; above what can be had, it makes the agent explore (S&B §2.6)
    learning_rate_decay: float = 0.0  # ω  the n-th update of an entry has step size α / n^ω; to converge it needs ½ < ω ≤ 1

    N: np.ndarray  # [S, ...]  updates so far of each entry of the table, if ω > 0

    @property
    def largest_step(self) -> float:  # type: ignore[override]
        return np.inf if self.learning_rate_decay else 1.0

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate_decay", low=0)
        check_range(self, "initial_value")

    def with_counts(self, **table: np.ndarray) -> dict[str, np.ndarray]:
        """The table that is learnt, and with ω > 0 the table N of how often each of its entries has been."""
        (entries,) = table.values()
        return {**table, "N": np.zeros(entries.shape)} if self.learning_rate_decay else table

    # ---------------------------------------------------------------------------------------------------------------------- playing
    @property
    def state(self) -> np.ndarray:
        """Where the lanes are, [S, E]."""
        return self._policies[0].index(self._last_obs).reshape(self.n_seeds, self.n_envs)

    def play(self, a: np.ndarray) -> Steps:
        """Take the actions a [S, E]."""
        s, shape = self.state, (self.n_seeds, self.n_envs)
        step = self.take(a)
        r, s_next, discount = step.r.astype(np.float64), self._policies[0].index(step.next_obs), step.discount(self.gamma)
        return Steps(s, a, r.reshape(shape), s_next.reshape(shape), discount.reshape(shape), step.done.reshape(shape))

    # --------------------------------------------------------------------------------------------------------------------- learning
    def step_size(self, *entry: np.ndarray, i: np.ndarray | None = None) -> float | np.ndarray:
        """α, or α / n^ω at the n-th update of V(s) or Q(s, a), for one lane of every seed (or of the seeds i): s and a are [S]."""
        i = self.i if i is None else i
        alpha = self.alpha[i] if np.ndim(self.alpha) else self.alpha
        if not self.learning_rate_decay:
            return alpha
        self.N[(i, *entry)] += 1
        return alpha / self.N[(i, *entry)] ** self.learning_rate_decay
