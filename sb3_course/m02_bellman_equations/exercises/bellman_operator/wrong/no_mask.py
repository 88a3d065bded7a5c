"""the value behind a transition that ends the episode is added: `terminated` is unpacked and not used (E1)

On FrozenLake this costs nothing: its holes and its goal are worth 0 anyway.
"""

import numpy as np

P = [
    [[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
    [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]],
]


def action_value(outcomes, V, gamma):
    """Σ p(s', r | s, a) [r + γ V(s')] of one action in one state; behind the end there is nothing to come."""
    return sum(p * (r + gamma * V[s_next]) for p, s_next, r, terminated in outcomes)


def action_values(P, V, gamma):
    return np.array([[action_value(P[s][a], V, gamma) for a in range(len(P[s]))] for s in range(len(P))])  # eq. (4.6)


def expectation_backup(P, V, pi, gamma):
    return (np.asarray(pi) * action_values(P, V, gamma)).sum(axis=1)  # eq. (3.14)


def optimality_backup(P, V, gamma):
    return action_values(P, V, gamma).max(axis=1)  # eq. (3.19)


if __name__ == "__main__":
    print(action_values(P, np.array([2.0, 10.0]), 0.5))
