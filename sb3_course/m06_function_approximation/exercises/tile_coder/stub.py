"""Tile coding (Sutton & Barto 2018, section 9.5.4).

A tiling is a grid of tiles over the space of points. Several tilings lie over one another, each displaced a little. A point is in one tile of each
tiling; these tiles are the active ones, with feature 1, and all others are 0. So the value of a point is a sum of as many weights as there are tilings.

A coordinate z of a point is measured in tiles: z = (point − low) / (high − low) · n_tiles, from 0 to n_tiles. Points outside the bounds are moved to them.
Tiling t = 0, 1, …, n_tilings − 1 is displaced by

    offset(t, i) = (t · (2 i + 1) mod n_tilings) / n_tilings        of a tile along coordinate i = 0, 1, …

so that it is 1/n_tilings, 3/n_tilings, 5/n_tilings … for t = 1: odd numbers, one for each coordinate (Miller & Glanz 1996). The point is in tile
c_i = floor(z_i + offset(t, i)) of tiling t along coordinate i. As z + offset may be n_tiles or more, there are n_tiles + 1 tiles along each coordinate.

A worked example in one dimension: low 0, high 1, 4 tiles, 2 tilings, the point 0.4. z = 1.6, the offsets are 0 and 0.5, so c = 1 and c = 2. The tiles of
tiling 0 are numbered 0 … 4, those of tiling 1 are 5 … 9: the active tiles are 1 and 7.
"""

import numpy as np


def active_tiles(point, low, high, n_tiles, n_tilings):
    """The numbers of the active tiles, whole numbers [n_tilings].

    point, low, high are arrays [d]; n_tiles is the number of tiles along every coordinate. The tiles are numbered along the last coordinate first: with d = 2

        number = (t · (n_tiles + 1) + c_0) · (n_tiles + 1) + c_1
    """
    raise NotImplementedError("your turn: find the tiles of a point")


def value(w, tiles):
    """v̂: the sum of the weights w of the active tiles, a number."""
    raise NotImplementedError("your turn: add up the weights")


def update(w, tiles, target, alpha):
    """The weights after one step towards a target, a new array. The array w that was given stays as it is.

    Every active tile moves by the same amount. With alpha = 1 the value of the point is the target afterwards; with alpha = 0.5 it has come half of the way.
    """
    raise NotImplementedError("your turn: move the weights of the active tiles")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. It should learn the hill to about 0.1
    rng = np.random.default_rng(0)
    low, high = np.zeros(2), np.ones(2)

    def hill(point):
        return np.sin(3 * point[0]) * np.sin(3 * point[1])

    w = np.zeros(8 * 9 * 9)
    for _ in range(2000):
        point = rng.random(2)
        w = update(w, active_tiles(point, low, high, 8, 8), hill(point), 0.2)
    points = rng.random((200, 2))
    print("largest error:", round(max(abs(value(w, active_tiles(point, low, high, 8, 8)) - hill(point)) for point in points), 3))
