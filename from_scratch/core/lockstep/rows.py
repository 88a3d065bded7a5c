"""Many seeds in lock-step: the weights of S networks are the rows of one block, and one optimiser steps them all.

Modules and optimizers stay ordinary objects with their own names and state; what is ours is the memory under them.
Rows never mix: losses are summed over seeds, so a seed's gradient is its own; Adam and RMSprop are elementwise;
the gradient's norm is clipped per row.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from stable_baselines3.common.utils import polyak_update
from torch import nn

_grad = operator.attrgetter("grad")
Equation = TypeVar("Equation", bound=Callable)
OF_NUMPY = (torch.float32, torch.float64, torch.float16)  # types that NumPy has, too


def per_seed(equation: Equation) -> Equation:
    """Marks a method that is pure per seed: data [S, M, ...] in, one number per seed [S] out, reduced over the last axis only.

    It draws no random numbers and calls no `.item()`: the same text serves one seed and a stack of them.
    """
    equation.per_seed = True  # type: ignore[attr-defined]
    return equation


class Tape(list):
    """What was computed outside autograd's graph while an equation was evaluated: (names of parameters, pull, outputs).

    The outputs enter the equation as leaves of its graph; pull(*their gradients, add) then writes, or adds, the gradients of the
    parameters by derivatives written by hand. Starting the engine on a whole net costs more than the net.
    """

    def record(self, names: Sequence[str], pull: Callable, *outputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        leaves = tuple(output.requires_grad_() for output in outputs)
        self.append((names, pull, leaves))
        return leaves


AS_ON_A_GPU = os.environ.get("FROM_SCRATCH_AS_ON_A_GPU", "0") not in ("", "0")  # for tests: the CPU is a device like any other


def is_far(x: torch.Tensor) -> bool:
    """Does it lie where neither NumPy nor our compiled loops reach, on a GPU? There torch computes, all rows in one call."""
    return AS_ON_A_GPU or x.device.type != "cpu"


LINE, ALIGNMENT = 16, 64  # numbers: parameters start on cache lines and rows on every fourth, so that products and sums round as they do elsewhere


def spans_of(sizes: Sequence[int]) -> tuple[list[tuple[int, int]], int]:
    """Where in a row parameters of these sizes begin and end, and how long it is."""
    starts = np.cumsum([0, *(-(-size // LINE) * LINE for size in sizes)]).tolist()
    return [(start, start + size) for start, size in zip(starts, sizes, strict=False)], -(-starts[-1] // ALIGNMENT) * ALIGNMENT


class Rows:
    """theta and grad, [R, D]: row r holds the parameters of modules[r] one after another, each padded to a multiple of 16 and D to one of 64.

    A seed has one row, or several equal ones next to each other (the critics of an ensemble). `skip` leaves out the parameters
    whose name contains it: those that another network trains.
    """

    may_be_read = True  # by equations: a parameter that one asks for is in its program
    still: Collection[int] = ()  # parameters that no optimizer moves: they have no gradient to be seen

    def __init__(self, modules: Sequence[nn.Module], skip: str | None = None):
        self.modules, self.skip = list(modules), skip
        named = self._named(self.modules[0])
        self.shapes = [tuple(p.shape) for _, p in named]
        self.dtype, self.device = named[0][1].dtype, named[0][1].device
        self.spans, width = spans_of([p.numel() for _, p in named])
        self.theta = torch.zeros(len(self.modules), width, dtype=self.dtype, device=self.device)
        self.are_far = is_far(self.theta)
        self.grad = torch.zeros_like(self.theta)
        self.names = {name: i for i, (name, _) in enumerate(named)}
        self._leaves: dict[int, torch.Tensor] = {}
        self._asked: set[int] = set()  # leaves that entered a graph since the last backward()
        self.tape: Tape | None = None  # open while `differentiate` evaluates an equation
        self._taped = Tape()
        self._gradients = [self.of_row(self.grad, r, i) for r in range(len(self)) for i in range(len(self.spans))]
        self._addresses = [gradient.data_ptr() for gradient in self._gradients]
        self._lent: list[torch.Tensor | None] = []  # the gradients of `_lent_to`, when they were last seen to be ours
        self.bind()

    def only(self, r: int) -> Rows:
        """Row r by itself, in the same memory: for an equation over one seed's data."""
        alone = object.__new__(Rows)  # on the tape: it has no program
        alone.__dict__.update(self.__dict__)
        alone.modules, alone.theta, alone.grad = self.modules[r : r + 1], self.theta[r : r + 1], self.grad[r : r + 1]
        alone._leaves, alone._asked, alone._taped = {}, set(), Tape()
        alone._gradients = [alone.of_row(alone.grad, 0, i) for i in range(len(self.spans))]
        alone._addresses = [gradient.data_ptr() for gradient in alone._gradients]
        alone._lent_to, alone._lent = alone.parameters(0), []
        return alone

    def __len__(self) -> int:
        return len(self.modules)

    def _named(self, module: nn.Module) -> list[tuple[str, nn.Parameter]]:
        return [(name, p) for name, p in module.named_parameters() if self.skip is None or self.skip not in name]

    def parameters(self, r: int) -> list[nn.Parameter]:
        """The parameters that live in row r, as the module has them now."""
        return [p for _, p in self._named(self.modules[r])]

    def of_row(self, block: torch.Tensor, r: int, i: int) -> torch.Tensor:
        """Parameter i of row r in a block [R, D]: its memory, under a storage of its own. A view would take the whole block along into pickles."""
        start, end = self.spans[i]
        view = block[r, start:end].view(self.shapes[i])
        if self.are_far:
            return torch.from_dlpack(view)
        return torch.from_numpy(view.numpy()) if view.dtype in OF_NUMPY else view

    def address(self, block: torch.Tensor, r: int, i: int) -> int:
        """Where that lies."""
        return block.data_ptr() + (r * block.stride(0) + self.spans[i][0]) * block.element_size()

    def of_all(self, block: torch.Tensor, i: int) -> torch.Tensor:
        """Parameter i of all rows as a view [R, *shape] into a block [R, D]."""
        start, end = self.spans[i]
        return block[:, start:end].view(-1, *self.shapes[i])

    def leaf(self, name: str) -> torch.Tensor:
        """A parameter of all rows, [R, *shape] ([*shape] of a single row), as a leaf of autograd's graph.

        Ask for it whenever it enters an equation: `backward` looks for the gradients of what was asked for since the last one.
        """
        i = self.names[name]
        if i not in self._leaves:
            view = self.of_all(self.theta, i) if len(self) > 1 else self.of_row(self.theta, 0, i)
            self._leaves[i] = view.detach().requires_grad_()
        self._asked.add(i)
        return self._leaves[i]

    def parameter(self, name: str, like: Any = None) -> Any:
        """A parameter of all rows, [R, *shape], to compute with numbers like these, tensors unless it says otherwise."""
        return self.leaf(name).view(-1, *self.shapes[self.names[name]])

    def gradient_of(self, name: str) -> torch.Tensor:
        """Where the gradient of a parameter of all rows belongs, shaped as its leaf."""
        i = self.names[name]
        return self.of_all(self.grad, i) if len(self) > 1 else self.of_row(self.grad, 0, i)

    def differentiate(self, equation: Callable, *data: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """equation(*data), which is (loss [S], metrics), with the nets of these rows on the tape: `backward` comes next."""
        self.tape = self._taped = Tape()
        try:
            return equation(*data)
        finally:
            self.tape = None

    def backward(self, loss: torch.Tensor) -> None:
        """Write the gradient of loss [S], summed over seeds, into `grad`: a seed's rows get the gradient of its loss alone."""
        tape, self._taped = self._taped, Tape()
        asked, self._asked = sorted(self._asked), set()
        if not self._leaves:  # the modules themselves computed it; their parameters' gradients are our memory
            self.lend()
            self.grad.zero_()
            loss.sum().backward()
            return
        outputs = [output for _, _, outputs in tape for output in outputs]
        gradients = iter(torch.autograd.grad(loss.sum(), [*outputs, *(self._leaves[i] for i in asked)], allow_unused=True))
        written: set[int] = set()
        with torch.no_grad():
            for names, pull, outputs in tape:
                mine = {self.names[name] for name in names}
                pull(*(next(gradients) for _ in outputs), bool(mine & written))
                written |= mine
            for i, gradient in zip(asked, gradients, strict=True):
                if gradient is not None:
                    view = self.of_all(self.grad, i)
                    view.add_(gradient) if i in written else view.copy_(gradient)
                    written.add(i)
            for i in range(len(self.spans)):
                if i not in written:
                    self.of_all(self.grad, i).zero_()

    def lend(self) -> None:
        """Show every parameter its gradient, where torch and users look for it."""
        if self._lent and all(map(operator.is_, map(_grad, self._lent_to), self._lent)):
            return
        for i, (p, address) in enumerate(zip(self._lent_to, self._addresses, strict=True)):
            if i % len(self.spans) in self.still:
                p.grad = None
            elif p.grad is None or p.grad.data_ptr() != address:
                p.grad = self.of_row(self.grad, *divmod(i, len(self.spans)))
        self._lent = list(map(_grad, self._lent_to))

    def lives_here(self) -> bool:
        """Do the parameters still live in this memory, with or without gradients?"""
        here = [[p.data_ptr() for p in self.parameters(r)] for r in range(len(self))]
        return here == [[self.address(self.theta, r, i) for i in range(len(self.spans))] for r in range(len(self))]

    def is_bound(self) -> bool:
        """Do the modules still live in this memory? Loading in place keeps it; `.to()`, `p.data = …`, a replaced layer do not."""
        for r in range(len(self)):
            parameters = self.parameters(r)
            if len(parameters) != len(self.spans):
                return False
            for i, p in enumerate(parameters):
                if p.grad is None or p.data_ptr() != self.address(self.theta, r, i) or p.grad.data_ptr() != self.address(self.grad, r, i):
                    return False
        return True

    @torch.no_grad()
    def bind(self) -> None:
        """Make every parameter and its gradient a view into its row, keeping the values."""
        for r in range(len(self)):
            for i, p in enumerate(self.parameters(r)):
                if tuple(p.shape) != self.shapes[i]:
                    raise ValueError(f"A layer was replaced by one of another shape: {tuple(p.shape)} where {self.shapes[i]} was. Build a new model instead.")
                view = self.of_row(self.theta, r, i)
                if p.data_ptr() != view.data_ptr():
                    view.copy_(p)
                    p.data = view
        self._lent_to = [p for r in range(len(self)) for p in self.parameters(r)]
        self._lent = []
        self.lend()

    def clip(self, max_norm: float) -> None:
        """Scale each row's gradient so that its norm is at most max_norm: torch's clip_grad_norm_, row by row; on the CPU bit for bit."""
        if self.are_far:  # what pads a row is 0
            self.grad.mul_((max_norm / (torch.linalg.vector_norm(self.grad, dim=1, keepdim=True) + 1e-6)).clamp_(max=1.0))
            return
        norms = torch.stack(torch._foreach_norm(self._gradients))
        if len(self) == 1:
            self.grad.mul_((max_norm / (torch.linalg.vector_norm(norms) + 1e-6)).clamp_(max=1.0))
            return
        norm = torch.stack([torch.linalg.vector_norm(row) for row in norms.view(len(self), -1)])
        self.grad.mul_((max_norm / (norm + 1e-6)).clamp_(max=1.0).unsqueeze(1))

    def weights(self) -> np.ndarray:
        """A copy of θ, [R, D]."""
        return self.theta.cpu().numpy().copy()

    def set_weights(self, weights: np.ndarray) -> None:
        self.theta.copy_(torch.from_numpy(weights))

    def gradients(self) -> np.ndarray:
        """What `backward` has written, [R, D]: a copy where it lies elsewhere than in NumPy's reach."""
        return self.grad.cpu().numpy()

    def set_gradients(self, gradients: np.ndarray) -> None:
        """Put something else, [R, D], in its place."""
        self.grad.copy_(torch.from_numpy(gradients))

    @torch.no_grad()
    def track(self, other: Rows, tau: float) -> None:
        """θ ← (1 − τ) θ + τ θ_other: how a target network follows."""
        if self.skip is None and other.skip is None:
            self.theta.mul_(1 - tau).add_(other.theta, alpha=tau)
        else:  # the other shares a features extractor with the actor, so its row is shorter than its module
            for target, source in zip(self.modules, other.modules, strict=True):
                polyak_update(source.parameters(), target.parameters(), tau)


class OwnMemory:
    """Networks that keep their parameters to themselves: what SB3 does with them is done, by autograd and torch's own functions.

    For networks that are not, or no longer, what rows assume: frozen parameters, exchanged layers, hooks, an optimizer that knows only
    some of the parameters. `clipped` are the modules whose gradients are clipped together, the networks themselves if none are given.
    """

    tape = None

    def __init__(self, modules: Sequence[nn.Module], clipped: Sequence[nn.Module] | None = None):
        self.modules, self.clipped = list(modules), list(modules if clipped is None else clipped)
        self.held: dict[int, list[nn.Parameter]] = {}  # of each seed: parameters that somebody moves by hand

    def only(self, r: int) -> OwnMemory:
        """Network r by itself: for an equation over one seed's data."""
        return OwnMemory(self.modules[r : r + 1], self.clipped[r : r + 1])

    def __len__(self) -> int:
        return len(self.modules)

    @property
    def device(self) -> torch.device:
        return next((p.device for p in self.modules[0].parameters()), torch.device("cpu"))

    def parameters(self, r: int) -> list[nn.Parameter]:
        return list(self.modules[r].parameters())

    def parameter(self, name: str, like: Any = None) -> torch.Tensor:
        """A parameter of all networks, [S, *shape]."""
        return torch.stack([operator.attrgetter(name)(module) for module in self.modules])

    leaf = parameter

    def differentiate(self, equation: Callable, *data: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return equation(*data)

    def backward(self, loss: torch.Tensor) -> None:
        loss.sum().backward()
        for parameters in self.held.values():
            for p in parameters:
                p.grad = None  # no step of the optimizer's, though the loss may depend on it

    def _laid_out(self, of: Callable[[nn.Parameter], torch.Tensor | None]) -> np.ndarray:
        """What each parameter has, laid out as Rows lay it out, [R, D]; 0 where it has nothing."""
        spans = [spans_of([p.numel() for p in self.parameters(r)]) for r in range(len(self))]
        block = np.zeros((len(self), max(width for _, width in spans)), np.float32)
        for r, (ends, _) in enumerate(spans):
            for (start, end), p in zip(ends, self.parameters(r), strict=True):
                if (x := of(p)) is not None:
                    block[r, start:end] = x.detach().flatten().cpu().numpy()
        return block

    def _put(self, block: np.ndarray, of: Callable[[nn.Parameter], torch.Tensor | None]) -> None:
        for r in range(len(self)):
            ends, _ = spans_of([p.numel() for p in self.parameters(r)])
            for (start, end), p in zip(ends, self.parameters(r), strict=True):
                if (x := of(p)) is not None:
                    x.copy_(torch.from_numpy(block[r, start:end]).view_as(x))

    def weights(self) -> np.ndarray:
        """A copy of θ, [R, D], laid out as in Rows."""
        return self._laid_out(lambda p: p.data)

    def set_weights(self, weights: np.ndarray) -> None:
        self._put(weights, lambda p: p.data)

    def gradients(self) -> np.ndarray:
        """The gradients, [R, D], laid out as in Rows; 0 where there is none."""
        return self._laid_out(_grad)

    def set_gradients(self, gradients: np.ndarray) -> None:
        """Put something else, [R, D], in the place of those that there are."""
        self._put(gradients, _grad)

    def clip(self, max_norm: float) -> None:
        for module in self.clipped:
            nn.utils.clip_grad_norm_(module.parameters(), max_norm)

    def track(self, other: Any, tau: float) -> None:
        for target, source in zip(self.modules, other.modules, strict=True):
            polyak_update(source.parameters(), target.parameters(), tau)

    def lend(self) -> None:
        """Their gradients are where they are."""

    def is_bound(self) -> bool:
        return True

    def bind(self) -> None:
        """There is nothing to bind."""
