"""Semi-gradient TD(0) with linear features, by sums that are written out."""

import numpy as np


def value(w, x):
    return sum(float(weight) * float(feature) for weight, feature in zip(w, x))


def update(w, x, r, x_next, terminated, alpha, gamma):
    ahead = 0.0 if terminated else value(w, x_next)
    delta = r + gamma * ahead - value(w, x)
    return np.array([weight + alpha * delta * feature for weight, feature in zip(w, x)])


def learn(episodes, X, alpha, gamma=1.0):
    w = np.zeros(X.shape[1])
    for s, r, s_next, terminated in (step for episode in episodes for step in episode):
        delta = r + gamma * (1 - terminated) * X[s_next].dot(w) - X[s].dot(w)
        w += alpha * delta * X[s]
    return w


def fixed_point(P, r, X, mu, gamma=1.0):
    k = X.shape[1]
    A, b = np.zeros((k, k)), np.zeros(k)
    for s in range(len(X)):
        A += mu[s] * np.outer(X[s], X[s] - gamma * P[s] @ X)
        b += mu[s] * r[s] * X[s]
    return np.linalg.lstsq(A, b, rcond=None)[0]
