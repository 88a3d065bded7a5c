"""the value is the mean of the active weights, not their sum

The weights could make up for it, but then α means something else.
"""

import numpy as np


def active_tiles(point, low, high, n_tiles, n_tilings):
    z = (np.clip(point, low, high) - low) / (np.asarray(high) - low) * n_tiles
    tiles = []
    for t in range(n_tilings):
        number = t
        for i in range(len(z)):
            offset = t * (2 * i + 1) % n_tilings / n_tilings
            number = number * (n_tiles + 1) + int(np.floor(z[i] + offset))
        tiles.append(number)
    return np.array(tiles)


def value(w, tiles):
    return sum(w[tile] for tile in tiles) / len(tiles)


def update(w, tiles, target, alpha):
    w, delta = np.array(w), target - value(w, tiles)
    w[np.asarray(tiles)] += alpha / len(tiles) * delta
    return w
