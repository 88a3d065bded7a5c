"""P2 with gaps: what the convergence of Q-learning needs."""


def missing():
    return {"A": "b", "B": "c", "C": "a", "D": "e"}


def never_arrives():
    return lambda n: 1 / (n + 1) ** 2  # half of the start is kept for ever


def never_settles():
    return lambda n: 0.1  # √(0.1 / 1.9) = 0.23


def never_tried():
    return [[[(1.0, 0, 1.0, True)], [(1.0, 0, 2.0, True)]]]  # whoever begins with the first action has found something, and stays


def shared_entries():
    return [[[(1.0, 1, -1.0, False)]], [[(1.0, 1, 1.0, True)]]], [0, 0]  # -0.1 and 1 they are worth, and both get 0
