"""P3 with gaps: what each step of the proof needs."""


def missing():
    return {"A": "d", "B": "b", "C": "g", "D": "c"}


def biased_baseline():
    return 0.0, [0.0, 0.0], [0.0, 1.0]  # ¼ (1 − 0) is taken away


def downhill():
    return 0.0, [[0.0, 1.0], [0.0, -1.5]]  # 1 − ½ · 1.5 > 0, and 1 − 1.5 < 0


def samples_of_another():
    return 0.0, [1.0, 2.0], 0.1  # 0.1 · 2 · ½ − 0.9 · 1 · ½ < 0


def moving_reward():
    return 0.0, lambda theta, a: theta  # J = θ, and a reward that is the same for both actions has no gradient to sample
