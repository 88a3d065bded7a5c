"""Quantile regression: a distribution of returns as N numbers θ_1 … θ_N, θ_i its quantile at τ_i = (i − ½)/N (Dabney et al. 2018, arXiv:1710.10044)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from from_scratch.core.lockstep import Array, kernels


def quantile_huber(theta: Any, y: Any) -> Any:
    """The quantile Huber loss of each θ_i against a distribution that is given by K numbers (Dabney et al. 2018, eq. 10, with κ = 1).

        L_i = mean_j |τ_i − 1(u_ij < 0)| L(u_ij)        u_ij = y_j − θ_i, L is Huber's loss

    theta is [..., N]; y is [..., K], and constant; their axes in front broadcast. The result is [..., N]: summed or averaged over the quantiles by the caller,
    for the papers differ in it.
    """
    if isinstance(theta, Array):
        return _of_array(theta, y)
    N = theta.shape[-1]
    tau = (torch.arange(N, device=theta.device, dtype=theta.dtype) + 0.5) / N
    theta, y = torch.broadcast_tensors(theta.unsqueeze(-1), y.unsqueeze(-2))  # [..., N, K]
    weight = (tau.unsqueeze(-1) - (y < theta.detach()).to(theta.dtype)).abs()
    return (weight * F.smooth_l1_loss(theta, y, reduction="none")).mean(-1)


def _of_array(theta: Array, y: Array) -> Array:
    """The same in one compiled pass, which finds the derivative by θ too: no [N, K] numbers are kept."""
    if y.needs:
        raise ValueError("quantile_huber takes its targets for constants: compute y under torch.no_grad().")
    wide, shape = theta.wide(theta.shape), (*theta.shape[:-1], y.shape[-1])
    y = y.expand(shape).wide(shape)
    loss, slope = np.empty_like(wide.value), np.empty_like(wide.value)
    theta.call(kernels.quantile_huber, *(x.reshape(-1, x.shape[-1]) for x in (wide.value, y.value, loss, slope)))
    return theta.result(loss, lambda g: theta.give(g * Array(slope, theta.program)))
