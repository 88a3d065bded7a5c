"""the bound is the largest reward alone, as if nothing came after the next step: the horizon 1/(1 − γ) is missing

Every healthy run then raises an alarm.
"""

import numpy as np


def bound(r_max, gamma):
    return r_max


def first_alarm(q, target, r_max, gamma):
    possible = np.abs(q) <= bound(r_max, gamma)  # False where q is NaN
    bad = np.flatnonzero(~possible.all(-1) | ~np.isfinite(q).all(-1))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
