"""Steps that are learnt from later: after n steps, or when the episode is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from from_scratch.core.tabular.learner import Steps

STEP = np.dtype([("s", np.int64), ("a", np.int64), ("r", np.float64), ("discount", np.float64), ("b", np.float64)])


class Segment(NamedTuple):
    """L steps that follow each other, oldest first, in the e-th environment of the M seeds i; of some seeds only those from `first` on."""

    i: np.ndarray  # [M]
    e: int
    s: np.ndarray  # S      [L, M]
    a: np.ndarray  # A
    r: np.ndarray  # R
    discount: np.ndarray  # γ, and 0 where the episode terminated
    b: np.ndarray  # b(A|S) as it was when the action was taken
    s_end: np.ndarray  # where the last step led, [M]
    first: np.ndarray  # [M]; what stands before it means nothing
    over: bool  # the episodes have ended: every step is learnt from now, otherwise only the oldest

    def learnt(self) -> Iterator[tuple[int, Any]]:
        """(k, the seeds' places m in [M]) for every step that is learnt from now, oldest first."""
        if not self.over:
            yield 0, slice(None)
            return
        by_first = np.argsort(self.first, kind="stable")
        begun = np.searchsorted(self.first[by_first], np.arange(len(self.s)), side="right")  # how many have begun by step k
        for k in range(self.first.min(), len(self.s)):
            yield k, by_first[: begun[k]]

    def each(self) -> Iterator[Segment]:
        """For every step that is learnt from now, oldest first: the segment that begins with it."""
        for k, m in self.learnt():
            s, a, r, discount, b = (x[k:, m] for x in (self.s, self.a, self.r, self.discount, self.b))
            yield Segment(self.i[m], self.e, s, a, r, discount, b, self.s_end[m], np.zeros_like(self.first[m]), over=False)

    def backwards(self) -> Iterator[tuple[np.ndarray, ...]]:
        """(s, a, r, discount, b), [M] each, from the last step to the first."""
        return zip(*(x[::-1] for x in (self.s, self.a, self.r, self.discount, self.b)), strict=True)


class Remembering:
    """What a TabularLearner needs to learn from steps later: it remembers the last `n_steps` of every lane's episode, or all of them if that is None."""

    n_steps: int | None = None  # n
    of_each_seed = ("memory", "t")

    def begin(self: Any) -> None:
        super().begin()  # type: ignore[misc]
        self.memory = np.zeros((self.n_seeds, self.n_envs, self.n_steps or 64), STEP)  # step t of an episode at t modulo n
        self.t = np.zeros((self.n_seeds, self.n_envs), dtype=np.int64)  # steps of the lanes' episodes so far

    def segments(self: Any, step: Steps, b: np.ndarray | float = 1.0) -> Iterator[Segment]:
        """Remember a step of every lane, b [S, E] being the probability of its action; then what is to be learnt from, lane after lane.

        That is the oldest of n steps where an episode goes on (at time τ = t − n + 1), and all that are left where it has ended.
        """
        if self.n_steps is None and self.t.max() == self.memory.shape[2]:
            self.memory = np.concatenate([self.memory, np.zeros_like(self.memory)], axis=2)
        i, n, b = self.i, self.memory.shape[2], np.broadcast_to(b, step.s.shape)
        for e, (s, a, r, s_next, discount, done, b_) in enumerate(step.lanes(step.done, b)):
            slot = self.t[:, e] % n
            for name, value in zip(STEP.names, (s, a, r, discount, b_), strict=True):
                self.memory[name][i, e, slot] = value
            self.t[:, e] += 1
            full = self.t[:, e] >= n if self.n_steps else np.zeros_like(done)
            for seeds, over in ((full & ~done, False), (done, True)):
                if seeds.any():
                    yield self._segment(np.flatnonzero(seeds), e, s_next, over)
            self.t[done, e] = 0

    def _segment(self: Any, i: np.ndarray, e: int, s_next: np.ndarray, over: bool) -> Segment:
        n, t = self.memory.shape[2], self.t[i, e]
        held = np.minimum(t, n)
        length = held.max()
        steps = self.memory[i, e, (t - length + np.arange(length)[:, None]) % n]
        return Segment(i, e, steps["s"], steps["a"], steps["r"], steps["discount"], steps["b"], s_next[i], length - held, over)
