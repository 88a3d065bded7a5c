"""the new L is compared with 0 and not with the L of the old θ

With exact advantages of the old policy its own L is 0, and so it does not show. Estimates have a mean of their own.
"""

import numpy as np


def softmax(theta):
    """π [S, A] of θ [S, A]."""
    e = np.exp(theta - theta.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def objective_and_kl(theta, theta_old, d, advantage):
    pi, old = softmax(theta), softmax(theta_old)
    objective = d @ (pi * advantage).sum(1)
    kl = d @ (old * np.log(old / pi)).sum(1)
    return objective, kl


def line_search(theta, step, evaluate, delta, shrinking=0.8, n_tries=10):
    for i in range(n_tries):
        new = theta + shrinking**i * step
        objective, kl = evaluate(new)
        if objective > 0 and kl < delta:
            return new, True
    return theta, False


if __name__ == "__main__":
    old, d, advantage = np.zeros((1, 3)), np.ones(1), np.array([[1.0, 0.0, -1.0]])
    print(line_search(old, 10 * advantage, lambda theta: objective_and_kl(theta, old, d, advantage), 0.01, n_tries=30))
