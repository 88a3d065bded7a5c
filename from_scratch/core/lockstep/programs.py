"""Rows whose equations run as programs of NumPy calls (arrays.py), the fast one of the three ways that an equation may run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from from_scratch.core.lockstep import kernels
from from_scratch.core.lockstep.arrays import Array, Program, Unknown, tensors_of
from from_scratch.core.lockstep.effects import tell_of_effects
from from_scratch.core.lockstep.rows import Rows

EVERY = int(os.environ.get("FROM_SCRATCH_BOTH_WAYS", "0"))  # evaluate every so manyth update both ways, and compare; 0: none
EAGER = os.environ.get("FROM_SCRATCH_EAGER", "0") not in ("", "0")  # evaluate every equation with tensors, at every update: make no program of it
TOLERANCE = 1e-4  # of the largest number of a gradient: single precision, summed in another order
KEPT = 16  # programs, at most: each holds memory for its data and all it computes


@contextmanager
def eager(on: bool = True) -> Iterator[None]:
    """While this is entered every loss of every model runs with tensors at every update: a breakpoint, a print and a counter in it work.

    `with from_scratch.eager(): model.learn(…)` gives what the environment variable FROM_SCRATCH_EAGER=1 gives to a whole process, the same numbers
    up to rounding; eager(False) makes programs again within. It may be entered and left between two trainings of a model, and by a decorator.
    """
    global EAGER
    before, EAGER = EAGER, on
    try:
        yield
    finally:
        EAGER = before


class EquationsDiffer(RuntimeError):
    """An equation's program and autograd do not agree."""


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
        self._looked_at: set[Any] = set()  # equations of which programs were made: is there something in them that these would not do?
        self._updates, self._both_ways = 0, None

    def array(self, name: str, program: Program | None) -> Array:
        """A parameter of all rows, [R, *shape]; where a program is being made, its gradient is written by it."""
        value, gradient = self.in_numpy[name]

        def pull(g: Array) -> None:
            g.call(np.copyto, gradient, (g + Array(gradient, g.program)).value if self.add_to([name]) else g.value)

        return Array(value) if program is None else program.leaf(value, pull)

    def parameter(self, name: str, like: Any = None) -> Any:
        return self.array(name, like.program) if isinstance(like, Array) else super().parameter(name, like)

    def add_to(self, names: Sequence[str]) -> bool:
        """Must these parameters' gradients be added to what is there? Not by the first who asks."""
        add = names[0] in self._written
        self._written.update(names)
        return add

    def differentiate(self, equation: Callable, *data: Any) -> tuple[Any, dict[str, torch.Tensor]]:
        kind = getattr(equation, "__func__", equation)
        self._both_ways = None
        if getattr(equation, "per_seed", False) and kind not in self._need_tensors and not EAGER:
            try:
                self._program = self.run(equation, *data)
                self._updates += 1
                if EVERY and self._updates % EVERY == 0:
                    self._both_ways = equation, data
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
        if gradient and key[0] not in self._looked_at:
            self._looked_at.add(key[0])
            tell_of_effects(equation)
        return program

    def backward(self, loss: Any) -> None:
        if not isinstance(loss, Program):
            return super().backward(loss)
        new = bool(loss.history)
        self._written = set()
        loss.differentiate()
        if new:
            for name in self.names.keys() - self._written:
                loss.pulled(np.copyto, self.in_numpy[name][1], 0)
        if self._both_ways is not None:
            self._compare(*self._both_ways, loss)

    def _compare(self, equation: Callable, data: tuple, program: Program) -> None:
        """The same equation by the general path, on the same data; EquationsDiffer unless loss and gradient agree. The program's gradient stays."""
        gradient, loss = self.grad.clone(), program.loss.value.copy()
        general, _ = super().differentiate(equation, *data)
        super().backward(general)
        general_gradient = self.grad.clone()
        self.grad.copy_(gradient)
        pairs = {"gradient": (gradient, general_gradient), "loss": (torch.from_numpy(loss), general.detach())}
        for what, (mine, theirs) in pairs.items():
            apart = float((mine - theirs).abs().max())
            if not apart <= TOLERANCE * (float(theirs.abs().max()) + 1e-3):
                raise EquationsDiffer(
                    f"{getattr(equation, '__qualname__', equation)}: the {what} of its program is up to {apart:.2g} away from autograd's, whose largest "
                    f"number is {float(theirs.abs().max()):.2g}. Does it draw, count, or read what it may not (docs/lockstep.md)?"
                )

    def track(self, other: Rows, tau: float) -> None:
        if isinstance(other, ArrayRows):
            kernels.track(self.theta_numpy, other.theta_numpy, np.float32(1 - tau), np.float32(tau))
        else:
            super().track(other, tau)

    def clip(self, max_norm: float) -> None:
        kernels.clip_rows(self.grad_numpy, self.spans_numpy, max_norm)
