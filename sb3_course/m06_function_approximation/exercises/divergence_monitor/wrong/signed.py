"""only values above the bound count: those that run away downwards are not seen, because the size is not taken

On MountainCar all rewards are −1, and nothing ever runs away upwards.
"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    possible = q <= bound(r_max, gamma)
    bad = np.flatnonzero(~possible.all(-1) | ~np.isfinite(q).all(-1))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
