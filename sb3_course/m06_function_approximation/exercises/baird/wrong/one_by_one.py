"""the states are swept one after another, each with the weights that the one before has left"""

import numpy as np

GAMMA = 0.99
DASHED, SOLID = 0, 1
PI = np.array([0.0, 1.0])
B = np.array([6 / 7, 1 / 7])


def features():
    X = np.zeros((7, 8))
    for s in range(6):
        X[s, s], X[s, 7] = 2, 1
    X[6, 6], X[6, 7] = 1, 2
    return X


def td_step(w, s, a, s_next, alpha):
    X = features()
    x, x_next = X[s], X[s_next]
    rho = PI[a] / B[a]
    delta = GAMMA * x_next @ w - x @ w
    return w + alpha * rho * delta * x  # eq. (11.2)


def expected_step(w, alpha):
    X = features()
    for s in range(7):
        delta = GAMMA * X[6] @ w - X[s] @ w  # under π the next state is 6
        w = w + alpha * delta * X[s] / 7
    return w


def tdc_step(w, v, s, a, s_next, alpha, beta):
    X = features()
    x, x_next = X[s], X[s_next]
    rho = PI[a] / B[a]
    delta = GAMMA * x_next @ w - x @ w
    predicted = x @ v
    w = w + alpha * rho * (delta * x - GAMMA * predicted * x_next)
    v = v + beta * rho * (delta - predicted) * x
    return w, v
