"""Exercise `contraction`: the softmax mean, and two vectors that it drives apart."""

import numpy as np


def boltzmann(q, beta):
    q = np.asarray(q, dtype=float)
    w = np.exp(beta * (q - q.max()))  # the largest exponent is 0: nothing overflows
    return float(w @ q / w.sum())


def expansion(f, x, y):
    return float(abs(f(x) - f(y)) / np.abs(np.asarray(x) - np.asarray(y)).max())


def pair(beta):
    gap, step = 2.4 / beta, 0.1 / beta  # where the slope in the larger value is steepest
    x = np.array([gap, 0.0])
    return x, x + np.array([step, -step])
