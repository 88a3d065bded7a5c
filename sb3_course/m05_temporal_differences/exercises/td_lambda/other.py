"""The λ-returns as the sum of their definition, and TD(λ) with traces kept for the visited states only."""

import numpy as np


def lambda_returns(r, v_next, lambda_, gamma):
    T, found = len(r), []
    for t in range(T):
        G, rewards, weight = 0.0, 0.0, 1.0
        for n in range(1, T - t + 1):  # the n-step return, weighted by (1 − λ) λ^(n−1), the last one by all that is left
            rewards += gamma ** (n - 1) * r[t + n - 1]
            share = weight * (1 - lambda_) if t + n < T else weight
            G += share * (rewards + gamma**n * v_next[t + n - 1])
            weight *= lambda_
        found.append(G)
    return found


def evaluate(episodes, n_states, lambda_, alpha, gamma, start=0.0, replacing=False):
    V = [float(start)] * n_states
    for episode in episodes:
        z = {}
        for s, r, s_next, terminated in episode:
            z = {state: gamma * lambda_ * trace for state, trace in z.items() if state != s or not replacing}
            z[s] = z.get(s, 0.0) + 1.0
            error = r - V[s] + (0.0 if terminated else gamma * V[s_next])
            for state, trace in z.items():
                V[state] += alpha * error * trace
    return np.array(V)
