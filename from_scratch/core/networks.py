"""Networks of S seeds evaluated together: the weights are rows of a block, the data [S, M, in]."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from from_scratch.core import blas, kernels
from from_scratch.core.arrays import Array
from from_scratch.core.lockstep import ArrayRows, Rows


class Activation(NamedTuple):
    code: int  # in the kernels
    of: Callable[[torch.Tensor], torch.Tensor]
    pull: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # the gradient of the input, from that of the output and the output


ACTIVATIONS = {
    nn.Tanh: Activation(kernels.TANH, torch.tanh, torch.ops.aten.tanh_backward),
    nn.ReLU: Activation(kernels.RELU, torch.relu, lambda g, y: torch.ops.aten.threshold_backward(g, y, 0)),
}
IDENTITY = Activation(kernels.LINEAR, lambda x: x, lambda g, y: g)


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


def affine(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x wᵀ + b: of one row's weights [out, in], or of several [R, out, in] at once, x [R, M, in]; the same bits either way."""
    if w.dim() == 2:
        return F.linear(x, w, b)
    if x.shape[1] == 1 or x.shape[1] * w[0].numel() < NATIVE:
        return torch.stack([F.linear(x_row, w_row, b_row) for x_row, w_row, b_row in zip(x, w, b, strict=True)])
    if w.shape[1] == 1:  # a batched product of width 1 runs another kernel than one row's does; turned round it does not
        return _OneOutput.apply(x, w, b)
    return torch.baddbmm(b.unsqueeze(1), x, w.mT)


def affine_gradient(g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, gw: torch.Tensor, gb: torch.Tensor, add: bool, of_input: bool) -> Any:
    """Where g [R, M, out] is the gradient of affine(x, w, b): write (or add) those of w and b into gw and gb, return that of x if asked."""
    if w.dim() == 2:
        g_rows, x_rows = g.flatten(0, 1), x.flatten(0, 1)
        gw.addmm_(g_rows.T, x_rows) if add else torch.mm(g_rows.T, x_rows, out=gw)
        gb.add_(g_rows.sum(0)) if add else torch.sum(g_rows, 0, out=gb)
        return torch.mm(g_rows, w).view(*g.shape[:-1], -1) if of_input else None
    small = x.shape[1] == 1 or x.shape[1] * w[0].numel() < NATIVE
    if small or w.shape[1] == 1:
        for g_row, x_row, gw_row in zip(g, x, gw, strict=True):
            gw_row.addmm_(g_row.T, x_row) if add else torch.mm(g_row.T, x_row, out=gw_row)
    else:
        gw.baddbmm_(g.mT, x) if add else torch.bmm(g.mT, x, out=gw)
    gb.add_(g.sum(1)) if add else torch.sum(g, 1, out=gb)
    if not of_input:
        return None
    if w.shape[1] == 1:
        return g * w
    return torch.stack([torch.mm(g_row, w_row) for g_row, w_row in zip(g, w, strict=True)]) if small else torch.bmm(g, w)


class _OneOutput(torch.autograd.Function):
    """x wᵀ + b of width 1 for several rows, with the bits of one row's."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, w, b)
        return torch.baddbmm(b.unsqueeze(1), w, x.mT).mT

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        x, w, b = ctx.saved_tensors
        gw, gb = torch.empty_like(w), torch.empty_like(b)
        return affine_gradient(g, x, w, gw, gb, add=False, of_input=ctx.needs_input_grad[0]), gw, gb


def linear_names(prefix: str, module: nn.Module) -> list[str]:
    """The names of a Sequential's Linear layers, under a prefix."""
    return [f"{prefix}{name}" for name, layer in module.named_children() if type(layer) is nn.Linear]


class StackedMLP:
    """The same multi-layer perceptron of S seeds, [S, M, in] → [S, M, out].

    `names` are the names of its Linear layers within `rows`; `activation` stands between them, `output` behind the last. With `every` it
    is of the first row of so many, the first critic of each ensemble; then it takes Arrays only.
    Called with tensors it is differentiable: by hand where its input is data and an equation is on the tape of its rows, as part of
    autograd's graph otherwise. `play` takes and gives NumPy arrays, for acting.
    """

    def __init__(self, rows: Rows, names: list[str], activation: type[nn.Module], output: type[nn.Module] | None = None, every: int = 1):
        self.rows = rows
        self.parameters = [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
        self.layers = [(rows.leaf(f"{name}.weight"), rows.leaf(f"{name}.bias")) for name in names]
        self.gradients = [(rows.gradient_of(f"{name}.weight"), rows.gradient_of(f"{name}.bias")) for name in names]
        self.activations = [ACTIVATIONS[activation]] * (len(names) - 1) + [ACTIVATIONS[output] if output else IDENTITY]
        starts = {name: rows.spans[i][0] for name, i in rows.names.items()}
        shapes = [rows.shapes[rows.names[f"{name}.weight"]] for name in names]
        self.widths = [shape[0] for shape in shapes]
        self.compiled = np.array([
            (starts[f"{name}.weight"], starts[f"{name}.bias"], k, n, activation.code)
            for name, (n, k), activation in zip(names, shapes, self.activations, strict=True)
        ])  # fmt: skip
        self.every = every
        self.theta, self.grad = rows.theta.numpy()[::every], rows.grad.numpy()[::every]

    def __call__(self, x: Any) -> Any:
        if isinstance(x, Array):
            return self.of_array(x)
        if torch.is_grad_enabled():
            if self.rows.tape is not None and not x.requires_grad:
                out, kept = self.forward(x)
                return self.rows.tape.record(self.parameters, lambda g, add: self.pull(kept, g, add), out)[0]
            for name in self.parameters:
                self.rows.leaf(name)  # autograd is to find their gradients
        for (w, b), activation in zip(self.layers, self.activations, strict=True):
            x = activation.of(affine(x, w, b))
        return x

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The output, and every layer's input and output: what `pull` needs."""
        kept = [x]
        for (w, b), activation in zip(self.layers, self.activations, strict=True):
            kept.append(activation.of(affine(kept[-1], w, b)))
        return kept[-1].detach(), kept

    def pull(self, kept: list[torch.Tensor], g: torch.Tensor | None, add: bool) -> None:
        """Write (or add) the gradients of the parameters, g [S, M, out] being that of the output: back-propagation."""
        if g is None:
            g = torch.zeros_like(kept[-1])
        for i in range(len(self.layers) - 1, -1, -1):
            g = self.activations[i].pull(g, kept[i + 1])
            g = affine_gradient(g, kept[i], self.layers[i][0], *self.gradients[i], add=add, of_input=i > 0)

    def of_array(self, x: Array) -> Array:
        """The output as an Array; its gradient is written by the program of x, that of the weights if they are what it is for."""
        rows, program, given = self.rows, x.program, x.wide(x.shape).value
        memory, y = self._memory(given)
        x.call(kernels.mlp, blas.SGEMM, blas.TANH, given, self.theta, self.compiled, memory)
        out = Array(y, program)
        ours = isinstance(rows, ArrayRows) and program is not None and program.rows is rows and self.every == 1
        if torch.is_grad_enabled() and (ours or x.needs):

            def pull(g: Array) -> None:
                gx = np.empty(given.shape if x.needs else (0, 0, 0), y.dtype)
                grad, add = (self.grad, rows.add_to(self.parameters)) if ours else (self.grad[:0], False)  # type: ignore[attr-defined]
                x.call(kernels.pull_mlp, blas.SGEMM, g.wide(y.shape).value, given, self.theta, grad, self.compiled, memory, gx, add)
                x.give(Array(gx, program))

            out.needs = True
            program.history.append((out, pull))
        return out

    def _memory(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Memory for the outputs of all layers, one after another, and the last of them [R, M, out]."""
        n, width = len(x) * x.shape[1], self.widths[-1]
        memory = np.empty(n * sum(self.widths), np.float32)
        return memory, memory[memory.size - n * width :].reshape(len(x), x.shape[1], width)

    def play(self, x: np.ndarray) -> np.ndarray:
        """[S, E, in] → [S, E, out] in NumPy: a tenth of torch's overhead where the batch is a handful of environments."""
        memory, y = self._memory(x)
        kernels.mlp(blas.SGEMM, blas.TANH, x, self.theta, self.compiled, memory)
        return y
