"""Which places of a memory are drawn: all alike, or by priority (Schaul et al. 2016).

A sampler's `draw(storage, rng, size)` answers with places (t, e), [S, size] each, every seed's from its own stream.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from from_scratch.core.replay.storage import Storage
from from_scratch.core.replay.sum_tree import SumTrees
from from_scratch.core.rng import Rng


class Uniform:
    """Every step that is stored is as likely as any other; rows first, then environments, as SB3 draws them."""

    def bind(self, storage: Storage) -> None:
        """Called once, with the storage that is drawn from."""

    def draw(self, storage: Storage, rng: Rng, size: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.randint(storage.filled, size), rng.randint(storage.E, size)

    def added(self, t: int) -> None:
        """A step was stored in row t."""


class Prioritised(Uniform):
    """Proportional prioritisation (Schaul, Quan, Antonoglou & Silver 2016, arXiv:1511.05952, Algorithm 1).

        P(i) = p_i^α / Σ_k p_k^α        eq. (1)
        w_i = (N P(i))^−β / max_j w_j, j over the batch        §3.4

    The batch is stratified: total priority is cut into as many equal segments as it has samples, and one is drawn in each. A new step has the largest
    priority that has been seen, 1 at first. Priorities are kept with the buffers, as `priorities` [size, E] and `max_priority` [1] in double precision: so
    they are saved and copied with them, and a buffer that never had any gets 1 everywhere.

    The paper does not say whether the largest weight is that of the batch or of the memory. Libraries do both; we take the batch's, since a single step
    with a priority near 0 would otherwise make all updates small.
    """

    def __init__(self, alpha: float, beta: Callable[[], float]):
        self.alpha, self.beta = alpha, beta

    def bind(self, storage: Storage) -> None:
        self.storage = storage
        self.priorities = storage.keep("priorities", dtype=np.float64)  # p_i of every seed
        self.largest = storage.keep("max_priority", dtype=np.float64, whole=(1,))
        for largest in self.largest:
            if largest == 0:
                largest[:] = 1
        self.tree = SumTrees(storage.S, storage.size * storage.E)
        self._fill(slice(0, storage.filled))
        leaves = np.stack([p[: storage.filled].reshape(-1) for p in self.priorities]) ** self.alpha
        self.tree.put(np.broadcast_to(np.arange(leaves.shape[1]), leaves.shape), leaves)
        self.expected = storage.pos

    def _fill(self, rows: slice) -> None:
        """Steps without a priority, of whoever stored them, get the largest."""
        for p, largest in zip(self.priorities, self.largest, strict=True):
            p[rows][p[rows] == 0] = largest[0]

    def added(self, t: int) -> None:
        E, largest = self.storage.E, np.concatenate(self.largest)
        for p, value in zip(self.priorities, largest, strict=True):
            p[t] = value
        leaf = np.broadcast_to(t * E + np.arange(E), (len(largest), E))
        self.tree.put(leaf, np.broadcast_to(largest[:, None] ** self.alpha, leaf.shape))
        self.expected = (t + 1) % self.storage.size

    def draw(self, storage: Storage, rng: Rng, size: int) -> tuple[np.ndarray, np.ndarray]:
        while self.expected != storage.pos:  # a user filled the buffer
            self.added(self.expected)
        total = self.tree.total[:, None]
        leaf = self.tree.find((np.arange(size) + rng.fractions(size)) / size * total)  # one in each segment
        P = self.tree.leaves(leaf) / total
        w = (storage.filled * storage.E * P) ** -self.beta()
        self.drawn, self.weight = leaf, (w / w.max(-1, keepdims=True)).astype(np.float32)
        return np.divmod(leaf, storage.E)

    def learnt(self, priorities: np.ndarray) -> None:
        """The priorities p_i of what was drawn last, [S, size], all above 0."""
        p = np.asarray(priorities, np.float64)
        for k, (of_seed, largest) in enumerate(zip(self.priorities, self.largest, strict=True)):
            of_seed.reshape(-1)[self.drawn[k]] = p[k]
            largest[0] = max(largest[0], p[k].max())
        self.tree.put(self.drawn, p**self.alpha)
