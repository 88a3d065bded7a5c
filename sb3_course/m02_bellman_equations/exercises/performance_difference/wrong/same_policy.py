"""advantages and action probabilities are of the same policy: under its own policy an advantage has the mean 0, and so has the sum"""

import numpy as np


def under(p, pi):
    """P_π [n_states, n_states]: one step of the policy."""
    return np.einsum("sa,sat->st", pi, p)


def advantages(p, r, pi, gamma):
    V = np.linalg.solve(np.eye(len(p)) - gamma * under(p, pi), (pi * r).sum(axis=1))
    Q = r + gamma * p @ V
    return Q - V[:, None]


def visits(p, start, pi, gamma):
    return np.linalg.solve(np.eye(len(p)) - gamma * under(p, pi).T, start)


def performance_difference(p, r, start, new, old, gamma):
    return visits(p, start, new, gamma) @ (new * advantages(p, r, new, gamma)).sum(axis=1)
