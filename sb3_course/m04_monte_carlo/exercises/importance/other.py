"""Importance sampling, with means that are carried along (eqs. 5.7 and 5.8)."""

import numpy as np


def ratios(episode, pi, b):
    each = np.array([pi[s, a] / b[s, a] for s, a, _ in episode])
    return np.array([each[t:].prod() for t in range(len(each))])


def learn(episodes, pi, b, n_states, gamma, by_weight):
    V, C = [0.0] * n_states, [0.0] * n_states
    for episode in episodes:
        states = [s for s, _, _ in episode]
        rho = ratios(episode, pi, b)
        for s in set(states):
            t = states.index(s)
            G = sum(gamma**k * r for k, (_, _, r) in enumerate(episode[t:]))
            if by_weight and rho[t] > 0:
                C[s] += rho[t]
                V[s] += rho[t] / C[s] * (G - V[s])
            elif not by_weight:
                C[s] += 1
                V[s] += (rho[t] * G - V[s]) / C[s]
    return np.array(V)


def ordinary(episodes, pi, b, n_states, gamma=1.0):
    return learn(episodes, pi, b, n_states, gamma, False)


def weighted(episodes, pi, b, n_states, gamma=1.0):
    return learn(episodes, pi, b, n_states, gamma, True)
