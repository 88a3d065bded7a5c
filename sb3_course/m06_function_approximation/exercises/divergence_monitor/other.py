"""A monitor for values that run away, step by step."""

import math


def bound(r_max, gamma):
    try:
        return r_max / (1 - gamma)
    except ZeroDivisionError:
        return math.inf


def first_alarm(q, target, r_max, gamma):
    most = bound(r_max, gamma)
    for t, values in enumerate(q):
        for value in values:
            if not math.isfinite(value) or abs(value) > most:
                return t
    return -1


def shares(arms, r_max, gamma):
    found = {}
    for name, runs in arms.items():
        alarms = 0
        for q, target in runs:
            alarms += first_alarm(q, target, r_max, gamma) != -1
        found[name] = alarms / len(runs)
    return found
