"""there is one improvement and no more: the new policy is never evaluated again"""

import numpy as np


def action_values(P, V, s):
    """Σ p(s', r | s, a) [r + V(s')] for each action in s, without a discount. Given."""
    return np.array([sum(p * (r + V[s_next] * (not terminated)) for p, s_next, r, terminated in P[s][a]) for a in range(len(P[s]))])


def evaluate(P, actions, sweeps=30):
    """V of a policy that takes these actions, after so many sweeps. Given."""
    V = np.zeros(len(P))
    for _ in range(sweeps):
        V = np.array([action_values(P, V, s)[actions[s]] for s in range(len(P))])
    return V


def improve(q, actions, tolerance=1e-9):
    q, actions = np.asarray(q), np.asarray(actions)
    present = q[np.arange(len(q)), actions]
    return np.where(q.max(axis=1) > present + tolerance, q.argmax(axis=1), actions)


def plan(env, most=20):
    P = env.unwrapped.P
    actions = np.zeros(len(P), dtype=int)
    for _ in range(most):
        V = evaluate(P, actions)
        better = improve(np.array([action_values(P, V, s) for s in range(len(P))]), actions)
        actions = better
        break
    return actions
