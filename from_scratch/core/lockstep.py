"""Many seeds in lock-step: the weights of S networks are the rows of one block, and one optimiser steps them all.

Modules and optimizers stay ordinary objects with their own names and state; what is ours is the memory under them.
Rows never mix: losses are summed over seeds, so a seed's gradient is its own; Adam and RMSprop are elementwise;
the gradient's norm is clipped per row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import nn

Equation = TypeVar("Equation", bound=Callable)


def per_seed(equation: Equation) -> Equation:
    """Marks a method that is pure per seed: data [S, M, ...] in, one number per seed [S] out, reduced over the last axis only.

    It draws no random numbers and calls no `.item()`: the same text serves one seed and a stack of them.
    """
    equation.per_seed = True  # type: ignore[attr-defined]
    return equation


ALIGNMENT = 64  # floats: rows start on cache lines, so a row's kernels are the same wherever it lies in the block


class Rows:
    """theta and grad, [S, D]: row k holds the parameters of modules[k] one after another, D padded to a multiple of 64."""

    def __init__(self, modules: Sequence[nn.Module]):
        self.modules = list(modules)
        first = list(self.modules[0].parameters())
        self.shapes = [tuple(p.shape) for p in first]
        self.dtype, self.device = first[0].dtype, first[0].device
        ends = np.cumsum([0, *(p.numel() for p in first)])
        self.spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        self.width = -(-int(ends[-1]) // ALIGNMENT) * ALIGNMENT
        self.theta = torch.zeros(len(self.modules), self.width, dtype=self.dtype, device=self.device)
        self.grad = torch.zeros_like(self.theta)
        self.names = {name: i for i, (name, _) in enumerate(self.modules[0].named_parameters())}
        self._leaves: dict[int, torch.Tensor] = {}
        self.bind()

    def __len__(self) -> int:
        return len(self.modules)

    def of_row(self, block: torch.Tensor, k: int, i: int) -> torch.Tensor:
        """Parameter i of seed k as a view into a block [S, D]."""
        start, end = self.spans[i]
        return block[k, start:end].view(self.shapes[i])

    def of_all(self, block: torch.Tensor, i: int) -> torch.Tensor:
        """Parameter i of all seeds as a view [S, *shape] into a block [S, D]."""
        start, end = self.spans[i]
        return block[:, start:end].view(-1, *self.shapes[i])

    def leaf(self, name: str) -> torch.Tensor:
        """A parameter of all seeds, [S, *shape], as a leaf of autograd's graph."""
        i = self.names[name]
        if i not in self._leaves:
            self._leaves[i] = self.of_all(self.theta, i).detach().requires_grad_()
        return self._leaves[i]

    def backward(self, loss: torch.Tensor) -> None:
        """Write the gradient of loss [S], summed over seeds, into `grad`: row k is the gradient of seed k's loss alone."""
        if not self._leaves:  # the modules themselves computed it; their parameters' gradients are our memory
            self.grad.zero_()
            loss.sum().backward()
            return
        gradients = torch.autograd.grad(loss.sum(), list(self._leaves.values()), allow_unused=True)
        for i, gradient in zip(self._leaves, gradients, strict=True):
            view = self.of_all(self.grad, i)
            view.zero_() if gradient is None else view.copy_(gradient)

    def is_bound(self) -> bool:
        """Do the modules still live in this memory? Loading in place keeps it; `.to()`, `p.data = …`, a replaced layer do not."""
        for k, module in enumerate(self.modules):
            parameters = list(module.parameters())
            if len(parameters) != len(self.spans):
                return False
            for i, p in enumerate(parameters):
                if p.grad is None or p.data_ptr() != self.of_row(self.theta, k, i).data_ptr() or p.grad.data_ptr() != self.of_row(self.grad, k, i).data_ptr():
                    return False
        return True

    @torch.no_grad()
    def bind(self) -> None:
        """Make every parameter and its gradient a view into its row, keeping the values."""
        for k, module in enumerate(self.modules):
            for i, p in enumerate(module.parameters()):
                if tuple(p.shape) != self.shapes[i]:
                    raise ValueError(f"A layer was replaced by one of another shape: {tuple(p.shape)} where {self.shapes[i]} was. Build a new model instead.")
                view = self.of_row(self.theta, k, i)
                if p.data_ptr() != view.data_ptr():
                    view.copy_(p)
                    p.data = view
                p.grad = self.of_row(self.grad, k, i)

    def clip(self, max_norm: float) -> None:
        """Scale each seed's gradient so that its norm is at most max_norm."""
        norms = torch.stack([row.norm() for row in self.grad])  # a kernel per row: the same number for one seed and for S
        scale = (max_norm / (norms + 1e-6)).clamp_(max=1.0)
        self.grad.mul_(scale.unsqueeze(1))


class RowOptimizer:
    """One step for the S ordinary optimizers of S policies.

    Adam without extras is a single fused call over all rows; its moments and step counters are views in the optimizers'
    own `state`, right at any moment, so that `state_dict()` is theirs. Any other optimizer steps itself, seed by seed.
    """

    def __init__(self, rows: Rows, optimizers: Sequence[torch.optim.Optimizer]):
        self.rows, self.optimizers = rows, list(optimizers)
        group = self.optimizers[0].param_groups[0]
        plain = len(self.optimizers[0].param_groups) == 1 and not any(group.get(flag) for flag in ("amsgrad", "maximize", "capturable", "differentiable"))
        ours = {id(p) for p in rows.modules[0].parameters()} == {id(p) for p in group["params"]}
        self.fused = type(self.optimizers[0]) is torch.optim.Adam and plain and ours and rows.dtype == torch.float32
        if self.fused:
            self.moments = [torch.zeros_like(rows.theta), torch.zeros_like(rows.theta)]
            self.steps = torch.zeros(len(rows), len(rows.spans))  # a counter for each parameter, as the optimizers keep them
            self.bind()

    def is_bound(self) -> bool:
        if not self.fused:
            return True
        return all(
            optimizer.state.get(p, {}).get("exp_avg", p).data_ptr() == self.rows.of_row(self.moments[0], k, i).data_ptr()
            and optimizer.state[p]["step"].data_ptr() == self.steps[k, i].data_ptr()
            for k, (optimizer, module) in enumerate(zip(self.optimizers, self.rows.modules, strict=True))
            for i, p in enumerate(module.parameters())
        )

    @torch.no_grad()
    def bind(self) -> None:
        """Move the optimizers' state (fresh, or just loaded) into our blocks."""
        if not self.fused:
            return
        for k, (optimizer, module) in enumerate(zip(self.optimizers, self.rows.modules, strict=True)):
            for i, p in enumerate(module.parameters()):
                old = optimizer.state.get(p, {})
                new = {"step": self.steps[k, i]}
                new["exp_avg"], new["exp_avg_sq"] = (self.rows.of_row(block, k, i) for block in self.moments)
                for name, view in new.items():
                    view.copy_(torch.as_tensor(old[name])) if name in old else view.zero_()
                optimizer.state[p] = new

    @torch.no_grad()
    def step(self, active: np.ndarray) -> None:
        """Step the rows of active seeds; the others keep their weights and their moments."""
        if not self.fused:
            for optimizer, on in zip(self.optimizers, active, strict=True):
                if on:
                    optimizer.step()
        elif active.all() and self._counters_agree():
            self._adam(slice(None), 0)
        else:
            for k in np.flatnonzero(active):
                self._adam(slice(k, k + 1), k)

    def _counters_agree(self) -> bool:
        return len(self.rows) == 1 or bool((self.steps[:, 0] == self.steps[0, 0]).all())

    def _adam(self, rows: slice, k: int) -> None:
        group, (first, second) = self.optimizers[0].param_groups[0], self.moments
        self.steps[rows] += 1
        torch._fused_adam_(
            [self.rows.theta[rows]], [self.rows.grad[rows]], [first[rows]], [second[rows]], [], [self.steps[k, 0]],
            lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], weight_decay=group["weight_decay"], eps=group["eps"],
            amsgrad=False, maximize=False,
        )  # fmt: skip
