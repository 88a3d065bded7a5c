"""the errors of an episode are all computed with the weights from before it, and only then are the weights moved"""

import numpy as np


def update(w, x, r, x_next, terminated, alpha, gamma):
    target = r if terminated else r + gamma * np.dot(w, x_next)
    return w + alpha * (target - np.dot(w, x)) * np.asarray(x)  # eq. (9.7)


def learn(episodes, X, alpha, gamma=1.0):
    w = np.zeros(X.shape[1])
    for episode in episodes:
        change = np.zeros(len(w))
        for s, r, s_next, terminated in episode:
            change += update(w, X[s], r, X[s_next], terminated, alpha, gamma) - w
        w = w + change
    return w


def fixed_point(P, r, X, mu, gamma=1.0):
    weighted = X.T * mu
    return np.linalg.solve(weighted @ (X - gamma * P @ X), weighted @ r)  # eq. (9.12)
