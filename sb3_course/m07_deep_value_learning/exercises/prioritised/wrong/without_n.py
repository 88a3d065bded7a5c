"""the weights are not divided by the largest one: a rare transition takes a step larger than the learning rate"""

from typing import NamedTuple

import numpy as np


class Memory(NamedTuple):
    s: np.ndarray
    a: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    terminated: np.ndarray


def probabilities(p, alpha):
    powers = p**alpha
    return powers / powers.sum()


def draw(P, size, rng):
    return rng.choice(len(P), size=size, p=P)


def weights(P, index, beta):
    w = (len(P) * P[index]) ** -beta
    return w


def learn(Q, memory, p, index, w, lr, gamma, eps=1e-6):
    s, a = memory.s[index], memory.a[index]
    best = Q[memory.s_next[index]].max(1)
    delta = memory.r[index] + gamma * np.where(memory.terminated[index], 0.0, best) - Q[s, a]
    np.add.at(Q, (s, a), lr * w * delta)
    p[index] = np.abs(delta) + eps


def ledge(n):
    """A ledge of n states as a memory that holds every sequence of n moves once, and Q*, γ = 0.9.

    Move 1 goes on, move 0 falls off; only the end of the ledge pays.
    """
    met = []
    for moves in np.ndindex(*(2,) * n):
        for s, a in enumerate(moves):
            over = a == 0 or s == n - 1
            met.append((s, a, float(a == 1 and over), s if over else s + 1, over))
            if over:
                break
    return Memory(*map(np.array, zip(*met))), np.stack([np.zeros(n), 0.9 ** np.arange(n - 1, -1, -1)], 1)


def updates(memory, Q, right, alpha, rng, lr=0.25, gamma=0.9, most=20_000):
    """How many updates with single transitions it takes until the mean of Q's squared errors is below 0.001."""
    Q, p = Q.copy(), np.ones(len(memory.s))
    for k in range(most):
        if k % 10 == 0 and np.mean((Q - right) ** 2) < 1e-3:
            return k
        P = probabilities(p, alpha)
        index = draw(P, 1, rng)
        learn(Q, memory, p, index, weights(P, index, 1.0), lr, gamma)
    return most


if __name__ == "__main__":
    P = probabilities(np.array([1.0, 4.0]), 0.5)
    print("P", P, "weights", weights(P, np.array([0, 1]), 1.0))
    print("draws", draw(P, 10, np.random.default_rng(0)))
    memory, right = ledge(6)
    for alpha in (0.0, 0.6):
        rngs = [np.random.default_rng(k) for k in range(10)]
        print("α", alpha, "updates, 10 seeds:", [updates(memory, rng.normal(0, 0.1, right.shape), right, alpha, rng) for rng in rngs])
