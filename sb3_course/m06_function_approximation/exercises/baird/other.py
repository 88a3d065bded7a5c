"""Baird's counterexample, by matrices."""

import numpy as np

X = np.zeros((7, 8))
X[:6, :6] = 2 * np.eye(6)
X[6, 6] = 1
X[:, 7] = [1] * 6 + [2]


def features():
    return X.copy()


def ratio(a):
    return 7.0 if a == 1 else 0.0


def td_step(w, s, a, s_next, alpha):
    V = X @ w
    return w + alpha * ratio(a) * (0.99 * V[s_next] - V[s]) * X[s]


def expected_step(w, alpha):
    w = np.asarray(w, dtype=float)
    for_all = np.zeros(8)
    for s in range(7):
        for a, b in ((0, 6 / 7), (1, 1 / 7)):
            for s_next, p in [(6, 1.0)] if a == 1 else [(k, 1 / 6) for k in range(6)]:
                for_all += b * p / 7 * (td_step(w, s, a, s_next, alpha) - w)
    return w + for_all


def tdc_step(w, v, s, a, s_next, alpha, beta):
    delta, guess, rho = (0.99 * X[s_next] - X[s]) @ w, v @ X[s], ratio(a)
    return w + alpha * rho * (delta * X[s] - 0.99 * guess * X[s_next]), v + beta * rho * (delta - guess) * X[s]
