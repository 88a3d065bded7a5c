"""Prioritised replay once more: logarithms of priorities, draws from equal shares of the total, and a loop over the batch."""

from typing import NamedTuple

import numpy as np


class Memory(NamedTuple):
    s: np.ndarray
    a: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    terminated: np.ndarray


def probabilities(p, alpha):
    logits = alpha * np.log(p)
    shares = np.exp(logits - logits.max())
    return shares / np.sum(shares)


def draw(P, size, rng):
    """One from each of `size` equal shares of the total, as the paper does; the shares in a random order."""
    ends = np.cumsum(P)
    points = (rng.permutation(size) + rng.random(size)) / size * ends[-1]
    return np.minimum(np.searchsorted(ends, points, side="right"), len(P) - 1)


def weights(P, index, beta):
    rarest = min(P[i] for i in index)
    return np.array([(rarest / P[i]) ** beta for i in index])


def learn(Q, memory, p, index, w, lr, gamma, eps=1e-6):
    old = Q.copy()
    for j, weight in zip(index, w):
        s, a, future = memory.s[j], memory.a[j], 0.0
        if not memory.terminated[j]:
            future = gamma * max(old[memory.s_next[j]])
        error = memory.r[j] + future - old[s, a]
        Q[s, a] += lr * weight * error
        p[j] = abs(error) + eps


def updates(memory, Q, right, alpha, rng, lr=0.25, gamma=0.9, most=20_000):
    Q, p, k = Q.copy(), np.ones(len(memory.s)), 0
    while k < most and (k % 10 or np.square(Q - right).mean() >= 1e-3):
        P = probabilities(p, alpha)
        index = draw(P, 1, rng)
        learn(Q, memory, p, index, weights(P, index, 1.0), lr, gamma)
        k += 1
    return k
