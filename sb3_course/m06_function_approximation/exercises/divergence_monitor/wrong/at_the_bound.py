"""a value of exactly the bound is an alarm, too: but if every reward is r_max, the return is the bound, and the value is right"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    possible = np.abs(q) < bound(r_max, gamma)  # False where q is NaN
    bad = np.flatnonzero(~possible.all(-1) | ~np.isfinite(q).all(-1))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
