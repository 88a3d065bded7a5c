"""The optimizers' steps where the rows lie on a GPU: θ, gradient and moments are blocks [R·D] of torch's, and a step is a handful of calls for all seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Blocks = list[torch.Tensor]  # θ, its gradient, and the moments
Group = dict[str, Any]  # an optimizer's options


def adam(blocks: Blocks, t: float, group: Group) -> None:
    """Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1, in torch's order of operations; t counts steps from 1 on."""
    (theta, g, m, v), (beta1, beta2) = blocks, group["betas"]
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    spread = v.sqrt().div_((1 - beta2**t) ** 0.5).add_(group["eps"])
    theta.addcdiv_(m, spread, value=-group["lr"] / (1 - beta1**t))


def radam(blocks: Blocks, t: float, group: Group) -> None:
    """Liu et al. 2020, arXiv:1908.03265, Algorithm 2, in torch's order of operations."""
    (theta, g, m, v), (beta1, beta2) = blocks, group["betas"]
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    step = m / (1 - beta1**t) * group["lr"]
    if rho > 5:
        step.mul_((1 - beta2**t) ** 0.5).div_(v.sqrt().add_(group["eps"]))
        step.mul_(((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5)
    theta.sub_(step)


def rmsprop(blocks: Blocks, t: float, group: Group) -> None:
    """Tieleman & Hinton 2012, ε outside the root."""
    theta, g, v = blocks
    v.mul_(group["alpha"]).addcmul_(g, g, value=1 - group["alpha"])
    theta.addcdiv_(g, v.sqrt().add_(group["eps"]), value=-group["lr"])


STEPS: dict[type, Callable[[Blocks, float, Group], None]] = {torch.optim.Adam: adam, torch.optim.RAdam: radam, torch.optim.RMSprop: rmsprop}
