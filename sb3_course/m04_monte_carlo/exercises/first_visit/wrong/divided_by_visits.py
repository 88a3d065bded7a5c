"""the sum of the first visits' returns is divided by the number of all visits"""

import numpy as np


def returns(rewards, gamma):
    G, found = 0.0, []
    for r in reversed(rewards):
        G = r + gamma * G
        found.append(G)
    return np.array(found[::-1])


def first_visits(states):
    seen, steps = set(), []
    for t, s in enumerate(states):
        if s not in seen:
            seen.add(s)
            steps.append(t)
    return steps


def predict(episodes, n_states, gamma=1.0):
    V, N = np.zeros(n_states), np.zeros(n_states)
    for states, rewards in episodes:
        G = returns(rewards, gamma)
        for t in first_visits(states):
            s = states[t]
            V[s] += G[t]
        for s in states:
            N[s] += 1
    return V / np.maximum(N, 1), N
