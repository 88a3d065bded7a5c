"""Returns once more: with NumPy, and by Horner's scheme."""

from itertools import accumulate

import numpy as np


def discounted_return(rewards, gamma):
    rewards = np.asarray(rewards, dtype=float)
    return float(rewards @ np.power(gamma, np.arange(len(rewards)), dtype=float))


def all_returns(rewards, gamma):
    backwards = accumulate(list(rewards)[::-1], lambda later, reward: gamma * later + reward)
    return np.array(list(backwards)[::-1])


def forever(reward, gamma):
    total, weight = 0.0, 1.0
    while weight > 1e-15:
        total, weight = total + weight * reward, weight * gamma
    return total
