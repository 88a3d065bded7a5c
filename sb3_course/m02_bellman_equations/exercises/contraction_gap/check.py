"""Whether the counterexamples are some: they are tried with a backup of the check's own."""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, probe
from sb3_course.teaching.outputs import short

GAMMA = 0.9
LACKING = {"A": "a", "B": "c", "C": "d", "D": "f"}


def rows(P):
    """The table as lists; Mistake if it is none."""
    try:
        table = [[[(float(p), int(s_next), float(r), bool(end)) for p, s_next, r, end in P[s][a]] for a in range(len(P[s]))] for s in range(len(P))]
    except (TypeError, ValueError, KeyError, IndexError):
        raise Mistake(f"P is {short(P)}, should be P[s][a] = [(probability, s_next, reward, terminated), ...]") from None
    for s, row in enumerate(table):
        for a, outcomes in enumerate(row):
            if any(not 0 <= s_next < len(table) for _, s_next, _, _ in outcomes):
                raise Mistake(f"P[{s}][{a}] leads to a state that is not in the table of {len(table)}")
            if any(p < 0 for p, *_ in outcomes):
                raise Mistake(f"P[{s}][{a}] has a probability below 0")
    return table


def sums_to_one(table):
    for s, row in enumerate(table):
        for a, outcomes in enumerate(row):
            total = sum(p for p, *_ in outcomes)
            if abs(total - 1) > 1e-9:
                raise Mistake(f"the probabilities in P[{s}][{a}] sum to {total:g}, should be 1")


def backup(table, V, gamma):
    return np.array([max(sum(p * (r + gamma * V[s_next] * (not end)) for p, s_next, r, end in outcomes) for outcomes in row) for row in table])


def parts(found, names):
    """The table and the value functions that were given."""
    if not isinstance(found, tuple | list) or len(found) != 1 + len(names):
        raise Mistake(f"it gives {short(found)}, should be P, {', '.join(names)}")
    table = rows(found[0])
    return table, *(array(V, (len(table),), name) for V, name in zip(found[1:], names))


@probe("missing", "what A, B, C and D lack", expected=True)
def named(answer):
    """The right letters are not told: to find them is the exercise."""
    found = answer.missing()
    if not isinstance(found, dict) or sorted(found) != list(LACKING):
        raise Mistake(f"cannot be judged: missing gives {short(found)}, should be a dict of A, B, C, D")
    wrong = [f"{statement} does not lack '{found[statement]}'" for statement in LACKING if found[statement] != LACKING[statement]]
    if wrong:
        raise Mistake("not all letters are right; " + ", ".join(wrong))
    return True


@probe("two_fixed_points", "γ = 1: the largest of |T*V − V| and |T*U − U|", expected=0.0, tolerance=1e-9)
def fixed_points(answer):
    table, V, U = parts(answer.two_fixed_points(), "VU")
    sums_to_one(table)
    if np.abs(V - U).max() < 1e-6:
        raise Mistake("cannot be judged: V and U are the same")
    moved = [np.abs(backup(table, W, 1.0) - W).max() for W in (V, U)]
    return measured(max(moved), of=np.array(moved))


@probe("spreading_weights", "γ = 0.9: largest difference of T*V and T*U over that of V and U", between=(1.000001, np.inf))
def weights(answer):
    table, V, U = parts(answer.spreading_weights(), "VU")
    if np.abs(V - U).max() < 1e-9:
        raise Mistake("cannot be judged: V and U are the same")
    return np.abs(backup(table, V, GAMMA) - backup(table, U, GAMMA)).max() / np.abs(V - U).max()


@probe("spreading_distance", "γ = 0.9: root of the summed squares of T*V − T*U over that of V − U", between=(1.000001, np.inf))
def distance(answer):
    table, V, U = parts(answer.spreading_distance(), "VU")
    sums_to_one(table)
    if np.abs(V - U).max() < 1e-9:
        raise Mistake("cannot be judged: V and U are the same")
    return np.linalg.norm(backup(table, V, GAMMA) - backup(table, U, GAMMA)) / np.linalg.norm(V - U)


def last_change(answer):
    table, V = parts(answer.early_stop(), "V")
    sums_to_one(table)
    return table, V, backup(table, V, GAMMA)


@probe("early_stop", "γ = 0.9: the largest change of a sweep", between=(0.0, 0.01 + 1e-9))
def change(answer):
    _, V, new = last_change(answer)
    return np.abs(new - V).max()


@probe("early_stop", "γ = 0.9: the largest error of T*V, after that sweep", between=(0.05, np.inf))
def error(answer):
    table, _, new = last_change(answer)
    best = new
    for _ in range(400):
        best = backup(table, best, GAMMA)
    return np.abs(new - best).max()
