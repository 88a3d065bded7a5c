"""The same estimates as sums, episode by episode: eq. (16) as it is printed."""

import numpy as np


def next_values(v, v_final, v_last, terminated, truncated):
    found = [float(x) for x in v[1:]] + [float(v_last)]
    for t, (ended, cut) in enumerate(zip(terminated, truncated)):
        if ended or cut:
            found[t] = float(v_final[t])
    return found


def gae(reward, v, v_next, terminated, truncated, gamma, lam):
    reward, v = np.asarray(reward, dtype=float), np.asarray(v, dtype=float)
    alive = 1.0 - np.asarray(terminated, dtype=float)
    delta = reward + gamma * alive * np.asarray(v_next) - v
    last_steps = [t for t in range(len(v)) if terminated[t] or truncated[t]]
    found, begin = np.zeros_like(v), 0
    for end in [*(t + 1 for t in last_steps), len(v)]:
        for t in range(begin, end):
            found[t] = sum((gamma * lam) ** k * delta[t + k] for k in range(end - t))
        begin = end
    return found
