"""Networks whose Linear layers have something between them, of all seeds: batch renormalisation, as SB3-Contrib's CrossQ has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sb3_contrib.common.torch_layers import BatchRenorm1d
from torch import nn

from from_scratch.core.lockstep import blas, kernels
from from_scratch.core.lockstep.arrays import Array
from from_scratch.core.lockstep.mlp import ACTIVATIONS, StackedMLP, stack
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows


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


class Layers:
    """A Sequential of Linear layers, activations and batch renormalisation, of R rows: [R, M, in] → [R, M, out], in tensors, Arrays or NumPy."""

    def __init__(self, rows: Rows, networks: Sequence[nn.Sequential], prefix: str = ""):
        self.parts: list[Any] = []
        named = list(networks[0].named_children())
        for i, (name, layer) in enumerate(named):
            if isinstance(layer, BatchRenorm1d):
                self.parts.append(Renorm(rows, prefix + name, [getattr(network, name) for network in networks]))
            elif type(layer) is nn.Linear:
                behind = type(named[i + 1][1]) if i + 1 < len(named) else None
                self.parts.append(StackedMLP(rows, [prefix + name], nn.ReLU, behind if behind in ACTIVATIONS else None))
        self.norms = [part for part in self.parts if isinstance(part, Renorm)]

    @staticmethod
    def can_be(network: nn.Module) -> bool:
        """Is it made of such parts: an activation behind a Linear layer alone, and renormalisation that is SB3-Contrib's?"""
        if type(network) is not nn.Sequential or len(network) == 0:
            return False
        layers = [layer for layer in network if not (type(layer) is BatchRenorm1d and layer.affine)]
        alone = any(type(layer) in ACTIVATIONS and type(before) is not nn.Linear for before, layer in zip([None, *network], network, strict=False))
        return not alone and all((type(layer) is nn.Linear and layer.bias is not None) or type(layer) in ACTIVATIONS for layer in layers)

    def __call__(self, x: Any, of_batch: bool = False) -> Any:
        for part in self.parts:
            x = part(x, of_batch) if isinstance(part, Renorm) else part(x)
        return x

    def renew(self) -> None:
        for norm in self.norms:
            norm.renew()
