"""The lemma once more, by sums over time: what is still to come is followed until nothing is left of it."""

import numpy as np


def advantages(p, r, pi, gamma):
    v = np.zeros(len(r))
    while True:
        q = np.array([[r[s][a] + gamma * float(np.dot(p[s][a], v)) for a in range(len(r[s]))] for s in range(len(r))])
        new = np.einsum("sa,sa->s", pi, q)
        if np.abs(new - v).max() < 1e-14 * (1 + np.abs(new).max()):
            return q - new.reshape(-1, 1)
        v = new


def visits(p, start, pi, gamma):
    now, total = np.array(start, dtype=float), np.zeros(len(start))
    while now.sum() > 1e-15:
        total += now
        now = gamma * np.einsum("s,sa,sat->t", now, pi, p)
    return total


def performance_difference(p, r, start, new, old, gamma):
    d, A = visits(p, start, new, gamma), advantages(p, r, old, gamma)
    return sum(d[s] * new[s][a] * A[s][a] for s in range(len(d)) for a in range(len(A[s])))
