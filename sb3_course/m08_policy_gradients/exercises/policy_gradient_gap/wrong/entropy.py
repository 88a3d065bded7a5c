"""the reward of D has a bonus of −ln π: it depends on θ, but its own derivative is minus ∇ ln π, whose mean is 0"""

import math


def missing():
    return {"A": "d", "B": "b", "C": "g", "D": "c"}


def biased_baseline():
    return 0.0, [0.0, 0.0], [0.0, 1.0]  # ¼ (1 − 0) is taken away


def downhill():
    return 0.0, [[0.0, 1.0], [0.0, -1.5]]  # 1 − ½ · 1.5 > 0, and 1 − 1.5 < 0


def samples_of_another():
    return 0.0, [1.0, 2.0], 0.1  # 0.1 · 2 · ½ − 0.9 · 1 · ½ < 0


def moving_reward():
    def reward(theta, a):
        p = 1 / (1 + math.exp(-theta))
        return -math.log(p if a else 1 - p)

    return 0.0, reward
