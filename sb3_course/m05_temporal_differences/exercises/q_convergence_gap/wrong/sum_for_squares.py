"""the two conditions on step sizes are exchanged: that the sum is infinite makes the start forgotten, that the squares' sum is finite makes the noise vanish"""


def missing():
    return {"A": "c", "B": "b", "C": "a", "D": "e"}


def never_arrives():
    return lambda n: 1 / (n + 1) ** 2  # half of the start is kept for ever


def never_settles():
    return lambda n: 0.1  # √(0.1 / 1.9) = 0.23


def never_tried():
    return [[[(1.0, 0, 1.0, True)], [(1.0, 0, 2.0, True)]]]  # whoever begins with the first action has found something, and stays


def shared_entries():
    return [[[(1.0, 1, -1.0, False)]], [[(1.0, 1, 1.0, True)]]], [0, 0]  # -0.1 and 1 they are worth, and both get 0
