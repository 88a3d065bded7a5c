"""transitions that end the episode are kept in the matrix, so what lies behind the end has a value (E1)"""

import numpy as np


def policy_model(P, pi):
    n = len(P)
    P_pi, r_pi = np.zeros((n, n)), np.zeros(n)
    for s in range(n):
        for a in range(len(P[s])):
            for p, s_next, r, _ in P[s][a]:
                r_pi[s] += pi[s][a] * p * r
                P_pi[s, s_next] += pi[s][a] * p
    return P_pi, r_pi


def policy_values(P, pi, gamma):
    P_pi, r_pi = policy_model(P, pi)
    return np.linalg.solve(np.eye(len(P)) - gamma * P_pi, r_pi)  # (I − γ P_π) V = r_π
