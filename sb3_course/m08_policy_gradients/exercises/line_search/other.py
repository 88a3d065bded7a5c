"""The same with ratios, as a sample has them, and with a part that is carried along."""

import numpy as np


def log_softmax(theta):
    shifted = theta - theta.max(axis=1)[:, None]
    return shifted - np.log(np.exp(shifted).sum(axis=1))[:, None]


def objective_and_kl(theta, theta_old, d, advantage):
    new, old = log_softmax(theta), log_softmax(theta_old)
    weight = np.asarray(d)[:, None] * np.exp(old)  # how often each pair comes
    return float((weight * np.exp(new - old) * advantage).sum()), float((weight * (old - new)).sum())


def line_search(theta, step, evaluate, delta, shrinking=0.8, n_tries=10):
    start, part, tries = evaluate(theta)[0], 1.0, 0
    while tries < n_tries:
        candidate = theta + part * step
        gain, distance = evaluate(candidate)
        if not (gain <= start or distance >= delta):
            return candidate, True
        part, tries = part * shrinking, tries + 1
    return theta.copy(), False
