"""in the loop of A something is earned: with γ = 1 then no V at all is a fixed point, let alone two"""


def missing():
    return {"A": "a", "B": "c", "C": "d", "D": "f"}


def two_fixed_points():
    stays = [[[(1.0, 0, 1.0, False)]]]  # for nothing, and for ever: V(s) = V(s) says nothing about V
    return stays, [0.0], [1.0]


def spreading_weights():
    return [[[(2.0, 0, 0.0, False)]]], [0.0], [1.0]


def spreading_distance():
    to_the_first = [(1.0, 0, 0.0, False)]
    return [[to_the_first], [to_the_first]], [0.0, 0.0], [1.0, 0.0]  # one difference becomes two


def early_stop():
    return [[[(1.0, 0, 1.0, False)]]], [9.91]  # V* is 10; a sweep makes 9.919 of 9.91
