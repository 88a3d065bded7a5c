"""the discount is counted from the beginning of the episode, not from the step: a late return is made too small

The return of step 0 is right.
"""

import numpy as np


def returns(rewards, gamma):
    discounted = [gamma**t * r for t, r in enumerate(rewards)]
    return np.array([sum(discounted[t:]) for t in range(len(rewards))])


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
