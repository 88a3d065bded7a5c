"""new values are used before the sweep is over: V is overwritten state by state, so later states read what earlier ones just got

To find V_π or V* by many sweeps that is fine, and often faster; but it is another operator.
"""

import numpy as np

P = [
    [[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
    [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]],
]


def action_value(outcomes, V, gamma):
    """Σ p(s', r | s, a) [r + γ V(s')] of one action in one state; behind the end there is nothing to come."""
    return sum(p * (r + gamma * V[s_next] * (not terminated)) for p, s_next, r, terminated in outcomes)


def action_values(P, V, gamma):
    return np.array([[action_value(P[s][a], V, gamma) for a in range(len(P[s]))] for s in range(len(P))])  # eq. (4.6)


def expectation_backup(P, V, pi, gamma):
    V = np.array(V)
    for s in range(len(V)):
        V[s] = np.dot(pi[s], action_values(P, V, gamma)[s])
    return V


def optimality_backup(P, V, gamma):
    V = np.array(V)
    for s in range(len(V)):
        V[s] = action_values(P, V, gamma)[s].max()
    return V


if __name__ == "__main__":
    print(action_values(P, np.array([2.0, 10.0]), 0.5))
