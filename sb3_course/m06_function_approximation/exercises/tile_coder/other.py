"""Tile coding, all tilings at once."""

import numpy as np


def active_tiles(point, low, high, n_tiles, n_tilings):
    point, low, high = (np.asarray(x, dtype=float) for x in (point, low, high))
    z = n_tiles * np.minimum(np.maximum((point - low) / (high - low), 0), 1)
    t, d = np.arange(n_tilings), len(z)
    c = np.floor(z + np.outer(t, 2 * np.arange(d) + 1) % n_tilings / n_tilings).astype(int)  # [n_tilings, d]
    strides = (n_tiles + 1) ** np.arange(d - 1, -1, -1)
    return t * (n_tiles + 1) ** d + c @ strides


def value(w, tiles):
    return float(np.sum(np.take(w, tiles)))


def update(w, tiles, target, alpha):
    x = np.zeros(len(w))
    x[tiles] = 1.0
    return w + alpha * (target - x @ w) / x.sum() * x
