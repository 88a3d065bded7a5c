"""the states that were seen are noted while one walks back from the end: what counts is then the last visit, not the first (E6)

Where all returns of an episode are equal this shows nowhere. The machine is worth 1.0 in place of 10.
"""

import numpy as np


def returns(rewards, gamma):
    G, found = 0.0, []
    for r in reversed(rewards):
        G = r + gamma * G
        found.append(G)
    return np.array(found[::-1])


def first_visits(states):
    seen, steps = set(), []
    for t, s in reversed(list(enumerate(states))):
        if s not in seen:
            seen.add(s)
            steps.append(t)
    return steps[::-1]


def predict(episodes, n_states, gamma=1.0):
    V, N = np.zeros(n_states), np.zeros(n_states)
    for states, rewards in episodes:
        G = returns(rewards, gamma)
        for t in first_visits(states):
            s = states[t]
            N[s] += 1
            V[s] += (G[t] - V[s]) / N[s]
    return V, N
