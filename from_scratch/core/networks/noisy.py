"""Layers with factorised noise on their weights (Fortunato et al. 2018, arXiv:1706.10295, §3)."""

from __future__ import annotations

import math

import torch
from torch import nn

from from_scratch.core.lockstep import per_seed


def f(x: torch.Tensor) -> torch.Tensor:
    return x.sign() * x.abs().sqrt()


class NoisyLinear(nn.Module):
    """f(ε_out) stands at a layer's outputs and f(ε_in) at its inputs, so the noisy part is a second layer between the two, and no matrix of noise is made."""

    def __init__(self, n_in: int, n_out: int, sigma_0: float):
        super().__init__()
        self.mu, self.sigma = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out)  # μ starts in ±1/√n_in: torch's default is the paper's
        for parameter in self.sigma.parameters():
            nn.init.constant_(parameter, sigma_0 / math.sqrt(n_in))  # §3.2, the bias's too

    @per_seed
    def outputs(self, x: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:  # noise f(ε_in) ‖ f(ε_out), [..., n_in + n_out]
        if noise is None:
            return self.mu(x)
        n = x.shape[-1]
        return self.mu(x) + noise[..., n:] * self.sigma(noise[..., :n] * x)  # eq. (9) with (10) and (11)

    def forward(self, x: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        return self.outputs(x, noise)
