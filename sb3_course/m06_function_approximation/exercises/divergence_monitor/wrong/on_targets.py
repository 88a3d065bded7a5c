"""the targets are watched: r + γ max Q shows the largest action of the next state only, and stays small while others run away"""

import numpy as np


def bound(r_max, gamma):
    return np.inf if gamma == 1 else r_max / (1 - gamma)


def first_alarm(q, target, r_max, gamma):
    possible = np.abs(target) <= bound(r_max, gamma)
    bad = np.flatnonzero(~possible | ~np.isfinite(target))
    return int(bad[0]) if len(bad) else -1


def shares(arms, r_max, gamma):
    return {name: float(np.mean([first_alarm(q, target, r_max, gamma) >= 0 for q, target in runs])) for name, runs in arms.items()}
