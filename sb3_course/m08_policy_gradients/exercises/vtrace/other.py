"""The same by the sum of eq. (1): each later δ, times the discounts and the traces c between, as far as the episode goes."""

import numpy as np


def targets(reward, v, v_next, ratio, terminated, truncated, gamma, rho_bar=1.0, c_bar=1.0):
    ends = np.asarray(terminated) | np.asarray(truncated)
    discount = np.where(terminated, 0.0, gamma)
    delta = np.clip(ratio, None, rho_bar) * (reward + discount * v_next - v)
    found = []
    for start in range(len(delta)):
        total, weight = float(v[start]), 1.0
        for k in range(start, len(delta)):
            total += weight * delta[k]
            if ends[k]:
                break
            weight *= gamma * min(c_bar, ratio[k])
        found.append(total)
    return found


def advantages(reward, v, v_next, vs, ratio, terminated, truncated, gamma, rho_bar=1.0):
    ends = np.asarray(terminated) | np.asarray(truncated)
    ends[-1] = True
    following = np.where(ends, v_next, np.append(vs[1:], 0.0))
    return np.clip(ratio, None, rho_bar) * (reward + np.where(terminated, 0.0, gamma) * following - v)
