"""B and C are exchanged: that the weights sum to at most 1 is the last step of B, that the distance is the largest difference that of C"""


def missing():
    return {"A": "a", "B": "d", "C": "c", "D": "f"}


def two_fixed_points():
    stays = [[[(1.0, 0, 0.0, False)]]]  # for nothing, and for ever: V(s) = V(s) says nothing about V
    return stays, [0.0], [1.0]


def spreading_weights():
    return [[[(2.0, 0, 0.0, False)]]], [0.0], [1.0]


def spreading_distance():
    to_the_first = [(1.0, 0, 0.0, False)]
    return [[to_the_first], [to_the_first]], [0.0, 0.0], [1.0, 0.0]  # one difference becomes two


def early_stop():
    return [[[(1.0, 0, 1.0, False)]]], [9.91]  # V* is 10; a sweep makes 9.919 of 9.91
