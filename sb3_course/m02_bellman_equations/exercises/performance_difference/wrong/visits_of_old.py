"""states are weighted by how often the old policy visits them, not the new one

For policies that are near each other the two are nearly equal: TRPO rests on that.
"""

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
    return visits(p, start, old, gamma) @ (new * advantages(p, r, old, gamma)).sum(axis=1)
