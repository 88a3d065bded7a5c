"""What the table of the small grid must hold. The syllabus's four mistakes are tried one by one."""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, probe

NAMES = ["LEFT", "DOWN", "RIGHT", "UP"]
TO = [[0, 2, 1, 0], [0, 3, 1, 1], [2, 2, 3, 0], [3, 3, 3, 3]]  # the next state, by state and action
SYLLABUS = {
    "Left": {0: (0, 0), 1: (1, 0), 2: (2, 0), 3: (3, 0)},
    "Right": {0: (1, 0), 1: (1, 0), 2: (3, 1), 3: (3, 0)},
    "Up": {0: (0, 0), 1: (0, 0), 2: (2, 0), 3: (1, 0)},
    "Down": {0: (2, 0), 1: (3, 1), 2: (2, 0), 3: (3, 0)},
}


def outcomes(answer):
    """The single outcome of each state and action, [4, 4, 4]."""
    P = answer.table()
    if P is None:
        raise Mistake("P is None: is a `return` missing?")
    try:
        rows = [[list(P[s][a]) for a in range(4)] for s in range(4)]
    except (KeyError, IndexError, TypeError):
        raise Mistake("P[s][a] is not there for every s and a from 0 to 3") from None
    for s, row in enumerate(rows):
        for a, found in enumerate(row):
            if len(found) != 1 or not isinstance(found[0], tuple | list) or len(found[0]) != 4:
                raise Mistake(f"P[{s}][{NAMES[a]}] is {found}, should be a list of one outcome (probability, s_next, reward, terminated)")
    return array([[found[0] for found in row] for row in rows], (4, 4, 4), "P")


def entries(right, k, what):
    """A probe's value: the first entry that is off, in words; or True."""

    def judge(answer):
        found = outcomes(answer)[:, :, k]
        for s, a in np.argwhere(found != np.asarray(right, dtype=float)):
            raise Mistake(f"{what} of P[{s}][{NAMES[a]}] is {found[s, a]:g}, should be {np.asarray(right, dtype=float)[s, a]:g}")
        return True

    return judge


@probe("table", "its next states", expected=True)
def next_states(answer):
    return entries(TO, 1, "s_next")(answer)


@probe("table", "its probabilities", expected=True)
def probabilities(answer):
    return entries(np.ones((4, 4)), 0, "the probability")(answer)


@probe("table", "its rewards", expected=True)
def rewards(answer):
    right = np.zeros((4, 4))
    right[1, 1] = right[2, 2] = 1.0
    return entries(right, 2, "the reward")(answer)


@probe("table", "its ends", expected=True)
def ends(answer):
    return entries(np.asarray(TO) == 3, 3, "terminated")(answer)


@probe("table", "γ = 0.9: V* of the four cells", expected=[0.9, 1.0, 1.0, 0.0], tolerance=1e-6)
def values(answer):
    P = outcomes(answer)
    V = np.zeros(4)
    for _ in range(500):
        V = (P[:, :, 2] + 0.9 * V[P[:, :, 1].astype(int)] * (1 - P[:, :, 3])).max(1)
    return V


def pairs(answer, syllabus):
    found = answer.mistakes(syllabus)
    try:
        return ", ".join(f"{name} from {int(s)}" for name, s in found) or "none"
    except (TypeError, ValueError):
        raise Mistake(f"the result is {found!r}, should be a list of pairs (name, state)") from None


def changed(name, s, entry):
    """The syllabus's table with one entry of ours."""
    return {action: {**row, s: entry} if action == name else dict(row) for action, row in SYLLABUS.items()}


@probe("mistakes", "of the syllabus's table: the list", expected="Left from 1, Up from 1, Up from 2, Up from 3")
def four(answer):
    return pairs(answer, SYLLABUS)


@probe("mistakes", "of the same with Left from 1 mended: the list", expected="Up from 1, Up from 2, Up from 3")
def three(answer):
    return pairs(answer, changed("Left", 1, (0, 0)))


@probe("mistakes", "of the same with a reward for Down from 0: the list", expected="Down from 0, Left from 1, Up from 1, Up from 2, Up from 3")
def a_reward(answer):
    return pairs(answer, changed("Down", 0, (2, 1)))
