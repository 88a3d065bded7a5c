"""Distributions of returns on fixed, equidistant atoms."""

from __future__ import annotations

import numpy as np

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.tabular.learner import TabularLearner


def projected(p: np.ndarray, returns: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Π: probabilities p [..., n] of `returns` [..., n] as probabilities of the equidistant atoms z [m], [..., m]; one beyond the ends counts as the end."""
    b = (np.clip(returns, z[0], z[-1]) - z[0]) / (z[1] - z[0])  # in atoms
    share = np.clip(1 - np.abs(b[..., None, :] - np.arange(len(z))[:, None]), 0, None)  # [..., i, j]
    return (share * p[..., None, :]).sum(-1)


class OnAtoms(TabularLearner):
    """Returns are told apart by m equidistant atoms."""

    n_atoms: int = 51  # m  returns that are told apart
    v_min: float = -10.0  # z_1  the smallest of them
    v_max: float = 10.0  # z_m  the largest

    def check(self) -> None:
        super().check()
        check_range(self, "n_atoms", low=2, whole=True)
        check_range(self, "v_min", "v_max")
        if self.v_min >= self.v_max:
            raise ValueError(f"v_min={self.v_min} is not below v_max={self.v_max}: returns are to lie between them.")

    @property
    def z(self) -> np.ndarray:
        """The atoms, [m]."""
        return np.linspace(self.v_min, self.v_max, self.n_atoms)

    @property
    def before(self) -> np.ndarray:
        """Probabilities of the atoms before learning, [m]: all mass at `initial_value`."""
        return projected(np.ones(1), np.full(1, float(self.initial_value)), self.z)
