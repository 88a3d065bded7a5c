"""a state counts in the first episode in which it occurs, and in no other: the set of states that were seen is not emptied between episodes"""

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
    V, N, seen = np.zeros(n_states), np.zeros(n_states), set()
    for states, rewards in episodes:
        G = returns(rewards, gamma)
        for t, s in enumerate(states):
            if s in seen:
                continue
            seen.add(s)
            N[s] += 1
            V[s] += (G[t] - V[s]) / N[s]
    return V, N
