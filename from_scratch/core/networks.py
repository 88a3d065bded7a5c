"""Networks of S seeds evaluated together: the weights are rows of a block, the data [S, M, in]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from from_scratch.core.lockstep import Rows

ACTIVATIONS = {nn.Tanh: (torch.tanh, np.tanh), nn.ReLU: (torch.relu, lambda x, out: np.maximum(x, 0, out=out))}


def activation_of(layers: Iterable[nn.Module]) -> type[nn.Module]:
    """The one activation of a plain MLP (any, if it has none)."""
    return next((type(layer) for layer in layers if type(layer) is not nn.Linear), nn.Tanh)


def is_plain_mlp(*modules: nn.Module) -> bool:
    """Nothing but Linear layers with biases and one kind of activation that we know, which a stack can evaluate."""
    layers = [layer for module in modules for layer in (module if isinstance(module, nn.Sequential) else [module])]
    linear = [type(layer) is nn.Linear for layer in layers]
    alternate = linear == [i % 2 == 0 for i in range(len(layers))] and bool(layers) and linear[-1]
    kinds = {type(layer) for layer in layers if type(layer) is not nn.Linear}
    return alternate and len(kinds) <= 1 and kinds <= set(ACTIVATIONS) and all(layer.bias is not None for layer in layers[::2])


NATIVE = 400  # torch multiplies batches of matrices with fewer products than this by a loop of its own, with other rounding


class _OneOutput(torch.autograd.Function):
    """x wᵀ + b of width 1 for several rows. A batched product of width 1 runs another kernel than one row's does; these do not."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        return torch.baddbmm(b.unsqueeze(1), w, x.mT).mT

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        x, w = ctx.saved_tensors
        gw = torch.stack([torch.mm(g_row.T, x_row) for g_row, x_row in zip(g, x, strict=True)])
        return (g * w if ctx.needs_input_grad[0] else None), gw, g.sum(1)


def affine(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x wᵀ + b: of one row's weights [out, in], or of several [R, out, in] at once, x [R, M, in]; the same bits either way."""
    if w.dim() == 2:
        return F.linear(x, w, b)
    if x.shape[1] == 1 or x.shape[1] * w[0].numel() < NATIVE:
        return torch.stack([F.linear(x_row, w_row, b_row) for x_row, w_row, b_row in zip(x, w, b, strict=True)])
    return _OneOutput.apply(x, w, b) if w.shape[1] == 1 else torch.baddbmm(b.unsqueeze(1), x, w.mT)


def linear_names(prefix: str, module: nn.Module) -> list[str]:
    """The names of a Sequential's Linear layers, under a prefix."""
    return [f"{prefix}{name}" for name, layer in module.named_children() if type(layer) is nn.Linear]


class StackedMLP:
    """The same multi-layer perceptron of S seeds, [S, M, in] → [S, M, out].

    `names` are the names of its Linear layers within `rows`; `activation` stands between them, `output` behind the last.
    Called with tensors it builds a graph; `play` takes and gives NumPy arrays, for acting.
    """

    def __init__(self, rows: Rows, names: list[str], activation: type[nn.Module], output: type[nn.Module] | None = None):
        self.activation, self.activation_numpy = ACTIVATIONS[activation]
        self.output: Any
        self.output_numpy: Any
        self.output, self.output_numpy = ACTIVATIONS[output] if output else (None, None)
        self.leaves = [(rows.leaf(f"{name}.weight"), rows.leaf(f"{name}.bias")) for name in names]
        stacked = [(rows.of_all(rows.theta, rows.names[f"{name}.weight"]), rows.of_all(rows.theta, rows.names[f"{name}.bias"])) for name in names]
        self.numpy = [(w.mT.numpy(), b.unsqueeze(1).numpy()) for w, b in stacked]  # [R, in, out], [R, 1, out]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for w, b in self.leaves[:-1]:
            x = self.activation(affine(x, w, b))
        for w, b in self.leaves[-1:]:
            x = affine(x, w, b)
        return x if self.output is None else self.output(x)

    def play(self, x: np.ndarray) -> np.ndarray:
        """[S, E, in] → [S, E, out] in NumPy: a tenth of torch's overhead where the batch is a handful of environments."""
        last = len(self.numpy) - 1
        for i, (w, b) in enumerate(self.numpy):
            x = np.matmul(x, w)
            x += b
            if i < last:
                self.activation_numpy(x, out=x)
        return x if self.output_numpy is None else self.output_numpy(x, out=x)
