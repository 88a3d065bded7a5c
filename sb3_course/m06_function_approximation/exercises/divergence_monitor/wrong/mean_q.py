"""the mean over the actions is watched: one wild action among tame ones goes unseen"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    mean = q.mean(-1)
    bad = np.flatnonzero((np.abs(mean) > bound(r_max, gamma)) | ~np.isfinite(mean))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
