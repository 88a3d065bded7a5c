"""First-visit Monte Carlo (Sutton & Barto 2018, section 5.1)."""

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
            N[s] += 1
            V[s] += (G[t] - V[s]) / N[s]
    return V, N
