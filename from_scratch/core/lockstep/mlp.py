"""Networks of S seeds evaluated together: the weights are rows of a block, the data [S, M, in]."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from from_scratch.core.lockstep import blas, kernels, several
from from_scratch.core.lockstep.arrays import Array, Unknown
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows, is_far


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


def in_own_memory(x: torch.Tensor) -> torch.Tensor:
    """x in contiguous memory that starts on a cache line, as a tensor by itself: a copy where it is a part of another one.

    A library's product may round by where its operands lie, so a seed's operands must lie as they do where it is alone.
    """
    return x if x.is_contiguous() and x.data_ptr() % blas.LINE == 0 else x.clone(memory_format=torch.contiguous_format)


class _GradientInOwnMemory(torch.autograd.Function):
    """The identity. What comes back from a stack of seeds is a part of the stack's gradient, which a seed alone does not see."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return in_own_memory(g)


def stack(of_seeds: Sequence[torch.Tensor]) -> torch.Tensor:
    """torch.stack of what every seed's network put out, with gradients that lie as they would if each were alone."""
    return torch.stack([_GradientInOwnMemory.apply(x) if x.requires_grad else x for x in of_seeds])


def affine(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x wᵀ + b: of one row's weights [out, in], or of several [R, out, in], x [R, M, in].

    On the CPU row by row: libraries multiply a batch of matrices by other kernels than each of them, with other rounding.
    """
    if w.dim() == 3 and is_far(w):
        return torch.baddbmm(b.unsqueeze(1), x, w.transpose(1, 2))
    outputs = []
    for x_row, w_row, b_row in [(x[0], w, b)] if w.dim() == 2 else zip(x, w, b, strict=True):
        x_row = in_own_memory(x_row)
        blas.check_alignment(x_row, w_row)
        outputs.append(F.linear(x_row, w_row, b_row))
    return stack(outputs)


def affine_gradient(g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, gw: torch.Tensor, gb: torch.Tensor, add: bool, of_input: bool) -> Any:
    """Where g [R, M, out] is the gradient of affine(x, w, b): write (or add) those of w and b into gw and gb, return that of x if asked."""
    if w.dim() == 3 and is_far(w):
        gw.baddbmm_(g.transpose(1, 2), x, beta=int(add))
        gb.add_(g.sum(1)) if add else torch.sum(g, 1, out=gb)
        return torch.bmm(g, w) if of_input else None
    if w.dim() == 2:
        w, gw, gb = w[None], gw[None], gb[None]
    gx = []
    for g_row, x_row, w_row, gw_row, gb_row in zip(g, x, w, gw, gb, strict=True):
        g_row, x_row = in_own_memory(g_row), in_own_memory(x_row)
        blas.check_alignment(g_row, x_row, w_row, gw_row)
        gw_row.addmm_(g_row.T, x_row) if add else torch.mm(g_row.T, x_row, out=gw_row)
        gb_row.add_(g_row.sum(0)) if add else torch.sum(g_row, 0, out=gb_row)
        if of_input:
            gx.append(torch.mm(g_row, w_row))
    return torch.stack(gx) if of_input else None


def linear_names(prefix: str, module: nn.Module) -> list[str]:
    """The names of a Sequential's Linear layers, under a prefix."""
    return [f"{prefix}{name}" for name, layer in module.named_children() if type(layer) is nn.Linear]


class StackedMLP:
    """The same multi-layer perceptron of S seeds, [S, M, in] → [S, M, out].

    `names` are the names of its Linear layers within `rows`; `activation` stands between them, `output` behind the last. With `every` it
    is of the first row of so many, the first critic of each ensemble; then it takes Arrays only.
    Called with NumPy arrays it is `play`. Called with tensors it is differentiable: by hand where its input is data and an equation is on
    the tape of its rows, as part of autograd's graph otherwise.
    """

    may_be_read = True

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
        if not rows.are_far:
            self.theta, self.grad = rows.theta.numpy()[::every], rows.grad.numpy()[::every]
        self._to_play: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}  # memory, by [S, E]

    @classmethod
    def of(cls, rows: Rows, parts: dict[str, nn.Module], every: int = 1) -> StackedMLP:
        """The MLP that these Sequentials and Linear layers make up, one behind the other, by their names within a row's module."""
        layers = [layer for part in parts.values() for layer in (part if isinstance(part, nn.Sequential) else [part])]
        named = [linear_names(name and f"{name}.", part) if isinstance(part, nn.Sequential) else [name] for name, part in parts.items()]
        names = [name for part in named for name in part]
        return cls(rows, names, activation_of(layers[:-1]), None if type(layers[-1]) is nn.Linear else type(layers[-1]), every)

    def __call__(self, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return self.play(x)
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
        ours = isinstance(rows, ArrayRows) and program is not None and program.rows is rows and self.every == 1
        R, M, _ = given.shape
        if R > 1 and not ((ours or x.needs) and torch.is_grad_enabled()):
            memory, outputs = self._memory(1, M)[0], self._outputs(R, M)
            x.call(kernels.mlp_for_once, blas.SGEMM, blas.TANH, given, self.theta, self.compiled, memory, outputs)
            return Array(self._last(outputs, R, M), program)
        memory, y = self._memory(R, M)
        x.call(kernels.mlp, blas.SGEMM, blas.TANH, given, self.theta, self.compiled, memory)

        def pull(g: Array) -> None:
            gx = np.empty(given.shape if x.needs else (0, 0, 0), y.dtype)
            grad, add = (self.grad, rows.add_to(self.parameters)) if ours else (self.grad[:0], False)  # type: ignore[attr-defined]
            x.call(kernels.pull_mlp, blas.SGEMM, g.wide(y.shape).value, given, self.theta, grad, self.compiled, memory, gx, add)
            x.give(Array(gx, program))

        return Array(y) if program is None else program.leaf(y, pull, needs=ours or x.needs)

    def mean_logsumexp(self, s: Array, a: Array, log_mu: Array) -> Array:
        """The mean over states s [S, M, n] of log Σ_j exp(y(s, a_j) − log μ_j), y its one output, for K actions of each state: [R].

        Actions [S, M, K, A] and log_mu [S, M, K] are data to the equation, as states are. A seed has R/S rows.
        """
        if s.needs or a.needs or log_mu.needs:
            raise Unknown("the gradient of a net's input where it takes several actions of each state")
        rows, program, given = self.rows, a.program, [x.wide(x.shape).value for x in (s, a, log_mu)]
        ours = isinstance(rows, ArrayRows) and program is not None and program.rows is rows and self.every == 1 and torch.is_grad_enabled()
        y, slope = np.empty(len(self.theta), np.float32), self._slopes(len(self.theta) if ours else 0)
        a.call(several.mean_logsumexp, blas.SGEMM, blas.TANH, *given, several.states_together(a.shape[2]), self.theta, self.compiled, y, slope)

        def pull(g: Array) -> None:
            add = rows.add_to(self.parameters)  # type: ignore[attr-defined]
            a.call(several.pull_mean_logsumexp, g.wide(y.shape).value, slope, self.compiled, self.grad, add)

        return Array(y) if program is None else program.leaf(y, pull, needs=ours)

    def _slopes(self, R: int) -> np.ndarray:
        """Zeros for gradients of R rows of weights, [R, D]: on cache lines, as the weights are."""
        D = self.theta.shape[1]
        slope = blas.aligned(R, -(-D // kernels.LINE) * kernels.LINE)[:, :D]
        slope[:] = 0
        return slope

    def _memory(self, R: int, M: int) -> tuple[np.ndarray, np.ndarray]:
        """Memory for the outputs of all layers, one after another, and the last of them [R, M, out]."""
        memory = blas.aligned(R * sum(self._room(M, width) for width in self.widths))
        return memory, self._last(memory[memory.size - R * self._room(M, self.widths[-1]) :], R, M)

    @staticmethod
    def _room(M: int, width: int) -> int:
        """What a row's layer of this width takes."""
        return -(-M * width // kernels.LINE) * kernels.LINE

    def _outputs(self, R: int, M: int) -> np.ndarray:
        """Memory for the outputs of the last layer alone."""
        return blas.aligned(R * self._room(M, self.widths[-1]))

    def _last(self, memory: np.ndarray, R: int, M: int) -> np.ndarray:
        """The outputs [R, M, out] in such memory."""
        return memory.reshape(R, -1)[:, : M * self.widths[-1]].reshape(R, M, -1)

    def play(self, x: np.ndarray) -> np.ndarray:
        """[S, E, in] → [S, E, out] in NumPy: a tenth of torch's overhead where the batch is a handful of environments."""
        if self.rows.are_far:
            with torch.no_grad():
                return self(torch.as_tensor(x, device=self.rows.device)).cpu().numpy()
        R, M, _ = x.shape
        if (R, M) not in self._to_play:
            self._to_play[R, M] = self._memory(R, M)
        memory, y = self._to_play[R, M]
        kernels.mlp(blas.SGEMM, blas.TANH, x, self.theta, self.compiled, memory)
        return y.copy()
