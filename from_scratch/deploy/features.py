"""The features of linear methods as modules: points [M, d] → x(s) [M, n], in double precision, as core/linear/features.py computes them in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from from_scratch.core.linear.features import RBF, CoarseCoding, Features, Fourier, Polynomial, StateAggregation, TileCoding


class _Module(nn.Module):
    def __init__(self, x: Features, **arrays: Any):
        super().__init__()
        self.n = x.n
        wide = np.where(x.high > x.low, x.high - x.low, 1.0)
        for name, array in {"low": x.low, "high": x.high, "wide": wide, **arrays}.items():
            self.register_buffer(name, torch.as_tensor(np.array(array)))

    def __getattr__(self, name: str) -> Any:  # buffers, of which type checkers know nothing
        return super().__getattr__(name)

    def unit(self, points: torch.Tensor) -> torch.Tensor:
        return (torch.minimum(torch.maximum(points, self.low), self.high) - self.low) / self.wide

    def ones_at(self, index: torch.Tensor) -> torch.Tensor:
        """[M, k] → [M, n]: an index that is there twice counts twice."""
        return torch.zeros(index.shape[0], self.n, dtype=torch.float64).scatter_add(1, index, torch.ones_like(index, dtype=torch.float64))


class _Tiles(_Module):
    def __init__(self, x: TileCoding):
        g = x.tilings
        strides = np.cumprod(np.concatenate(([1], (g.n_tiles + 1)[:0:-1])))[::-1]
        first = np.arange(x.n_tilings) * int((g.n_tiles + 1).prod())
        super().__init__(x, per_unit=g.per_unit, n_tiles=g.n_tiles.astype(float), offset=g.offset, strides=strides.astype(np.int64), first=first)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        z = torch.minimum(((points - self.low) * self.per_unit).clamp(min=0.0), self.n_tiles)
        return self.ones_at((torch.floor(z.unsqueeze(1) + self.offset).long() * self.strides).sum(-1) + self.first)


class _Groups(_Module):
    def __init__(self, x: StateAggregation):
        strides = np.cumprod(np.concatenate(([1], x.groups[:0:-1])))[::-1]
        super().__init__(x, width=x.width, groups=x.groups.astype(np.int64), strides=strides.astype(np.int64))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        cell = torch.minimum(torch.floor((points - self.low) / self.width).long().clamp(min=0), self.groups - 1)
        return self.ones_at((cell * self.strides).sum(-1, keepdim=True))


class _Balls(_Module):
    def __init__(self, x: CoarseCoding):
        super().__init__(x, centres=x.centres)
        self.radius = x.width / 2

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return (torch.sqrt(((points.unsqueeze(1) - self.centres) ** 2).sum(-1)) < self.radius).double()


class _Radial(_Module):
    def __init__(self, x: RBF):
        super().__init__(x, centres=x.centres.astype(float))
        self.scale, self.normalise = 2 * x.width**2, x.normalise

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        y = torch.exp(-((self.unit(points).unsqueeze(1) - self.centres) ** 2).sum(-1) / self.scale)
        return y / y.sum(-1, keepdim=True) if self.normalise else y


class _Powers(_Module):
    def __init__(self, x: Polynomial):
        super().__init__(x, c=x.c.astype(float))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return (self.unit(points).unsqueeze(1) ** self.c).prod(-1)


class _Cosines(_Module):
    def __init__(self, x: Fourier):
        super().__init__(x, c=x.c.T.astype(float), scale=x.scale)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cos(torch.pi * self.unit(points) @ self.c) * self.scale


MODULES: dict[type, type[Any]] = {
    TileCoding: _Tiles, StateAggregation: _Groups, CoarseCoding: _Balls, RBF: _Radial, Polynomial: _Powers, Fourier: _Cosines,
}  # fmt: skip


def on_features(x: Features) -> nn.Module | None:
    """The features as a module; None for those of somebody's own, and for hashed tiles, whose arithmetic of 64 bits without a sign tensors do not have."""
    if type(x) not in MODULES or getattr(x, "memory_size", None):
        return None
    return MODULES[type(x)](x)
