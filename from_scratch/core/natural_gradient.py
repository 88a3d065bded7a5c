"""The natural gradient's machinery, of one network: products with the Fisher matrix, conjugate gradients, and a backtracking line search.

A policy's parameters that a gradient step moves may change its actions by much or by nothing. The natural gradient F⁻¹ g (Amari 1998; Kakade 2002) measures
steps by the divergence of the policies instead, KL ≈ ½ Δθᵀ F Δθ, F being the Hessian of KL at Δθ = 0. F is [D, D] and is never written down: conjugate
gradients need products F v alone, each of which costs about as much as a few gradients (Schulman et al. 2015, arXiv:1502.05477, appendix C).

All vectors are [D], of one seed: every seed has its own number of iterations and its own length of step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from stable_baselines3.common.distributions import Distribution, kl_divergence
from torch import nn

Product = Callable[[torch.Tensor], torch.Tensor]  # v ↦ A v, both [D]


class Weights:
    """Parameters as one vector θ [D], one after another."""

    def __init__(self, parameters: Iterable[nn.Parameter]):
        self.parameters = list(parameters)

    @classmethod
    def that_move(cls, y: torch.Tensor, among: Iterable[nn.Parameter]) -> tuple[Weights, torch.Tensor]:
        """Those on which a number y depends and that are not frozen; and ∇y [D], which can itself be differentiated. ValueError if there are none."""
        # One parameter after another: the sums of a second pass then come in SB3-Contrib's order, to its bits.
        slopes = [(p, *torch.autograd.grad(y, p, create_graph=True, allow_unused=True)) for p in among if p.requires_grad and y.requires_grad]
        slopes = [(p, slope) for p, slope in slopes if slope is not None]
        if not slopes:
            raise ValueError("Every weight of the policy is frozen, so that its natural gradient has nothing to move. Let some of them require a gradient.")
        return cls(p for p, _ in slopes), torch.cat([slope.reshape(-1) for _, slope in slopes])

    def __len__(self) -> int:
        """D"""
        return sum(p.numel() for p in self.parameters)

    def get(self) -> torch.Tensor:
        """θ, a copy."""
        return nn.utils.parameters_to_vector(self.parameters).detach()

    @torch.no_grad()
    def set(self, theta: torch.Tensor) -> None:
        """Write θ where the parameters are, in place: others may look at that memory."""
        for p, part in zip(self.parameters, theta.split([p.numel() for p in self.parameters]), strict=True):
            p.copy_(part.view_as(p))

    def gradient(self, y: torch.Tensor) -> torch.Tensor:
        """∇y [D]. The graph of y stays."""
        parts = torch.autograd.grad(y, self.parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
        return torch.cat([part.reshape(-1) for part in parts])


def pi_of(policy: Any, obs: Any) -> Distribution:
    """π(·|s) of one seed's policy for observations [M, ...], as it is now.

    The policy's own distribution: F⁻¹ magnifies every rounding, so what is differentiated twice is what SB3-Contrib differentiates.
    """
    return copy.copy(policy.get_distribution(obs))  # a policy has one object, which it tells the next distribution


def divergence(pi: Distribution, old: Distribution) -> torch.Tensor:
    """KL(π ‖ π_old), [M, n]: of each component of an action where they are independent (Box, MultiBinary), n = 1 elsewhere."""
    kl = kl_divergence(pi, old)
    return kl if kl.dim() > 1 else kl[:, None]


def fisher(slope: torch.Tensor, weights: Weights, damping: float = 0.0) -> Product:
    """v ↦ (F + damping I) v, F being the Hessian of KL, whose slope ∇KL [D] is, at the present weights: ∇(∇KL · v) (Pearlmutter 1994)."""
    return lambda v: weights.gradient((slope * v).sum()) + damping * v


def conjugate_gradients(product: Product, b: torch.Tensor, start: torch.Tensor, steps: int, tolerance: float = 1e-10) -> torch.Tensor:
    """x with A x ≈ b, A symmetric and positive definite (Hestenes & Stiefel 1952): `steps` iterations from `start`, fewer once ‖b − A x‖² < tolerance."""
    x = start.clone()
    residual = b - product(x)
    direction, squared = residual.clone(), residual @ residual
    for _ in range(steps):
        if squared < tolerance:
            break
        of_direction = product(direction)
        α = squared / (direction @ of_direction)
        x += α * direction
        residual -= α * of_direction
        before, squared = squared, residual @ residual
        direction = residual + squared / before * direction
    return x


def longest_step(product: Product, x: torch.Tensor, delta: float) -> torch.Tensor:
    """β x with ½ (β x)ᵀ A (β x) = delta: how far one may go along x until the divergence is delta, as A has it; nowhere where A finds no slope."""
    curvature = float(x @ product(x))
    return (2 * delta / curvature) ** 0.5 * x if curvature > 0 else torch.zeros_like(x)


@torch.no_grad()
def line_search(weights: Weights, step: torch.Tensor, is_good: Callable[[], bool], shrinking: float, tries: int) -> bool:
    """Go the step, else the `shrinking` part of it, of that …, until is_good(); back to where it was after so many tries. Says whether it moved."""
    theta = weights.get()
    for i in range(tries):
        weights.set(theta + shrinking**i * step)
        if is_good():
            return True
    weights.set(theta)
    return False
