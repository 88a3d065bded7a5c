"""the ratios are multiplied from the beginning of the episode to the step, where they go from the step to its end"""

import numpy as np


def ratios(episode, pi, b):
    rho, found = 1.0, []
    for s, a, _ in episode:
        rho *= pi[s, a] / b[s, a]
        found.append(rho)
    return np.array(found)


def weighed_returns(episodes, pi, b, gamma):
    """(s, ρ, G) of every first visit."""
    for episode in episodes:
        rho, G, first = ratios(episode, pi, b), np.zeros(len(episode) + 1), {}
        for t in reversed(range(len(episode))):
            G[t] = episode[t][2] + gamma * G[t + 1]
        for t, (s, _, _) in enumerate(episode):
            first.setdefault(s, t)
        for s, t in first.items():
            yield s, rho[t], G[t]


def ordinary(episodes, pi, b, n_states, gamma=1.0):
    total, n = np.zeros(n_states), np.zeros(n_states)
    for s, rho, G in weighed_returns(episodes, pi, b, gamma):
        total[s] += rho * G
        n[s] += 1
    return total / np.where(n > 0, n, 1)


def weighted(episodes, pi, b, n_states, gamma=1.0):
    total, weight = np.zeros(n_states), np.zeros(n_states)
    for s, rho, G in weighed_returns(episodes, pi, b, gamma):
        total[s] += rho * G
        weight[s] += rho
    return total / np.where(weight > 0, weight, 1)
