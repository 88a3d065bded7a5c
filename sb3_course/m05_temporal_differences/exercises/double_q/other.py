"""Double Q-learning once more: both tables are kept side by side, [2, n_actions] for each state, and the update is written as a mean."""

import numpy as np


def target(q_this, q_other, r, terminated, gamma):
    values = dict(zip(q_this, q_other))  # what the other table says, by what this one says
    return r + (0.0 if terminated else gamma) * values[max(q_this)]


def play(env, q, epsilon, rng):
    """One episode, as steps (s, a, r, s', terminated)."""
    s, over = env.reset()[0], False
    while not over:
        both = q[s].mean(0)
        a = int(rng.integers(len(both))) if rng.random() < epsilon else max(range(len(both)), key=lambda k: (both[k], rng.random()))
        s_next, r, terminated, truncated, _ = env.step(a)
        yield s, a, r, s_next, terminated
        s, over = s_next, terminated or truncated


def learn(env, n_episodes, alpha, gamma, epsilon, rng):
    q = [np.zeros((2, n)) for n in env.n_actions]
    for _ in range(n_episodes):
        for s, a, r, s_next, terminated in play(env, q, epsilon, rng):
            k = int(rng.integers(2))
            q[s][k, a] = (1 - alpha) * q[s][k, a] + alpha * target(q[s_next][k], q[s_next][1 - k], r, terminated, gamma)
    return [row[0] for row in q], [row[1] for row in q]
