"""the pairs that were seen are noted while one walks back from the end: what counts is then the last visit, not the first (E6)"""

import numpy as np


def probabilities(q, epsilon):
    q = np.asarray(q)
    best = q == q.max()
    return epsilon / len(q) + (1 - epsilon) * best / best.sum()


def update(Q, N, episode, gamma=1.0):
    first = {(s, a): t for t, (s, a, _) in enumerate(episode)}
    G = 0.0
    for t in reversed(range(len(episode))):
        s, a, r = episode[t]
        G = r + gamma * G
        if first[s, a] == t:
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
