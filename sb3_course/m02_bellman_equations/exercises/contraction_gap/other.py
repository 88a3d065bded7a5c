"""Other counterexamples."""

import numpy as np


def missing():
    return dict(zip("ABCD", "acdf"))


def two_fixed_points():
    P = {0: {0: [(1.0, 1, -1.0, False)], 1: [(1.0, 1, -2.0, False)]}, 1: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 0, 0.5, False)]}}  # round and round
    return P, np.array([-1.0, 0.0]), np.array([4.0, 5.0])


def spreading_weights():
    P = [[[(0.9, 0, 1.0, False), (0.9, 1, 1.0, False)]], [[(1.0, 1, 0.0, True)]]]
    return P, np.zeros(2), np.ones(2)


def spreading_distance():
    P = [[[(1.0, 2, 0.0, False)], [(1.0, 2, 0.0, False)]] for _ in range(3)]
    return P, np.array([5.0, 5.0, 5.0]), np.array([5.0, 5.0, 6.0])


def early_stop():
    P = [[[(1.0, 1, 0.0, False)]], [[(1.0, 1, -1.0, False)]]]
    return P, np.array([-8.92, -9.92])
