"""A policy that is a softmax of preferences (Sutton & Barto 2018, eq. 13.2)."""

from __future__ import annotations

import numpy as np


def softmax(preferences: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """Probabilities [..., n_actions], none of them below the floor: what is missing there is taken from the others, in proportion."""
    e = np.exp(preferences - preferences.max(-1, keepdims=True))
    above = np.maximum(e / e.sum(-1, keepdims=True) - floor, 0.0)
    return floor + above * ((1 - floor * preferences.shape[-1]) / above.sum(-1, keepdims=True))
