"""The n-step returns backwards, and n-step TD with a queue of the last n steps."""

from collections import deque

import numpy as np


def returns(r, v_next, terminated, truncated, n, gamma):
    """n times the one-step backup: the (n+1)-step return is r + γ times the n-step return of the next step, within the episode."""
    r, v_next = np.asarray(r, dtype=float), np.asarray(v_next, dtype=float)
    goes_on = ~(np.asarray(terminated) | np.asarray(truncated))
    goes_on[-1] = False
    alive = 1.0 - np.asarray(terminated)
    G = r + gamma * alive * v_next
    for _ in range(n - 1):
        G = r + gamma * np.where(goes_on, np.append(G[1:], 0.0), alive * v_next)
    return G.tolist()


def evaluate(episodes, n_states, n, alpha, gamma, start=0.0):
    V = [float(start)] * n_states

    def learn_oldest(queue, v):
        for _, r in reversed(queue):
            v = r + gamma * v
        s, _ = queue.popleft()
        V[s] = (1 - alpha) * V[s] + alpha * v

    for episode in episodes:
        queue = deque()
        for s, r, s_next, terminated in episode:
            queue.append((s, r))
            if len(queue) == n:
                learn_oldest(queue, 0.0 if terminated else V[s_next])
        while queue:
            learn_oldest(queue, 0.0 if terminated else V[s_next])
    return V
