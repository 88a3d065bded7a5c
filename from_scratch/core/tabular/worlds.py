"""Finite worlds of several seeds as arrays, and what is experienced in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from from_scratch.core.rng import Rng
from from_scratch.core.tabular.prediction import draw


class Worlds(NamedTuple):
    """What each pair may lead to in every seed's environment, all [S, n_states, n_actions, most successors], and where episodes begin."""

    p: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    goes_on: np.ndarray  # 0 where the episode terminates
    start: np.ndarray  # [S, n_states]  cumulated


class Experience(NamedTuple):
    """Transitions of every seed, [S, N] each; where a seed has fewer than N, zeros stand behind the last of its `size`."""

    s: np.ndarray
    a: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    goes_on: np.ndarray
    size: np.ndarray  # [S]


def every_sequence(worlds: Worlds, horizon: int, rng: Rng) -> Experience:
    """All transitions, in a random order, of carrying out every sequence of `horizon` actions once, each from a start until the episode terminates."""
    S, n_actions = worlds.p.shape[0], worlds.p.shape[2]
    n = n_actions**horizon
    i, alive = np.arange(S)[:, None], np.ones((S, n), dtype=bool)
    s = np.stack([np.searchsorted(start, u * start[-1], side="right") for start, u in zip(worlds.start, rng.uniform(n), strict=True)])
    met = []
    for t in range(horizon):
        a = np.broadcast_to(np.arange(n) // n_actions**t % n_actions, (S, n))  # all sequences, as numbers whose digits are the actions
        k = draw(worlds.p[i, s, a], rng.uniform(n))
        s_next, goes_on = worlds.s_next[i, s, a, k], worlds.goes_on[i, s, a, k]
        met.append((s, a, worlds.r[i, s, a, k], s_next, goes_on, alive))
        s, alive = s_next, alive & (goes_on > 0)
    fields = [np.concatenate(field, axis=1) for field in zip(*met, strict=True)]
    was_met = fields.pop()
    order = rng.permutation(horizon * n, np.ones(S, dtype=bool))
    chosen = [row[of_seed[row]] for row, of_seed in zip(order, was_met, strict=True)]
    size = was_met.sum(-1)
    s, a, r, s_next, goes_on = (_padded([field[k, row] for k, row in enumerate(chosen)], int(size.max())) for field in fields)
    return Experience(s, a, r, s_next, goes_on, size)


def _padded(rows: list[np.ndarray], n: int) -> np.ndarray:
    """Rows of different lengths as one array [S, n], zeros behind them."""
    return np.stack([np.pad(row, (0, n - len(row))) for row in rows])
