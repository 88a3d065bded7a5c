"""the value behind the end is added: `terminated` is not used (E9)"""

import numpy as np


def update(w, x, r, x_next, terminated, alpha, gamma):
    target = r + gamma * np.dot(w, x_next)
    return w + alpha * (target - np.dot(w, x)) * np.asarray(x)  # eq. (9.7)


def learn(episodes, X, alpha, gamma=1.0):
    w = np.zeros(X.shape[1])
    for episode in episodes:
        for s, r, s_next, terminated in episode:
            w = update(w, X[s], r, X[s_next], terminated, alpha, gamma)
    return w


def fixed_point(P, r, X, mu, gamma=1.0):
    weighted = X.T * mu
    return np.linalg.solve(weighted @ (X - gamma * P @ X), weighted @ r)  # eq. (9.12)
