"""The model once more: the walk as a generator of episodes, the table from arrays of counts and sums."""

from itertools import islice

import numpy as np


def walk(env, rng):
    options = {"seed": int(rng.integers(2**31))}
    while True:
        s, over = env.reset(**options)[0], False
        options = {}
        while not over:
            a = rng.choice(env.action_space.n)
            s_next, r, terminated, truncated, _ = env.step(a)
            yield s, a, r, s_next, terminated
            s, over = s_next, terminated or truncated


def collect(env, n, rng):
    return list(islice(walk(env, rng), n))


def estimate(steps, n_states, n_actions):
    N = np.zeros((n_states, n_actions, n_states, 2))
    earned = np.zeros_like(N)
    for s, a, r, s_next, terminated in steps:
        N[s, a, s_next, int(terminated)] += 1
        earned[s, a, s_next, int(terminated)] += r
    P = []
    for s in range(n_states):
        P.append([])
        for a in range(n_actions):
            # the reward of an outcome is its mean: where it is random, that is all that a planner needs
            outcomes = [(N[s, a, to, end] / N[s, a].sum(), to, earned[s, a, to, end] / N[s, a, to, end], bool(end)) for to, end in np.argwhere(N[s, a])]
            P[s].append(outcomes or [(1.0, s, 0.0, False)])
    return P
