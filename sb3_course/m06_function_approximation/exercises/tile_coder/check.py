"""Which tiles are active, and where the value goes. In one dimension and at the lower bound nearly all mistakes are right: look at two dimensions, and near
the upper bound."""

import numpy as np
from gymnasium.spaces import Box

from from_scratch.core.linear.features import TileCoding
from sb3_course.teaching.checks import Mistake, array, number, probe

CAR = np.array([-1.2, -0.07]), np.array([0.5, 0.07])
POINTS = [(-0.51, 0.003), (-1.19, -0.069), (0.49, 0.069), (0.1, -0.033), (-0.37, 0.061)]  # of the car: middle, near both corners, and two more


def tiles_of(answer, point, low, high, n_tiles, n_tilings):
    found = array(answer.active_tiles(np.array(point), np.array(low), np.array(high), n_tiles, n_tilings), (n_tilings,), "the tiles")
    if (found != found.astype(int)).any():
        raise Mistake(f"the tiles are {found.tolist()}, should be whole numbers")
    return found


def library(n_tiles, n_tilings, points, low, high):
    coder = TileCoding(Box(np.array(low, np.float32), np.array(high, np.float32)), n_tilings, n_tiles, bounds=list(zip(low, high)))
    return coder.active(np.array(points, dtype=float)).astype(float)


# ----------------------------------------------------------------------------------------------------------------- tiles


@probe("active_tiles", "0.4 between 0 and 1, 4 tiles, 2 tilings: the array of tiles", expected=[1, 7])
def one_dimension(answer):
    return tiles_of(answer, [0.4], [0.0], [1.0], 4, 2)


@probe("active_tiles", "3 between 2 and 6, 4 tiles, 4 tilings: the array of tiles", expected=[1, 6, 11, 16])
def another_range(answer):
    return tiles_of(answer, [3.0], [2.0], [6.0], 4, 4)


@probe("active_tiles", "(0.3, 0.3) between 0 and 1, 2 tiles, 4 tilings: the array of tiles", expected=[0, 10, 22, 30])
def two_dimensions(answer):
    return tiles_of(answer, [0.3, 0.3], [0.0, 0.0], [1.0, 1.0], 2, 4)


@probe("active_tiles", "(1, 1), the upper corner, 2 tiles, 4 tilings: the array of tiles", expected=[8, 17, 26, 35])
def upper_corner(answer):
    return tiles_of(answer, [1.0, 1.0], [0.0, 0.0], [1.0, 1.0], 2, 4)


@probe("active_tiles", "(−1, 7), outside of 0 to 1, 2 tiles, 4 tilings: the array of tiles", expected=[2, 11, 20, 29])
def outside(answer):
    return tiles_of(answer, [-1.0, 7.0], [0.0, 0.0], [1.0, 1.0], 2, 4)


@probe("active_tiles", "five points of the mountain car, 8 tiles, 8 tilings: the array of tiles, a row each", expected=lambda: library(8, 8, POINTS, *CAR))
def mountain_car(answer):
    return np.array([tiles_of(answer, point, *CAR, 8, 8) for point in POINTS])


@probe("active_tiles", "200 points in three dimensions, 3 tiles, 8 tilings: the array of their sums", twice=False, tolerance=1e-9,
       expected=lambda: library(3, 8, np.random.default_rng(7).random((200, 3)), [0.0] * 3, [1.0] * 3).sum(-1))  # fmt: skip
def three_dimensions(answer):
    points = np.random.default_rng(7).random((200, 3))
    return np.array([tiles_of(answer, point, [0.0] * 3, [1.0] * 3, 3, 8).sum() for point in points])


# ----------------------------------------------------------------------------------------------------- value and update


@probe("value", "w = (1, 2, 4, 8), tiles 1 and 3: value", expected=10.0)
def sum_of_two(answer):
    return number(answer.value(np.array([1.0, 2.0, 4.0, 8.0]), np.array([1, 3])), "the value")


@probe("update", "w = (1, 2, 4, 8), tiles 1 and 3, target 4, α = 1: w", expected=[1.0, -1.0, 4.0, 5.0])
def all_the_way(answer):
    return array(answer.update(np.array([1.0, 2.0, 4.0, 8.0]), np.array([1, 3]), 4.0, 1.0), (4,), "w")


@probe("update", "w = 0, tiles 0 and 2, target 8, α = 0.5: w", expected=[2.0, 0.0, 2.0])
def half_of_the_way(answer):
    return array(answer.update(np.zeros(3), np.array([0, 2]), 8.0, 0.5), (3,), "w")


@probe("update", "the array w that was given, (1, 2, 4, 8), after the update", expected=[1.0, 2.0, 4.0, 8.0])
def unchanged(answer):
    w = np.array([1.0, 2.0, 4.0, 8.0])
    array(answer.update(w, np.array([1, 3]), 4.0, 1.0), (4,), "w")
    return w
