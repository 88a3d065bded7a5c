"""Networks whose Linear layers have something between them, of all seeds: batch renormalisation, layer normalisation, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sb3_contrib.common import torch_layers
from sb3_contrib.common.torch_layers import BatchRenorm1d
from torch import nn

from from_scratch.core.lockstep import blas, kernels
from from_scratch.core.lockstep.arrays import Array
from from_scratch.core.lockstep.mlp import ACTIVATIONS, StackedMLP, stack
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows
from from_scratch.core.watch import imitate

imitate(torch_layers, nn.LayerNorm)


class Renorm:
    """Batch renormalisation (Ioffe 2017, arXiv:1702.03275, Algorithm 1) of R rows, [R, M, n] → [R, M, n].

        r = clip(σ_B/σ, 1/r_max, r_max),  d = clip((μ_B − μ)/σ, −d_max, d_max), held fast;  y = scale (r (x − μ_B)/σ_B + d) + bias

    SB3-Contrib's form, which r = 1 and d = 0 until `warmup_steps` updates have been. The running μ and σ are the modules' own buffers: they are
    read whenever they are needed, and `renew` lets them follow what the last call `of_batch` saw.
    """

    may_be_read = True

    def __init__(self, rows: Rows, name: str, modules: Sequence[BatchRenorm1d]):
        self.rows, self.name, self.modules = rows, name, modules
        n = modules[0].num_features
        self.warm = np.zeros(len(modules), bool)
        self.ra_mean, self.ra_var, self.mean, self.var, self.r, self.d, self.centre, self.spread = np.zeros((8, len(modules), n), np.float32)
        self.eps = np.float32(modules[0].eps)
        self.r_max, self.d_max = np.float32(modules[0].rmax), np.float32(modules[0].dmax)
        self.scale, self.bias = (rows.of_all(rows.theta, rows.names[f"{name}.{part}"]).numpy() for part in ("scale", "bias"))
        self.gradients = [rows.of_all(rows.grad, rows.names[f"{name}.{part}"]).numpy() for part in ("scale", "bias")]

    def look(self) -> None:
        """Take the running statistics as they are now."""
        for k, module in enumerate(self.modules):
            self.ra_mean[k], self.ra_var[k] = module.ra_mean.numpy(), module.ra_var.numpy()
            self.warm[k] = module.steps.item() > module.warmup_steps

    def renew(self) -> None:
        """Let the running statistics follow the last batch."""
        for k, module in enumerate(self.modules):
            for running, seen in ((module.ra_mean.numpy(), self.mean[k]), (module.ra_var.numpy(), self.var[k])):
                running += np.float32(module.momentum) * (seen - running)
            module.steps += 1

    def __call__(self, x: Any, of_batch: bool = False) -> Any:
        if isinstance(x, Array):
            return self.of_array(x, of_batch)
        self.look()
        if isinstance(x, np.ndarray):
            y = np.empty(x.shape, np.float32)
            kernels.normalise(blas.SQRT, np.ascontiguousarray(x), self.ra_mean, self.ra_var, self.eps, self.scale, self.bias, y)
            return y
        scale, bias = (self.rows.parameter(f"{self.name}.{part}") for part in ("scale", "bias"))
        return stack([self.of_row(k, x[k], of_batch) * scale[k] + bias[k] for k in range(len(self.modules))])

    def of_row(self, k: int, x: torch.Tensor, of_batch: bool) -> torch.Tensor:
        """Row k's x [M, n], normalised."""
        ra_mean, ra_var = torch.from_numpy(self.ra_mean[k]), torch.from_numpy(self.ra_var[k])
        if not of_batch:
            return (x - ra_mean) / (ra_var + self.eps).sqrt()
        mean, var = x.mean(0), x.var(0)
        self.mean[k], self.var[k] = mean.detach().numpy(), var.detach().numpy()
        if self.warm[k]:
            running = (ra_var + self.eps).sqrt()
            r = ((var.detach() + self.eps).sqrt() / running).clamp(1 / self.r_max, self.r_max)
            d = ((mean.detach() - ra_mean) / running).clamp(-self.d_max, self.d_max)
            mean, var = mean - d * var.sqrt() / r, var / r**2
        return (x - mean) / (var + self.eps).sqrt()

    def of_array(self, x: Array, of_batch: bool) -> Array:
        given, program = x.wide(x.shape).value, x.program
        ours = isinstance(self.rows, ArrayRows) and program is not None and program.rows is self.rows
        y, batch = np.empty(given.shape, np.float32), (self.mean, self.var, self.r, self.d)
        x.call(self.look)
        centre, spread = (self.centre, self.spread) if of_batch else (self.ra_mean, self.ra_var)
        if of_batch:
            x.call(kernels.renorm, blas.SQRT, given, self.ra_mean, self.ra_var, self.warm, self.eps, self.r_max, self.d_max, *batch, centre, spread)
        x.call(kernels.normalise, blas.SQRT, given, centre, spread, self.eps, self.scale, self.bias, y)

        def pull(g: Array) -> None:
            gx = np.empty(given.shape if x.needs else (0, 0, 0), np.float32)
            names = [f"{self.name}.scale", f"{self.name}.bias"]
            of_weights = self.gradients if ours else [part[:0] for part in self.gradients]
            add = ours and self.rows.add_to(names)  # type: ignore[attr-defined]
            wide = g.wide(y.shape).value
            x.call(kernels.pull_normalise, blas.SQRT, wide, given, centre, spread, self.eps, self.scale, of_batch, *batch, *of_weights, gx, add)
            x.give(Array(gx, program))

        return Array(y) if program is None else program.leaf(y, pull, needs=ours or x.needs)


class Masked(nn.Module):
    """Dropout whose mask [M, n] is given: 0 for what is dropped, 1/(1 − p) for the rest. Without one it changes nothing."""

    mask: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.mask is None else x * self.mask


class Normed:
    """Layer normalisation (Ba et al. 2016, arXiv:1607.06450) of R rows: every sample by the mean and variance of its own features."""

    def __init__(self, rows: Rows, name: str, module: nn.LayerNorm):
        self.rows, self.eps, self.names = rows, module.eps, [f"{name}.weight", f"{name}.bias"]
        self.weight, self.bias = (rows.of_all(rows.theta, rows.names[each]).numpy() for each in self.names)
        self.gradients = [rows.of_all(rows.grad, rows.names[each]).numpy() for each in self.names]

    def __call__(self, x: Any) -> Any:
        if isinstance(x, Array):
            return self.of_array(x)
        weight, bias = (self.rows.parameter(each)[:, None] for each in self.names)
        apart = x - x.mean(-1, keepdim=True)
        return apart / ((apart**2).mean(-1, keepdim=True) + self.eps).sqrt() * weight + bias

    def of_array(self, x: Array) -> Array:
        given, program = x.wide(x.shape).value, x.program
        ours = isinstance(self.rows, ArrayRows) and program is not None and program.rows is self.rows
        y = np.empty(given.shape, np.float32)
        x.call(kernels.layer_norm, given, self.eps, self.weight, self.bias, y)

        def pull(g: Array) -> None:
            gx = np.empty(given.shape if x.needs else (0, 0, 0), np.float32)
            of_weights = self.gradients if ours else [part[:0] for part in self.gradients]
            add = ours and self.rows.add_to(self.names)  # type: ignore[attr-defined]
            x.call(kernels.pull_layer_norm, g.wide(y.shape).value, given, self.eps, self.weight, *of_weights, gx, add)
            x.give(Array(gx, program))

        return Array(y) if program is None else program.leaf(y, pull, needs=ours or x.needs)


class Layers:
    """A Sequential of Linear layers, activations and what is above, of R rows: [R, M, in] → [R, M, out], in tensors, Arrays or NumPy.

    masks [R, M, units] are those of all its Masked layers, one behind the other; without any, nothing is dropped.
    """

    def __init__(self, rows: Rows, networks: Sequence[nn.Sequential], prefix: str = ""):
        self.parts: list[Any] = []
        named, units, width, joined = list(networks[0].named_children()), 0, 0, False
        for i, (name, layer) in enumerate(named):
            if isinstance(layer, BatchRenorm1d):
                self.parts.append(Renorm(rows, prefix + name, [getattr(network, name) for network in networks]))
            elif isinstance(layer, Masked):
                self.parts.append(slice(units - width, units))
            elif isinstance(layer, nn.LayerNorm):
                self.parts.append(Normed(rows, prefix + name, layer))
            elif type(layer) is nn.Linear:
                behind = type(named[i + 1][1]) if i + 1 < len(named) else None
                joined = behind in ACTIVATIONS
                self.parts.append(StackedMLP(rows, [prefix + name], nn.ReLU, behind if joined else None))
                width = layer.out_features
                units += width
            elif joined:
                joined = False
            else:
                self.parts.append(torch.relu if type(layer) is nn.ReLU else torch.tanh)
        self.norms = [part for part in self.parts if isinstance(part, Renorm)]

    @staticmethod
    def can_be(network: nn.Module) -> bool:
        """Is it made of such parts, with weights and biases of their own?"""
        if type(network) is not nn.Sequential or len(network) == 0 or any(type(layer) is nn.Linear and layer.bias is None for layer in network):
            return False
        normed = all(layer.bias is not None and len(layer.normalized_shape) == 1 for layer in network if type(layer) is nn.LayerNorm)
        renormed = all(layer.affine for layer in network if type(layer) is BatchRenorm1d)
        return normed and renormed and all(type(layer) in (nn.Linear, nn.LayerNorm, BatchRenorm1d, Masked, *ACTIVATIONS) for layer in network)

    def __call__(self, x: Any, of_batch: bool = False, masks: Any = None) -> Any:
        for part in self.parts:
            if isinstance(part, slice):
                x = x if masks is None else x * masks[..., part]
            else:
                x = part(x, of_batch) if isinstance(part, Renorm) else part(x)
        return x

    def renew(self) -> None:
        for norm in self.norms:
            norm.renew()
