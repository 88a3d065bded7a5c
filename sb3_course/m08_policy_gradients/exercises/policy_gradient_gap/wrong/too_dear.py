"""the second step of B costs more than twice what the first pays: then both directions lead away from action 1"""


def missing():
    return {"A": "d", "B": "b", "C": "g", "D": "c"}


def biased_baseline():
    return 0.0, [0.0, 0.0], [0.0, 1.0]  # ¼ (1 − 0) is taken away


def downhill():
    return 0.0, [[0.0, 1.0], [0.0, -2.5]]


def samples_of_another():
    return 0.0, [1.0, 2.0], 0.1  # 0.1 · 2 · ½ − 0.9 · 1 · ½ < 0


def moving_reward():
    return 0.0, lambda theta, a: theta  # J = θ, and a reward that is the same for both actions has no gradient to sample
