"""Sum trees: a leaf is found by a share of the total in O(log n), and changed in as much (Schaul et al. 2016, appendix B.2.1)."""

from __future__ import annotations

import numpy as np

from from_scratch.core.lockstep.kernels import kernel


class SumTrees:
    """S trees of n leaves each, in double precision. A node is the sum of its two children, added up anew whenever one changes: nothing drifts."""

    def __init__(self, S: int, n: int):
        self.first = 1 << max(n - 1, 1).bit_length()  # the leaves' places begin here; the root's is 1
        self.nodes = np.zeros((S, 2 * self.first))
        self.seed = np.arange(S)[:, None]

    @property
    def total(self) -> np.ndarray:
        """[S]"""
        return self.nodes[:, 1]

    def leaves(self, i: np.ndarray) -> np.ndarray:
        """The leaves i [S, M] of every tree."""
        return self.nodes[self.seed, self.first + i]

    def put(self, i: np.ndarray, values: np.ndarray) -> None:
        """Leaves i [S, M] ← values [S, M]; where i names one twice, the last value counts."""
        _put(self.nodes, self.first, np.ascontiguousarray(i), np.ascontiguousarray(values))

    def find(self, mass: np.ndarray) -> np.ndarray:
        """The leaf in which a mass [S, M], 0 ≤ mass < total, lies, when they are laid end to end. No leaf of 0 is found."""
        i = np.empty(mass.shape, np.int64)
        _find(self.nodes, self.first, mass, i)
        return i


@kernel()
def _put(nodes: np.ndarray, first: int, i: np.ndarray, values: np.ndarray) -> None:
    for k in range(len(nodes)):
        for j in range(i.shape[1]):
            at = first + i[k, j]
            nodes[k, at] = values[k, j]
            while at > 1:
                at //= 2
                nodes[k, at] = nodes[k, 2 * at] + nodes[k, 2 * at + 1]


@kernel()
def _find(nodes: np.ndarray, first: int, mass: np.ndarray, i: np.ndarray) -> None:
    for k in range(len(nodes)):
        for j in range(mass.shape[1]):
            at, rest = 1, mass[k, j]
            while at < first:
                at, left = 2 * at, nodes[k, 2 * at]
                if rest >= left and nodes[k, at + 1] > 0:
                    rest, at = rest - left, at + 1
            i[k, j] = at - first
