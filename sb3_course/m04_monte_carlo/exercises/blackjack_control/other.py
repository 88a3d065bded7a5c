"""Monte Carlo control with an ε-soft policy, with numbers in the place of arrays where it is played."""

import numpy as np


def probabilities(q, epsilon):
    n, most = len(q), max(q)
    winners = [a for a in range(n) if q[a] == most]
    return [epsilon / n + ((1 - epsilon) / len(winners) if a in winners else 0.0) for a in range(n)]


def update(Q, N, episode, gamma=1.0):
    G, firsts = 0.0, {}
    for s, a, r in episode[::-1]:
        G = r + gamma * G
        firsts[s, a] = G  # the earliest visit is written last
    for pair, value in firsts.items():
        N[pair] += 1
        Q[pair] = Q[pair] * (1 - 1 / N[pair]) + value / N[pair]


def learn(env, n_states, n_actions, episodes, epsilon, rng):
    Q, N = np.zeros((n_states, n_actions)), np.zeros((n_states, n_actions))
    for _ in range(episodes):
        s, _ = env.reset()
        episode = []
        while True:
            u, a, p = rng.random(), 0, probabilities(Q[s].tolist(), epsilon)
            while a < n_actions - 1 and u >= p[a]:
                u, a = u - p[a], a + 1
            s_next, r, terminated, truncated, _ = env.step(a)
            episode.append((s, a, r))
            if terminated or truncated:
                break
            s = s_next
        update(Q, N, episode)
    return Q
