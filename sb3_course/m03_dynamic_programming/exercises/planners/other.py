"""The planners once more, with the table as arrays: whole sweeps at once, from the old values."""

import numpy as np


def arrays(env):
    """p(s'|s, a) of going on, [n_states, n_actions, n_states], and the expected reward [n_states, n_actions]."""
    table = env.unwrapped.P
    p, r = np.zeros((len(table), len(table[0]), len(table))), np.zeros((len(table), len(table[0])))
    for s, row in table.items() if isinstance(table, dict) else enumerate(table):
        for a, outcomes in row.items() if isinstance(row, dict) else enumerate(row):
            for probability, s_next, reward, terminated in outcomes:
                r[s, a] += probability * reward
                p[s, a, s_next] += 0 if terminated else probability
    return p, r


def repeat(sweep, n_states, theta, max_sweeps):
    old = np.zeros(n_states)
    for _ in range(max_sweeps):
        new = sweep(old)
        if np.abs(new - old).max() < theta:
            return new
        old = new
    return old


def policy_evaluation(env, pi, gamma, theta=1e-8, max_sweeps=10_000):
    p, r = arrays(env)
    return repeat(lambda v: (pi * (r + gamma * p @ v)).sum(1), len(r), theta, max_sweeps)


def value_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    p, r = arrays(env)
    return repeat(lambda v: (r + gamma * p @ v).max(1), len(r), theta, max_sweeps).tolist()


def policy_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    p, r = arrays(env)
    actions, s, n = np.zeros(len(r), dtype=int), np.arange(len(r)), 0
    while True:
        n += 1
        v = policy_evaluation(env, np.eye(r.shape[1])[actions], gamma, theta, max_sweeps)
        q = r + gamma * p @ v
        better = q.max(1) > q[s, actions] + 1e-6
        if not better.any():
            return v, actions, n
        actions = np.where(better, q.argmax(1), actions)
