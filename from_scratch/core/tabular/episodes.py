"""Whole episodes for tables: what every lane has seen since its episode began, and the returns once it has ended.

Lanes end their episodes at different steps. Each is learnt from at the step at which it ends, by the lanes in their order, its last step first,
as the boxes of Sutton & Barto (2018), chapter 5, go.

Where a time limit cut an episode short, the rest of its return is not known. Counting such a return as complete is wrong, and leaving the episode
out keeps the short ones only, which is wrong too: the present estimate of the last state's value stands for what would have followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from from_scratch.core.addresses import saved
from from_scratch.core.tabular.learner import Steps, TabularLearner

COLUMNS = ("s", "a", "r", "b")  # what is kept of a step


@dataclass
class Episodes:
    """Episodes that have ended, one a row, padded behind their ends with zeros to the longest: [K, T]."""

    k: np.ndarray  # [K]  whose: numbers of seeds
    length: np.ndarray  # [K]
    s: np.ndarray  # [K, T]  S_t
    a: np.ndarray  # [K, T]  A_t
    r: np.ndarray  # [K, T]  R_t+1; where a time limit struck, with γ V(S_T) added to the last
    b: np.ndarray  # [K, T]  b(A_t|S_t), the probability with which it was chosen, if the learner said so

    @property
    def inside(self) -> np.ndarray:
        """[K, T], False behind the ends."""
        return np.arange(self.s.shape[1]) < self.length[:, None]

    def returns(self, gamma: float, ratio: np.ndarray | float = 1.0) -> np.ndarray:
        """G_t [K, T] = ratio_t (R_t+1 + γ G_t+1): the discounted rewards, with a ratio [K, T] each weighed by the product of those before it."""
        g, ratio = np.zeros_like(self.r), np.broadcast_to(ratio, self.r.shape)
        following = np.zeros(len(self.k))
        for t in range(self.r.shape[1] - 1, -1, -1):
            g[:, t] = following = ratio[:, t] * (self.r[:, t] + gamma * following)
        return g

    def first_visits(self, *of: np.ndarray) -> np.ndarray:
        """Where a state, or a state and action, [K, T] each, is met for the first time in its episode, [K, T]."""
        row, t = np.nonzero(self.inside)  # row after row, forward in time
        _, first = np.unique(_one_number(row, *(x[row, t] for x in of)), return_index=True)
        mask = np.zeros(self.s.shape, bool)
        mask[row[first], t[first]] = True
        return mask

    def flat(self, mask: np.ndarray, *of: np.ndarray) -> list[np.ndarray]:
        """The seeds and the values of each [K, T] where the mask holds, [M] each: episode after episode, the last step first."""
        backward = mask[:, ::-1]
        seeds = np.broadcast_to(self.k[:, None], mask.shape)
        return [x[:, ::-1][backward] for x in (seeds, *of)]


@saved
class EpisodeMemory:
    """The steps of the episode that every lane is in."""

    def __init__(self, n_lanes: int, capacity: int = 16):
        self.t = np.zeros(n_lanes, np.int64)  # steps since the episode began
        self.s, self.a = np.zeros((n_lanes, capacity), np.int64), np.zeros((n_lanes, capacity), np.int64)
        self.r, self.b = np.zeros((n_lanes, capacity)), np.zeros((n_lanes, capacity))

    def add(self, **step: np.ndarray) -> None:
        """One step of every lane: s, a, r and, if need be, b, [n_lanes] each."""
        if self.t.max() == self.s.shape[1]:
            for name in COLUMNS:
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)], axis=1))
        lanes = np.arange(len(self.t))
        for name, values in step.items():
            getattr(self, name)[lanes, self.t] = values
        self.t += 1

    def take(self, lanes: np.ndarray, seeds: np.ndarray) -> Episodes:
        """The episodes of these lanes, and forget them."""
        length = self.t[lanes].copy()
        columns = slice(0, length.max())
        inside = np.arange(columns.stop) < length[:, None]
        self.t[lanes] = 0
        return Episodes(seeds, length, *(np.where(inside, getattr(self, name)[lanes, columns], 0) for name in COLUMNS))

    def select(self, lanes: Sequence[int] | slice) -> EpisodeMemory:
        """A copy of some lanes' memory."""
        other = EpisodeMemory(0)
        for name in ("t", *COLUMNS):
            setattr(other, name, getattr(self, name)[lanes].copy())
        return other


class LearnsFromEpisodes(TabularLearner):
    """A learner that updates when an episode has ended; with a step size of 1/n, so that its values are means of returns."""

    learning_rate = 1.0
    learning_rate_decay = 1.0

    of_each_seed = ("episodes_cut_short",)

    def check(self) -> None:
        super().check()
        self.episodes_cut_short = np.zeros(self.n_seeds, np.int64)

    def value(self, k: np.ndarray, s: np.ndarray) -> np.ndarray:
        """What the states s are worth to the seeds k by the present estimate: [K] each."""
        raise NotImplementedError(f"{type(self).__name__} must say what a state is worth.")

    def begin(self) -> None:
        super().begin()
        self.memory = EpisodeMemory(self.n_lanes)

    def remember(self, step: Steps, **b: np.ndarray) -> Episodes | None:
        """Keep a step of every lane, and the probabilities b [S, E] of its actions if they are needed; the episodes that ended with it, if any did."""
        s, a, r, s_next, discount, done = (x.ravel() for x in step)
        chances, ended = {name: x.ravel() for name, x in b.items()}, np.flatnonzero(done)
        if not len(ended):
            self.memory.add(s=s, a=a, r=r, **chances)
            return None
        cut = ended[discount[ended] > 0]
        if len(cut):
            r, k = r.copy(), cut // self.n_envs
            r[cut] += discount[cut] * self.value(k, s_next[cut])
            np.add.at(self.episodes_cut_short, k, 1)
        self.memory.add(s=s, a=a, r=r, **chances)
        return self.memory.take(ended, ended // self.n_envs)

    def keep_each(self, k: np.ndarray, error: np.ndarray) -> None:
        """Keep errors [M] of the seeds k [M], which may be named more than once, for the log."""
        np.add.at(self._abs_error, k, np.abs(error))
        np.add.at(self._n_errors, k, 1)

    def _record_progress(self) -> None:
        super()._record_progress()
        self.record("rollout/episodes_cut_short", self.episodes_cut_short)

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        if hasattr(self, "memory"):
            model.memory = self.memory.select(slice(k * self.n_envs, (k + 1) * self.n_envs))


def _one_number(*digits: np.ndarray) -> np.ndarray:
    """A number for every combination of digits, [M] each, that no other combination has."""
    number = np.zeros(len(digits[0]), np.int64)
    for x in digits:
        number = number * (x.max(initial=0) + 1) + x
    return number


def in_turn(*entry: np.ndarray) -> Iterator[np.ndarray]:
    """Positions in `entry` ([M] each: the entries of a table, some more than once) in rounds that name no entry twice.

    Updating round after round is to update one after another, as M single updates in their order would: entries do not depend on each other.
    """
    key = _one_number(*entry)
    order = key.argsort(kind="stable")
    ordered, position = key[order], np.arange(len(key))
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(key)]
    turn = position - np.maximum.accumulate(np.where(begins, position, 0))  # how often the entry came before
    by_turn = turn.argsort(kind="stable")
    yield from np.split(order[by_turn], np.flatnonzero(np.diff(turn[by_turn])) + 1)
