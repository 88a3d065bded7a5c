"""Distributions of returns as probabilities of N atoms z_1 < … < z_N, equally far apart (Bellemare, Dabney & Munos 2017, arXiv:1707.06887)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import Array, kernels


def check_atoms(model: Any) -> None:
    """Raises ValueError where its n_atoms, v_min and v_max are not those of at least two atoms."""
    check_range(model, "n_atoms", low=2, whole=True)
    check_range(model, "v_min", "v_max")
    if model.v_min >= model.v_max:
        raise ValueError(f"v_min={model.v_min} is not below v_max={model.v_max}: returns are to lie between them.")


def expected(logits: Any, z: Any) -> Any:
    """Q(s, ·) = Σ_i z_i p_i(s, ·): logits [..., A·N] → [..., A]."""
    return (logits.view(*logits.shape[:-1], -1, len(z)).softmax(-1) * z).sum(-1)


def projected(p: Any, tz: Any, z: Any, gap: float) -> Any:
    """Φ T̂Z: probabilities p [..., N] of returns tz [..., N] as probabilities of the atoms z [N], which lie `gap` apart, [..., N] (eq. 7).

    Algorithm 1 as printed loses the mass of a return that falls on an atom, where l = u: here its distance from that atom is 0 and its share 1.
    """
    if isinstance(tz, Array):
        return _of_array(p, tz, z, gap)
    share = (1 - (tz[..., None, :] - z[:, None]).abs() / gap).clamp(min=0)  # [..., i, j]
    return (share * p[..., None, :]).sum(-1)


def _of_array(p: Any, tz: Array, z: torch.Tensor, gap: float) -> Array:
    """The same in one compiled pass, over the two atoms next to each return alone. It is a target, and has no derivative."""
    if p.needs or tz.needs:
        raise ValueError("projected makes a target, which is constant: compute it under torch.no_grad().")
    shape, N = tz.value.shape, tz.value.shape[-1]
    m = np.empty(shape, tz.value.dtype)
    tz.call(kernels.projected, *(x.wide(shape).value.reshape(-1, N) for x in (p, tz)), z.numpy(), m.dtype.type(gap), m.reshape(-1, N))
    return tz.result(m, lambda g: None)
