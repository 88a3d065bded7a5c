"""the last term is γ c v_(t+1), not γ c (v_(t+1) − V(s_(t+1))): V of the next state is counted twice"""

import numpy as np


def targets(reward, v, v_next, ratio, terminated, truncated, gamma, rho_bar=1.0, c_bar=1.0):
    rho, c = np.minimum(rho_bar, ratio), np.minimum(c_bar, ratio)
    T, correction, later = len(reward), np.zeros(len(reward)), 0.0  # correction_t = v_t − V(s_t)
    for t in reversed(range(T)):
        delta = rho[t] * (reward[t] + gamma * v_next[t] * (not terminated[t]) - v[t])
        goes_on = not (terminated[t] or truncated[t])
        correction[t] = delta + gamma * c[t] * later * goes_on
        later = v[t] + correction[t]
    return v + correction


def advantages(reward, v, v_next, vs, ratio, terminated, truncated, gamma, rho_bar=1.0):
    rho, T = np.minimum(rho_bar, ratio), len(reward)
    found = np.zeros(T)
    for t in range(T):
        goes_on = t < T - 1 and not (terminated[t] or truncated[t])
        following = vs[t + 1] if goes_on else v_next[t]
        found[t] = rho[t] * (reward[t] + gamma * following * (not terminated[t]) - v[t])
    return found


if __name__ == "__main__":
    print(targets(np.ones(2), np.zeros(2), np.zeros(2), np.array([2, 0.5]), np.array([False, True]), np.array([False, False]), 0.5))
