"""the steps beyond the bound are counted, where the runs are: one long run then outweighs the others"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    possible = np.abs(q) <= bound(r_max, gamma)  # False where q is NaN
    bad = np.flatnonzero(~possible.all(-1) | ~np.isfinite(q).all(-1))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean(np.abs(np.concatenate([q for q, _ in runs])).max(-1) > bound(r_max, gamma))) for name, runs in arms.items()}
