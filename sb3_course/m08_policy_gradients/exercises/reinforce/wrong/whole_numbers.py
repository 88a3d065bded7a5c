"""the returns are put into an array of whole numbers, because the rewards were some: they lose their decimals

`np.zeros_like(rewards)` has the type of `rewards`; `np.zeros(len(rewards))` has floats.
"""

import numpy as np


def policy(theta):
    """π [n_actions] = e^θ(a) / Σ_b e^θ(b)        (eq. 13.2)."""
    e = np.exp(theta - np.max(theta))
    return e / e.sum()


def grad_log_pi(theta, a):
    gradient = -policy(theta)  # ln π(a) = θ(a) − ln Σ_b e^θ(b), and the derivative of the second term is π(b)
    gradient[a] += 1
    return gradient


def reward_to_go(rewards, gamma):
    G, returns = 0.0, np.zeros_like(rewards)
    for t in reversed(range(len(rewards))):
        G = rewards[t] + gamma * G
        returns[t] = G
    return returns


def update(theta, w, actions, rewards, alpha, alpha_w, gamma, baseline):
    G = reward_to_go(rewards, gamma)
    for t in range(len(actions)):
        delta = G[t] - w if baseline else G[t]
        if baseline:
            w = w + alpha_w * delta
        theta = theta + alpha * gamma**t * delta * grad_log_pi(theta, actions[t])  # eq. (13.11), without a baseline (13.8)
    return theta, w


if __name__ == "__main__":
    print(grad_log_pi(np.array([0.0, 0.0]), 1), reward_to_go([-1, -1, -1], 1.0))
