"""First-visit Monte Carlo, with a matrix of discounts and a dictionary of first steps."""

import numpy as np


def returns(rewards, gamma):
    T = len(rewards)
    return np.array([sum(gamma**k * rewards[t + k] for k in range(T - t)) for t in range(T)])


def first_visits(states):
    return sorted({s: t for t, s in reversed(list(enumerate(states)))}.values())


def predict(episodes, n_states, gamma=1.0):
    total, N = [0.0] * n_states, [0] * n_states
    for states, rewards in episodes:
        G, first = 0.0, {}
        for s, r in zip(states[::-1], rewards[::-1]):
            G = r + gamma * G
            first[s] = G  # an earlier visit comes later here, and takes the place of the one before
        for s, value in first.items():
            total[s] += value
            N[s] += 1
    return np.array([x / n if n else 0.0 for x, n in zip(total, N)]), np.array(N)
