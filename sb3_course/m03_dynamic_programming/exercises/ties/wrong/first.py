"""the first of the best actions is taken although the present one is as good (E5)

With a discount the way through the wall is longer and so worth less, which is why FrozenLake at γ = 0.99 does not show it.
"""

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
    return np.asarray(q).round(9).argmax(axis=1)


def plan(env, most=20):
    P = env.unwrapped.P
    actions = np.zeros(len(P), dtype=int)
    for _ in range(most):
        V = evaluate(P, actions)
        better = improve(np.array([action_values(P, V, s) for s in range(len(P))]), actions)
        if (better == actions).all():
            break
        actions = better
    return actions
