"""V is an array of whole numbers, because `start` was one: what is put into it loses its decimals

`np.full(n, 1)` has whole numbers, `np.full(n, 1.0)` floats: write `float(start)`, or `dtype=float`.
"""

import numpy as np


def mc(episodes, n_states, alpha, gamma=1.0, start=0.5):
    V, n = np.full(n_states, start), np.zeros(n_states)
    for episode in episodes:
        first: dict[int, int] = {}
        for t, (s, _, _, _) in enumerate(episode):
            first.setdefault(s, t)
        G = 0.0
        for t in reversed(range(len(episode))):
            s, r, _, _ = episode[t]
            G = r + gamma * G
            if first[s] == t:
                n[s] += 1
                V[s] += (1 / n[s] if alpha is None else alpha) * (G - V[s])
    return V


def td0(episodes, n_states, alpha, gamma=1.0, start=0.5):
    V = np.full(n_states, start)
    for episode in episodes:
        for s, r, s_next, terminated in episode:
            V[s] += alpha * (r + gamma * V[s_next] * (not terminated) - V[s])  # eq. (6.2)
    return V


def walk(rng):
    """An episode of the random walk (example 6.2)."""
    s, episode = 3, []
    while 0 < s < 6:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next == 6), s_next, s_next in (0, 6)))
        s = s_next
    return episode


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    print(td0([walk(rng) for _ in range(100)], 7, 0.05)[1:6].round(3))
