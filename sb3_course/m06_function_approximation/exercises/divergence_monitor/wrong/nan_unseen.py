"""a value that is NaN is let through: it is not larger than the bound, nor than anything else"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    beyond = np.abs(q) > bound(r_max, gamma)
    bad = np.flatnonzero((beyond | np.isinf(q)).any(-1))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
