"""the action that is not tried in C is the worse one, worth the 0 that the table says of it: nothing is missed"""


def missing():
    return {"A": "b", "B": "c", "C": "a", "D": "e"}


def never_arrives():
    return lambda n: 1 / (n + 1) ** 2  # half of the start is kept for ever


def never_settles():
    return lambda n: 0.1  # √(0.1 / 1.9) = 0.23


def never_tried():
    return [[[(1.0, 0, 1.0, True)], [(1.0, 0, 0.0, True)]]]


def shared_entries():
    return [[[(1.0, 1, -1.0, False)]], [[(1.0, 1, 1.0, True)]]], [0, 0]  # -0.1 and 1 they are worth, and both get 0
