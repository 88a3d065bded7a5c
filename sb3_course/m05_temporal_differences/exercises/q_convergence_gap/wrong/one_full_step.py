"""the first step sizes of A add up to so much that the start is as good as forgotten before they have fallen"""


def missing():
    return {"A": "b", "B": "c", "C": "a", "D": "e"}


def never_arrives():
    return lambda n: 0.99 / n**2


def never_settles():
    return lambda n: 0.1  # √(0.1 / 1.9) = 0.23


def never_tried():
    return [[[(1.0, 0, 1.0, True)], [(1.0, 0, 2.0, True)]]]  # whoever begins with the first action has found something, and stays


def shared_entries():
    return [[[(1.0, 1, -1.0, False)]], [[(1.0, 1, 1.0, True)]]], [0, 0]  # -0.1 and 1 they are worth, and both get 0
