"""Layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450), for all seeds together."""

from __future__ import annotations

import torch
from torch import nn

from from_scratch.core.lockstep import per_seed


class LayerNorm(nn.LayerNorm):
    """Torch's, of the last axis, which says what it puts out: a network that has it among its parts can run as a program."""

    @per_seed
    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        away = x - x.mean(-1, keepdim=True)
        return away / (away.square().mean(-1, keepdim=True) + self.eps).sqrt() * self.weight + self.bias


class PlainLayerNorm(nn.Module):
    """The same without weights: every observation's numbers, less their mean, over their standard deviation."""

    eps = 1e-5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outputs(x)

    @per_seed
    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        away = x - x.mean(-1, keepdim=True)
        return away / (away.square().mean(-1, keepdim=True) + self.eps).sqrt()
