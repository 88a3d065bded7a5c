"""Many seeds in lock-step: the weights of S networks are the rows of one block, and one optimiser steps them all.

Modules and optimizers stay ordinary objects with their own names and state; what is ours is the memory under them.
Rows never mix: losses are summed over seeds, so a seed's gradient is its own; Adam and RMSprop are elementwise;
the gradient's norm is clipped per row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import torch
from stable_baselines3.common.utils import polyak_update
from torch import nn
from torch.optim import optimizer as torch_optimizer

from from_scratch.core.lockstep import blas, kernels
from from_scratch.core.lockstep.arrays import Array, Program, Unknown, tensors_of
from from_scratch.core.watch import replaced

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


LINE, ALIGNMENT = 16, 64  # numbers: parameters start on cache lines and rows on every fourth, so that products and sums round as they do elsewhere


class Rows:
    """theta and grad, [R, D]: row r holds the parameters of modules[r] one after another, each padded to a multiple of 16 and D to one of 64.

    A seed has one row, or several equal ones next to each other (the critics of an ensemble). `skip` leaves out the parameters
    whose name contains it: those that another network trains.
    """

    def __init__(self, modules: Sequence[nn.Module], skip: str | None = None):
        self.modules, self.skip = list(modules), skip
        named = self._named(self.modules[0])
        self.shapes = [tuple(p.shape) for _, p in named]
        self.dtype, self.device = named[0][1].dtype, named[0][1].device
        sizes = [p.numel() for _, p in named]
        starts = np.cumsum([0, *(-(-size // LINE) * LINE for size in sizes)]).tolist()
        self.spans = [(start, start + size) for start, size in zip(starts, sizes, strict=False)]
        width = -(-starts[-1] // ALIGNMENT) * ALIGNMENT
        self.theta = torch.zeros(len(self.modules), width, dtype=self.dtype, device=self.device)
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
        return torch.from_numpy(view.numpy()) if view.device.type == "cpu" and view.dtype in OF_NUMPY else view

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
            if p.grad is None or p.grad.data_ptr() != address:
                p.grad = self.of_row(self.grad, *divmod(i, len(self.spans)))
        self._lent = list(map(_grad, self._lent_to))

    def lives_here(self) -> bool:
        """Do the parameters still live in this memory, with or without gradients?"""
        here = [[p.data_ptr() for p in self.parameters(r)] for r in range(len(self))]
        return here == [[self.of_row(self.theta, r, i).data_ptr() for i in range(len(self.spans))] for r in range(len(self))]

    def is_bound(self) -> bool:
        """Do the modules still live in this memory? Loading in place keeps it; `.to()`, `p.data = …`, a replaced layer do not."""
        for r in range(len(self)):
            parameters = self.parameters(r)
            if len(parameters) != len(self.spans):
                return False
            for i, p in enumerate(parameters):
                if p.grad is None or p.data_ptr() != self.of_row(self.theta, r, i).data_ptr() or p.grad.data_ptr() != self.of_row(self.grad, r, i).data_ptr():
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
        """Scale each row's gradient so that its norm is at most max_norm: torch's clip_grad_norm_, row by row, bit for bit."""
        norms = torch.stack(torch._foreach_norm(self._gradients))
        if len(self) == 1:
            self.grad.mul_((max_norm / (torch.linalg.vector_norm(norms) + 1e-6)).clamp_(max=1.0))
            return
        norm = torch.stack([torch.linalg.vector_norm(row) for row in norms.view(len(self), -1)])
        self.grad.mul_((max_norm / (norm + 1e-6)).clamp_(max=1.0).unsqueeze(1))

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


class ArrayRows(Rows):
    """Rows, in single precision on the CPU, whose equations run as programs of NumPy calls, or with tensors where that cannot be.

    A program is made when an equation meets data of new shapes, or when a number changed that it reads from its model.
    tell(line) hears of an equation that needs tensors.
    """

    def __init__(self, modules: Sequence[nn.Module], tell: Callable[[str], None] = lambda line: None):
        super().__init__(modules)
        self.tell = tell
        self.in_numpy = {name: (self.of_all(self.theta, i).numpy(), self.of_all(self.grad, i).numpy()) for name, i in self.names.items()}
        self.theta_numpy = self.theta.view(-1).numpy()
        self.grad_numpy, self.spans_numpy = self.grad.numpy(), np.array(self.spans)
        self._programs: dict[Any, Program] = {}
        self._program: Program | None = None  # of the equation that was differentiated last
        self._written: set[str] = set()  # parameters whose gradient the program being made has written
        self._need_tensors: set[Any] = set()

    def array(self, name: str, program: Program | None) -> Array:
        """A parameter of all rows, [R, *shape]; where a program is being made, its gradient is written by it."""
        value, gradient = self.in_numpy[name]
        leaf = Array(value, program, needs=program is not None and torch.is_grad_enabled())

        def pull(g: Array) -> None:
            g.call(np.copyto, gradient, (g + Array(gradient, g.program)).value if self.add_to([name]) else g.value)

        if leaf.needs:
            leaf.result(value, pull)
            program.history[-1] = leaf, pull  # type: ignore[union-attr]
        return leaf

    def parameter(self, name: str, like: Any = None) -> Any:
        return self.array(name, like.program) if isinstance(like, Array) else super().parameter(name, like)

    def add_to(self, names: Sequence[str]) -> bool:
        """Must these parameters' gradients be added to what is there? Not by the first who asks."""
        add = names[0] in self._written
        self._written.update(names)
        return add

    def differentiate(self, equation: Callable, *data: Any) -> tuple[Any, dict[str, torch.Tensor]]:
        kind = getattr(equation, "__func__", equation)
        if getattr(equation, "per_seed", False) and kind not in self._need_tensors:
            try:
                self._program = self.run(equation, *data)
                return self._program, {name: torch.from_numpy(metric.value.copy()) for name, metric in self._program.metrics.items()}
            except (Unknown, TypeError, AttributeError) as error:
                self._need_tensors.add(kind)
                self.tell(f"{kind.__qualname__} takes the general path, through autograd ({error}).")
        return super().differentiate(equation, *data)

    def run(self, equation: Callable, *data: Any, gradient: bool = True) -> Program:
        """The program of an equation, with or without its gradient, after a run on this data; the next run overwrites what it holds."""
        tensors = tensors_of(data)
        key = equation, *(tensor.shape for tensor in tensors)  # of this model: a shallow copy of it has attributes of its own
        program = self._programs.get(key)
        if program is not None and program.holds():
            program.run(tensors)
            return program
        self._programs = {key: value for key, value in self._programs.items() if value.holds()} if len(self._programs) < KEPT else {}
        with torch.set_grad_enabled(gradient):
            program = self._programs[key] = Program(equation, data, self)
        return program

    def backward(self, loss: Any) -> None:
        if not isinstance(loss, Program):
            return super().backward(loss)
        new = bool(loss.history)
        self._written = set()
        loss.differentiate()
        if new:
            for name in self.names.keys() - self._written:
                loss.loss.call(np.copyto, self.in_numpy[name][1], 0)

    def track(self, other: Rows, tau: float) -> None:
        if isinstance(other, ArrayRows):
            kernels.track(self.theta_numpy, other.theta_numpy, np.float32(1 - tau), np.float32(tau))
        else:
            super().track(other, tau)

    def clip(self, max_norm: float) -> None:
        kernels.clip_rows(self.grad_numpy, self.spans_numpy, max_norm)


KEPT = 16  # programs, at most: each holds memory for its data and all it computes

MOMENTS = {torch.optim.Adam: ("exp_avg", "exp_avg_sq"), torch.optim.RMSprop: ("square_avg",)}




def _any_step_hook() -> bool:
    return bool(torch_optimizer._global_optimizer_pre_hooks or torch_optimizer._global_optimizer_post_hooks)


EXTRAS = ("amsgrad", "maximize", "capturable", "differentiable", "centered", "momentum", "weight_decay", "decoupled_weight_decay")


class RowOptimizer:
    """One step for the S ordinary optimizers of S networks.

    Adam and RMSprop without extras are one pass over all rows, with the bits of torch's own; their moments and step counters are
    views in the optimizers' own `state`, right at any moment, so that `state_dict()` is theirs. Any other optimizer steps itself,
    seed by seed.
    """

    def __init__(self, rows: Rows | OwnMemory, optimizers: Sequence[torch.optim.Optimizer]):
        self.rows: Any = rows
        self.optimizers = list(optimizers)
        self.per_seed = len(rows) // len(self.optimizers)  # rows of one seed
        self.in_rows = isinstance(rows, Rows) and rows.dtype == torch.float32 and rows.device.type == "cpu" and self._are_plain()
        if self.in_rows:
            self.moments = {name: torch.zeros_like(rows.theta) for name in MOMENTS[type(self.optimizers[0])]}  # type: ignore[union-attr]
            self.steps = torch.zeros(len(rows), len(rows.spans))  # type: ignore[union-attr]  # a counter for each parameter, as the optimizers keep them
            self._counters = self.steps.numpy()
            self._all = self._blocks(slice(None))
            self.bind()
        self.watch()

    def _are_plain(self) -> bool:
        """Do the optimizers what the pass over all rows does, and the same for every seed and parameter?"""
        first = self.optimizers[0]
        alike = type(first) in MOMENTS and all(type(o) is type(first) and len(o.param_groups) == 1 for o in self.optimizers)
        if not alike or any(replaced(o) or o._optimizer_step_pre_hooks or o._optimizer_step_post_hooks for o in self.optimizers) or _any_step_hook():
            return False
        options = [self._options(o) for o in self.optimizers]
        if any(option != options[0] for option in options) or any(options[0][0].get(extra) for extra in EXTRAS):
            return False
        if not isinstance(first.param_groups[0]["lr"], float | int):
            return False
        for k, optimizer in enumerate(self.optimizers):
            mine = [p for r in range(k * self.per_seed, (k + 1) * self.per_seed) for p in self.rows.parameters(r)]
            if {id(p) for p in mine} != {id(p) for p in optimizer.param_groups[0]["params"]}:
                return False
            if len({float(optimizer.state[p]["step"]) if p in optimizer.state else 0.0 for p in mine}) > 1:
                return False  # somebody stepped some of the parameters, or froze them for a while
        return True

    @staticmethod
    def _options(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """Of every group: its options; the learning rate is set anew before each training."""
        return [{name: value for name, value in group.items() if name not in ("params", "lr", "initial_lr")} for group in optimizer.param_groups]

    def watch(self) -> None:
        """Remember how the optimizers are now."""
        self._groups = [group for o in self.optimizers for group in o.param_groups]
        self._getters = [itemgetter(*(name for name in group if name not in ("params", "lr", "initial_lr"))) for group in self._groups]
        sized = [*map(vars, self.optimizers), *(o.param_groups for o in self.optimizers), *self._groups, *(group["params"] for group in self._groups)]
        hooks = [hooks for o in self.optimizers for hooks in (o._optimizer_step_pre_hooks, o._optimizer_step_post_hooks)]
        self._sized: list[Any] = [*sized, *hooks, torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks]
        self._sizes = list(map(len, self._sized))
        self._options_seen = list(map(operator.call, self._getters, self._groups))
        self._states_seen = [o.state for o in self.optimizers] if self.in_rows else []
        self._held = self._holding()

    def _holding(self) -> list[Any]:
        """What the optimizers keep of their parameters, where that is a view of our blocks."""
        return [*chain.from_iterable(map(dict.values, chain.from_iterable(map(dict.values, self._states_seen))))]

    def is_as_seen(self) -> bool:
        """Are options, groups, methods and state of the optimizers as they were, and do their counters still agree?"""
        return (
            list(map(len, self._sized)) == self._sizes
            and all(map(operator.is_, chain.from_iterable([o.param_groups for o in self.optimizers]), self._groups))
            and list(map(operator.call, self._getters, self._groups)) == self._options_seen
            and (not self.in_rows or self._holds())
        )

    def _holds(self) -> bool:
        """Is their state what it was, and has every seed one number of steps for all its parameters?"""
        held, states = self._holding(), [o.state for o in self.optimizers]
        return (
            len(held) == len(self._held)
            and all(map(operator.is_, held, self._held))
            and all(map(operator.is_, states, self._states_seen))
            and all([row[:4] * len(self.rows.spans) == row for row in map(np.ndarray.tobytes, self._counters)])
        )

    def zero_grad(self, active: np.ndarray) -> None:
        """Forget the last gradients of active seeds, where an optimizer steps itself: what gets none now is not to move."""
        if not self.in_rows:
            for k in np.flatnonzero(active):
                self.optimizers[k].zero_grad()

    def _states(self) -> Iterator[tuple[dict, dict[str, torch.Tensor], nn.Parameter]]:
        """For each parameter: the state of the optimizer that owns it, what should be in it, and the parameter."""
        for r in range(len(self.rows)):
            for i, p in enumerate(self.rows.parameters(r)):
                views = {name: self.rows.of_row(block, r, i) for name, block in self.moments.items()}
                yield self.optimizers[r // self.per_seed].state, {"step": self.steps[r, i], **views}, p

    def is_bound(self) -> bool:
        return not self.in_rows or all(
            name in state.get(p, {}) and state[p][name].data_ptr() == view.data_ptr() for state, views, p in self._states() for name, view in views.items()
        )

    @torch.no_grad()
    def bind(self) -> None:
        """Move the optimizers' state (fresh, or just loaded) into our blocks."""
        if not self.in_rows:
            return
        for state, views, p in self._states():
            old = state.get(p, {})
            for name, view in views.items():
                view.copy_(torch.as_tensor(old[name])) if name in old else view.zero_()
            state[p] = views

    @torch.no_grad()
    def step(self, active: np.ndarray) -> None:
        """Step the rows of active seeds; the others keep their weights and their moments."""
        if not self.in_rows:
            for k in np.flatnonzero(active):
                self._step_of_torch(k)
        elif active.all() and self._counters_agree():
            self._step(*self._all)
        else:
            for k in np.flatnonzero(active):
                self._step(*self._blocks(slice(k * self.per_seed, (k + 1) * self.per_seed)))

    def _step_of_torch(self, k: int) -> None:
        """The optimizer's own step. Parameters that another network trains (a shared features extractor) have no gradient here."""
        if isinstance(self.rows, OwnMemory):
            self.optimizers[k].step()
            return
        self.rows.lend()
        mine = {id(p) for r in range(k * self.per_seed, (k + 1) * self.per_seed) for p in self.rows.parameters(r)}
        others = [p for group in self.optimizers[k].param_groups for p in group["params"] if id(p) not in mine]
        gradients = [p.grad for p in others]
        for p in others:
            p.grad = None
        self.optimizers[k].step()
        for p, gradient in zip(others, gradients, strict=True):
            p.grad = gradient

    def _counters_agree(self) -> bool:
        steps = self.steps.numpy()[:, 0]
        return len(self.optimizers) == 1 or bool((steps == steps[0]).all())

    def _blocks(self, rows: slice) -> tuple[np.ndarray, list[np.ndarray]]:
        """Of some rows: the counters; and θ, gradient and moments in NumPy."""
        return self.steps[rows].numpy(), [block[rows].view(-1).numpy() for block in (self.rows.theta, self.rows.grad, *self.moments.values())]

    def _step(self, steps: np.ndarray, blocks: list[np.ndarray]) -> None:
        group, single = self.optimizers[0].param_groups[0], np.float32
        steps += 1
        t, eps = float(steps[0, 0]), single(group["eps"])
        if len(self.moments) == 2:  # Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), in torch's order of operations
            beta1, beta2 = group["betas"]
            correction, step = (1 - beta2**t) ** 0.5, -group["lr"] / (1 - beta1**t)
            theta, g, m, v = blocks
            kernels.adam(blas.SQRT, theta, g, m, v, single(1 - beta1), single(beta2), single(1 - beta2), single(correction), eps, single(step))
        else:  # RMSprop (Tieleman & Hinton 2012), ε outside the root
            alpha, (theta, g, v) = group["alpha"], blocks
            kernels.rmsprop(blas.SQRT, theta, g, v, single(alpha), single(1 - alpha), eps, single(-group["lr"]))


def optimiser_of(
    networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer], rows: Callable[[], Rows], apart: str | None, stacked: bool,
    clipped: Sequence[nn.Module] | None = None,
) -> RowOptimizer:  # fmt: skip
    """What trains networks: over `rows()`, or in memory of their own if there is a reason to keep them apart.

    Modules whose optimizers step themselves gain nothing from rows, and may lose: a parameter without a gradient is not to move.
    """
    if apart is None:
        optimiser = RowOptimizer(rows(), optimizers)
        if optimiser.in_rows or stacked:
            return optimiser
    return RowOptimizer(OwnMemory(networks, clipped), optimizers)
