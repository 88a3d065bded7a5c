"""The bandit once more: the choice as one draw from the probabilities of all arms, the average from the sum of what came before."""

import itertools


def update(q, n, a, r):
    total = q[a] * n[a] + r
    n[a] = n[a] + 1
    q[a] = total / n[a]


def choose(q, epsilon, rng):
    values = [float(value) for value in q]
    best = max(values)
    share = (1 - epsilon) / values.count(best)
    chances = [epsilon / len(values) + (share if value == best else 0.0) for value in values]
    u = rng.random()
    return next((a for a, reached in enumerate(itertools.accumulate(chances)) if u < reached), len(values) - 1)
