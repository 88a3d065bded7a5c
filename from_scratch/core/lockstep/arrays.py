"""Equations on small batches as NumPy programs.

An equation is written once, for tensors. On a batch of 64 nearly all of its time goes into torch's dispatch and autograd's engine. So
the core evaluates it once with `Array`s: these have the methods of a tensor that equations use, each with its derivative beside it,
and write down every call of NumPy that is made, forwards and backwards. From then on the calls alone are repeated, on the next
minibatch. Whatever an Array does not know raises `Unknown`, and the equation is evaluated with tensors.

A gradient may be narrower than its variable ([S, 1] for [S, M]) where it is the same along an axis: broadcasting widens it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule

from from_scratch.core.lockstep import kernels

Pull = Callable[["Array"], None]  # takes the gradient of a result and gives the operands theirs
Pulls = tuple[Callable, Callable]  # (g, x, y) → the gradient of x, that of y
NUMBERS = (int, float, bool, type(None), str)
DATA = (*NUMBERS, list, tuple, dict, set, np.ndarray, torch.Tensor)
# What an equation may read besides numbers: it does not change, or what it computes is written down. Objects of ours say so by `may_be_read`.
FIXED = (FunctionType, BuiltinFunctionType, MethodType, type, ConstantSchedule, LinearSchedule, FloatSchedule, spaces.Space, torch.device, torch.dtype)


class Unknown(Exception):
    """What Arrays cannot do."""


# --------------------------------------------------------------------------------------------------------------------- programs
class Program:
    """The calls that evaluate an equation (`forward`) and its gradient (`backward`), on memory that each repetition uses again."""

    def __init__(self, equation: Callable, data: Sequence[Any], rows: Any = None):
        self.rows = rows  # whose gradient is wanted; weights of other rows are constants
        self.forward: list[tuple[Callable, tuple]] = []
        self.backward: list[tuple[Callable, tuple]] = []
        self.steps = self.forward  # where calls are written down
        self.history: list[tuple[Array, Pull]] = []  # results that need a gradient, in order
        self.inputs: list[np.ndarray] = []
        given = [self._input(value) for value in data]
        model = getattr(equation, "__self__", None)
        if model is None:
            self.loss, self.metrics, self.read = *equation(*given), []
        else:
            watched, read = _watched(type(model))
            read.clear()
            view: Any = object.__new__(watched)
            view.__dict__ = model.__dict__
            try:
                self.loss, self.metrics = equation.__func__(view, *given)  # type: ignore[attr-defined]
                self.read = [*_noted(model, read), *_around(equation.__func__)]  # type: ignore[attr-defined]
            finally:
                read.clear()  # the class stays; what it was read from may go
        self.model = model
        if not all(isinstance(value, Array) for value in (self.loss, *self.metrics.values())):
            raise Unknown("a loss or a metric that is no tensor")

    def _input(self, data: Any) -> Any:
        """A tensor, an array, or the fields of data, as Arrays in memory of our own."""
        if is_dataclass(data):
            return type(data)(**{field.name: self._input(getattr(data, field.name)) for field in fields(data)})  # type: ignore[operator]
        if isinstance(data, torch.Tensor) and not data.requires_grad and data.device.type == "cpu":
            data = data.numpy()
        if not isinstance(data, np.ndarray):
            raise Unknown(f"data of type {type(data).__name__}")
        self.inputs.append(data.copy(order="C"))
        return Array(self.inputs[-1], self)

    def holds(self) -> bool:
        """Are the numbers that the equation read from its model still the same, also those in lists and other objects there?"""
        try:
            return all(
                (place.get(name) is value or (isinstance(value, NUMBERS) and place.get(name) == value)) and (inside is None or inside == seen(value, name))
                for place, name, value, inside in self.read
            )
        except Unknown:  # it has grown beyond what can be compared: who makes the program anew is told
            return False

    def leaf(self, value: np.ndarray, pull: Pull, needs: bool = True) -> Array:
        """What something outside the program has computed, or holds; pull writes its gradient down where it belongs."""
        out = Array(value, self, needs and torch.is_grad_enabled())
        if out.needs:
            self.history.append((out, pull))
        return out

    def pulled(self, function: Callable, *arguments: Any) -> None:
        """Add a last call to the gradient's."""
        function(*arguments)
        self.backward.append((function, arguments))

    def run(self, data: Sequence[torch.Tensor | np.ndarray]) -> None:
        """Evaluate the equation again, on other data of the same shapes."""
        for memory, new in zip(self.inputs, data, strict=True):
            np.copyto(memory, new if isinstance(new, np.ndarray) else new.numpy())
        for function, arguments in self.forward:
            function(*arguments)

    def differentiate(self) -> None:
        """Pull the gradient of the sum of the loss through everything that led to it."""
        if self.history:
            self.steps = self.backward
            with torch.no_grad():
                self.loss.give(Array(np.ones((), self.loss.value.dtype)))
                while self.history:
                    result, pull = self.history.pop()
                    if result.grad is not None:
                        pull(result.grad)
            return
        for function, arguments in self.backward:
            function(*arguments)


Read = tuple[Any, str, Any, tuple | None]  # where a value is found, by what name, the value, and what of it could change in place


def _noted(model: Any, read: dict[str, Any]) -> Iterator[Read]:
    """What was read of a model that is data: its own attributes, and its classes'."""
    for name, value in read.items():
        if name in vars(model):
            yield vars(model), name, value, seen(value, name)
        elif isinstance(value, DATA):  # not a method, nor what a property computed from attributes that were noted themselves
            place = next((vars(kind) for kind in type(model).__mro__ if vars(kind).get(name) is value), None)
            if place is not None and not name.startswith("__"):
                yield place, name, value, seen(value, name)


class _Enclosing:
    """The variables of the functions around an equation, by name."""

    def __init__(self, equation: Any):
        self.cells = dict(zip(equation.__code__.co_freevars, equation.__closure__ or (), strict=True))

    def get(self, name: str) -> Any:
        return self.cells[name].cell_contents


def _around(equation: Any) -> Iterator[Read]:
    """What an equation names of its module, of the modules that it names there, and of the functions around it: data, and objects that hold some."""
    code, enclosing = equation.__code__, _Enclosing(equation)
    named = [equation.__globals__.get(name) for name in code.co_names]
    modules = [(vars(module), code.co_names) for module in named if isinstance(module, ModuleType)]
    for place, names in ((equation.__globals__, code.co_names), (enclosing, code.co_freevars), *modules):
        for name in names:
            value = place.get(name)
            if value is None or name.startswith("__") or isinstance(value, (ModuleType, *FIXED)):
                continue
            if isinstance(value, DATA) or ((place is equation.__globals__ or place is enclosing) and not getattr(value, "may_be_read", False)):
                yield place, name, value, seen(value, name)


LARGEST = 256  # numbers that are compared before each repetition, at most


def seen(value: Any, name: str) -> tuple | None:
    """What of a value that an equation reads from its model could change in place, to be compared later; None if nothing could.

    Unknown of what cannot be seen: the equation then runs with tensors, reading its model anew each time.
    """
    if isinstance(value, (*NUMBERS, *FIXED)) or getattr(value, "may_be_read", False):
        return None
    found = tuple(_inside(value, name))
    if len(found) > LARGEST:
        raise Unknown(f"it reads {name}, where more than {LARGEST} numbers could change unseen")
    return found


def _inside(value: Any, name: str, depth: int = 4) -> Iterator[Any]:
    if isinstance(value, NUMBERS):
        yield value
    elif isinstance(value, FIXED) or getattr(value, "may_be_read", False):
        yield id(value)
    elif isinstance(value, np.ndarray | torch.Tensor):
        yield value.shape
        yield from np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value).ravel()[: LARGEST + 1].tolist()
    elif depth == 0 or isinstance(value, torch.nn.Module) or (not isinstance(value, dict | list | tuple | set | frozenset) and not hasattr(value, "__dict__")):
        raise Unknown(f"it reads {name}, where a {type(value).__name__} could change unseen")
    else:
        parts = value if isinstance(value, dict) else vars(value) if hasattr(value, "__dict__") else dict(enumerate(value))
        yield type(value)
        for key, part in parts.items():
            yield key
            yield from _inside(part, name, depth - 1)


def tensors_of(data: Sequence[Any]) -> list[torch.Tensor]:
    """What a program gets as its inputs, in its order."""
    found: list[torch.Tensor] = []
    for value in data:
        found += tensors_of(list(vars(value).values())) if is_dataclass(value) else [value]
    return found


def _watched(kind: type) -> tuple[type, dict[str, Any]]:
    """A class whose instances are of this kind and note in a dict which attributes are read. It is kept by the kind, and goes with it."""
    if "_watched" in vars(kind):
        return vars(kind)["_watched"]
    read: dict[str, Any] = {}

    class Watched(kind):  # type: ignore[valid-type,misc]
        def __getattribute__(self, name: str) -> Any:
            read[name] = value = super().__getattribute__(name)
            return value

    kind._watched = Watched, read  # type: ignore[attr-defined]
    return Watched, read


# ----------------------------------------------------------------------------------------------------------------------- arrays
def _last(dim: int, x: Array) -> int:
    if dim not in (-1, x.value.ndim - 1):
        raise Unknown(f"dim={dim}: equations are along the last axis")
    return -1


class Array:
    """A tensor's face for a NumPy array. program: where calls on it are written down, None for a constant."""

    __slots__ = ("grad", "needs", "program", "value")

    def __init__(self, value: np.ndarray, program: Program | None = None, needs: bool = False):
        self.value, self.program, self.needs, self.grad = value, program, needs, None

    # ----------------------------------------------------------------------------------------------------------------- the program
    def call(self, function: Callable, *arguments: Any) -> None:
        """Do this now and whenever the program is repeated."""
        function(*arguments)
        if self.program is not None:
            self.program.steps.append((function, arguments))

    def result(self, value: np.ndarray, pull: Pull, *others: Array) -> Array:
        """What was computed from this array and others, and how to pull its gradient."""
        needs = torch.is_grad_enabled() and (self.needs or any(other.needs for other in others))
        out = Array(value, self.program, needs)
        if needs:
            self.program.history.append((out, pull))  # type: ignore[union-attr]
        return out

    def give(self, g: Array) -> None:
        """Add to the gradient, in this array's precision."""
        if self.needs:
            g = g._of_type(self.value.dtype)
            self.grad = g if self.grad is None else self.grad + g

    def wide(self, shape: tuple[int, ...]) -> Array:
        """As wide as its variable, in contiguous memory."""
        if self.value.shape == shape and self.value.flags.c_contiguous:
            return self
        out = Array(np.empty(shape, self.value.dtype), self.program)
        self.call(np.copyto, out.value, self.value)
        return out

    def fit(self, shape: tuple[int, ...], of: tuple[int, ...]) -> Array:
        """The gradient of an operand of this shape, from one for the shape that it was broadcast to."""
        if shape == of:
            return self
        full = self.value if self.value.shape == of else np.broadcast_to(self.value, of)
        axes = tuple(i for i in range(len(of)) if i < len(of) - len(shape) or (shape[i - len(of)] == 1 and of[i] != 1))
        out = Array(np.empty(shape, full.dtype), self.program)
        if shape == (*of[:-1], 1):
            self.call(kernels.row_sums, Array(full, self.program)._vectors(), out.value.reshape(-1), 1)
            return out
        self.call(np.add.reduce, full, axes, None, out.value.reshape([1 if i in axes else n for i, n in enumerate(of)]), True)
        return out

    @classmethod
    def __torch_function__(cls, function: Callable, types: Any, args: Sequence = (), kwargs: dict | None = None) -> Any:
        """torch.exp(x) is x.exp(); torch.cat takes several."""
        if function is torch.cat:
            parts, dim = list(args[0]), args[1] if len(args) > 1 else (kwargs or {}).get("dim", 0)
            return (parts[0] if isinstance(parts[0], Array) else Array(np.asarray(parts[0]))).cat(parts[1:], dim)
        method = getattr(args[0], function.__name__) if args and isinstance(args[0], Array) else None
        if method is None:
            raise Unknown(f"torch.{function.__name__}")
        return method(*args[1:], **(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unknown(f"Tensor.{name}")

    def __bool__(self) -> bool:
        raise Unknown("a condition on a tensor")

    # ------------------------------------------------------------------------------------------------------------ of one variable
    def _unary(self, function: Callable, pull: Callable[[Array, Array, Array], Array]) -> Array:
        """y = function(x), and pull(g, x, y), the gradient of x from that of y, in torch's order of operations."""
        y = Array(np.empty(self.value.shape, self.value.dtype), self.program)
        self.call(function, self.value, y.value)
        return self.result(y.value, lambda g: self.give(pull(g, self, y)))

    def exp(self) -> Array:
        return self._unary(torch_exp, lambda g, x, y: g * y)

    def log(self) -> Array:
        return self._unary(torch_log, lambda g, x, y: g / x)

    def sqrt(self) -> Array:
        return self._unary(np.sqrt, lambda g, x, y: g / (y * 2))

    def tanh(self) -> Array:
        def pull(g: Array, x: Array, y: Array) -> Array:
            gx = Array(np.empty_like(y.value), self.program)
            x.call(kernels.pull_tanh, g.wide(y.value.shape)._vectors(), y._vectors(), gx._vectors())
            return gx

        return self._unary(torch_tanh, pull)

    def sigmoid(self) -> Array:
        return 1 / ((-self).exp() + 1)

    def abs(self) -> Array:
        return self._unary(np.abs, lambda g, x, y: g * x._unary(np.sign, NO_PULL))

    def amax(self, dim: int) -> Array:
        """The largest of each vector; a constant, as the target of an update is."""
        if self.needs and torch.is_grad_enabled():
            raise Unknown("the gradient of amax")
        return self._reduced(kernels.row_maxima, dim, False, NO_PULL)

    def argmax(self, dim: int, keepdim: bool = False) -> Array:
        """Where the largest of each vector is, the first of equal ones."""
        y = np.empty(self.value.shape[:-1], np.int64)
        self.call(np.argmax, self.value, _last(dim, self), y)
        return Array(y[..., None] if keepdim else y, self.program)

    def sort(self, dim: int = -1) -> Values:
        """Each vector from its smallest number to its largest; a constant, as the target of an update is."""
        if self.needs and torch.is_grad_enabled():
            raise Unknown("the gradient of sort")
        y = np.empty_like(self.value, order="C")
        self.call(np.copyto, y, self.value)
        self.call(y.sort, _last(dim, self))
        return Values(Array(y, self.program))

    def smooth_l1_loss(self, target: Array, size_average: None = None, reduce: None = None, reduction: str = "mean", beta: float = 1.0) -> Array:
        """Huber's loss with δ = 1, element by element: x²/2 where |x| < 1, |x| − 1/2 elsewhere; its derivative is x, clipped."""
        if reduction != "none" or beta != 1 or target.needs:
            raise Unknown(f"smooth_l1_loss with reduction={reduction!r} and beta={beta}, or with a target that needs a gradient")
        with torch.no_grad():
            x, y = self - target, np.empty_like(self.value)
        self.call(kernels.huber, x._vectors(), y.reshape(x._vectors().shape))
        return self.result(y, lambda g: self.give(x.clamp(-1.0, 1.0) * g))

    def relu(self, inplace: bool = False) -> Array:
        return self._unary(relu, lambda g, x, y: g * (y > 0))

    def square(self) -> Array:
        return self._unary(np.square, lambda g, x, y: g * (2 * x))

    def __neg__(self) -> Array:
        return self._unary(np.negative, lambda g, x, y: -g)

    def __pow__(self, n: float) -> Array:
        if n != 2:
            raise Unknown(f"a power of {n}")
        return self.square()

    # ----------------------------------------------------------------------------------------------------------- of two variables
    def _operand(self, x: Any) -> Array:
        """A number or a tensor as a constant that keeps this array's precision."""
        if isinstance(x, Array):
            return x
        if isinstance(x, float | int):
            return Array(np.array(x, np.result_type(self.value, 0.0) if isinstance(x, float) else self.value.dtype))
        if isinstance(x, torch.Tensor) and not x.requires_grad and x.device.type == "cpu":
            return Array(x.numpy())
        raise Unknown(f"an operand of type {type(x).__name__}")

    def _binary(self, other: Any, function: Callable, pulls: Pulls) -> Array:
        x, y = self, self._operand(other)
        value = np.asarray(function(x.value, y.value))
        program = x.program or y.program
        if program is None:
            return Array(value)
        program.steps.append((function, (x.value, y.value, value)))
        needs = (x.needs or y.needs) and torch.is_grad_enabled()
        out = Array(value, program, needs)
        if needs:

            def pull(g: Array) -> None:
                if x.needs:
                    x.give(pulls[0](g, x, y).fit(x.value.shape, value.shape))
                if y.needs:
                    y.give(pulls[1](g, x, y).fit(y.value.shape, value.shape))

            program.history.append((out, pull))
        return out

    def __add__(self, other: Any) -> Array:
        return self._binary(other, np.add, ADD)

    def __sub__(self, other: Any) -> Array:
        return self._binary(other, np.subtract, SUB)

    def __rsub__(self, other: Any) -> Array:
        return self._operand(other) - self

    def __mul__(self, other: Any) -> Array:
        product = self._binary(other, np.multiply, MUL)
        if isinstance(other, float) and other == 0:
            product.needs = False  # nothing comes of it, so no gradient is pulled
        return product

    def __truediv__(self, other: Any) -> Array:
        return self._binary(other, np.divide, DIV)

    def __rtruediv__(self, other: Any) -> Array:
        return self._operand(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def minimum(self, other: Any) -> Array:
        return self._binary(other, minimum, MIN)

    def maximum(self, other: Any) -> Array:
        return self._binary(other, maximum, MAX)

    max = maximum

    def min(self, other: Any) -> Any:
        """The smaller one of each two; along an axis, of critics say, the first of the smallest, under `values` as in torch."""
        if isinstance(other, int) and not isinstance(other, bool):
            return Values(self._smallest(other))
        return self.minimum(other)

    def amin(self, dim: int) -> Array:
        """The smallest along an axis; a constant, as the target of an update is."""
        if self.needs and torch.is_grad_enabled():
            raise Unknown("the gradient of amin")
        return self._smallest(dim)

    def _smallest(self, dim: int) -> Array:
        if dim != 1 or self.value.ndim != 3:
            raise Unknown(f"the smallest along dim={dim}: it is along the second axis of three")
        y = Array(np.empty((len(self.value), self.value.shape[2]), self.value.dtype), self.program)
        x = self.wide(self.value.shape).value
        self.call(kernels.smallest, x, y.value)

        def pull(g: Array) -> None:
            gx = Array(np.empty(x.shape, x.dtype), self.program)
            self.call(kernels.pull_smallest, g.wide(y.value.shape).value, x, gx.value)
            self.give(gx)

        return self.result(y.value, pull)

    def clamp(self, min: Any = None, max: Any = None) -> Array:
        x = self

        def pull(g: Array) -> None:
            for bound, inside in ((min, x.__ge__), (max, x.__le__)):
                g = g if bound is None else g * inside(bound)
            x.give(g)

        with torch.no_grad():
            y = x if min is None else x.maximum(min)
            y = y if max is None else y.minimum(max)
        return x.result(y.value, pull)

    def _compare(self, other: Any, function: Callable) -> Array:
        with torch.no_grad():
            return self._binary(other, function, (NO_PULL, NO_PULL))

    def __gt__(self, other: Any) -> Array:
        return self._compare(other, np.greater)

    def __ge__(self, other: Any) -> Array:
        return self._compare(other, np.greater_equal)

    def __lt__(self, other: Any) -> Array:
        return self._compare(other, np.less)

    def __le__(self, other: Any) -> Array:
        return self._compare(other, np.less_equal)

    # ------------------------------------------------------------------------------------------------------------ along the last axis
    def _reduced(self, kernel: Callable, dim: int, keepdim: bool, pull: Callable[[Array], Array], *more: int) -> Array:
        shape = self.value.shape
        y = np.empty((*shape[:-1], 1) if keepdim else shape[:-1], self.value.dtype)
        _last(dim, self)
        self.call(kernel, self._vectors(), y.reshape(-1), *more)
        return self.result(y, lambda g: self.give(pull(g if keepdim or g.value.ndim < y.ndim or len(shape) == 1 else g[..., None])))

    def sum(self, dim: int, keepdim: bool = False) -> Array:
        return self._reduced(kernels.row_sums, dim, keepdim, lambda g: g, 1)

    def mean(self, dim: int, keepdim: bool = False) -> Array:
        n = self.value.shape[-1]
        return self._reduced(kernels.row_sums, dim, keepdim, lambda g: g / float(n), n)

    def std(self, dim: int, keepdim: bool = False) -> Array:
        """With Bessel's correction, as torch's."""
        return ((self - self.mean(dim, keepdim=True)).square().sum(dim, keepdim) / float(self.value.shape[-1] - 1)).sqrt()

    def _vectors(self) -> np.ndarray:
        """[..., n] → [N, n], a view of contiguous memory."""
        return self.wide(self.value.shape).value.reshape(-1, self.value.shape[-1])

    def softmax(self, dim: int) -> Array:
        """exp(x) / Σ exp(x) as a constant, as the target of an update is."""
        if self.needs and torch.is_grad_enabled():
            raise Unknown("the gradient of softmax")
        return self.log_softmax(dim).exp()

    def log_softmax(self, dim: int) -> Array:
        """x − log Σ exp(x)."""
        y, p = Array(np.empty_like(self.value, order="C"), self.program), np.empty_like(self.value, order="C")
        vectors, total = y._vectors(), np.empty(self.value.size // self.value.shape[_last(dim, self)], self.value.dtype)
        self.call(kernels.from_top, self._vectors(), vectors)
        self.call(np.exp, y.value, p)
        self.call(kernels.row_sums, p.reshape(vectors.shape), total, 1)
        self.call(np.log, total, total)
        self.call(kernels.subtract_rows, vectors, total)

        def pull(g: Array) -> None:
            gx = Array(np.empty_like(y.value), self.program)
            self.call(np.exp, y.value, p)
            self.call(kernels.pull_log_softmax, g.wide(y.value.shape)._vectors(), p.reshape(vectors.shape), gx._vectors())
            self.give(gx)

        return self.result(y.value, pull)

    def logsumexp(self, dim: int) -> Array:
        """log Σ exp(x)."""
        top = self.detach().amax(dim)
        return (self - top.unsqueeze(-1)).exp().sum(dim).log() + top

    def gather(self, dim: int, index: Array) -> Array:
        """Elements of each vector, by their numbers: index is [..., k]."""
        shape, of_some = self.value.shape, index.value.shape
        if _last(dim, self) and of_some[:-1] != shape[:-1]:
            raise Unknown(f"gather by an index of shape {of_some}")
        if of_some[-1] != 1:
            return self._gather_some(index)
        y, i = np.empty(of_some, self.value.dtype), index._vectors()[:, 0]
        self.call(kernels.gather, self._vectors(), i, y.reshape(-1))

        def pull(g: Array) -> None:
            gx = Array(np.empty(shape, self.value.dtype), self.program)
            self.call(kernels.pull_gather, g.wide(of_some).value.reshape(-1), i, gx._vectors())
            self.give(gx)

        return self.result(y, pull)

    def _gather_some(self, index: Array) -> Array:
        x, i, first = self._vectors().reshape(-1), index._vectors(), np.arange(0, self.value.size, self.value.shape[-1])[:, None]
        at, y = np.empty_like(i), np.empty(index.value.shape, self.value.dtype)
        self.call(np.add, i, first, at)  # where they are among all vectors' elements
        self.call(np.take, x, at, None, y.reshape(i.shape), "clip")  # not "raise", which would copy its result once more

        def pull(g: Array) -> None:
            gx = Array(np.empty_like(x), self.program)
            self.call(kernels.pull_gather_some, g.wide(index.value.shape).value.reshape(at.shape), at, gx.value)
            self.give(Array(gx.value.reshape(self.value.shape), self.program))

        return self.result(y, pull)

    # ------------------------------------------------------------------------------------------------------------- shapes and types
    def one_hot(self, n: int) -> Array:
        """[...] of integers → [..., n] in single precision."""
        y = np.empty((*self.value.shape, n), np.float32)
        self.call(np.equal, self.value[..., None], np.arange(n), y)
        return Array(y, self.program)

    def __getitem__(self, key: Any) -> Array:
        if not all(part is None or part is Ellipsis or isinstance(part, slice | int) for part in (key if isinstance(key, tuple) else (key,))):
            raise Unknown(f"an index [{key}]")
        x, y = self.value, self.value[key]

        def pull(g: Array) -> None:
            if y.size == x.size and g.value.ndim == y.ndim:  # nothing but axes of length 1
                self.give(Array(g.value.reshape(x.shape) if g.value.shape == y.shape else g.wide(y.shape).value.reshape(x.shape), g.program))
                return
            gx = Array(np.zeros_like(x), g.program)
            g.call(np.copyto, gx.value[key], g.value)
            self.give(gx)

        return self.result(y, pull)

    def squeeze(self, dim: int) -> Array:
        return self if _last(dim, self) and self.value.shape[-1] != 1 else self[..., 0]

    def unsqueeze(self, dim: int) -> Array:
        return self[..., None] if dim == -1 else self[(*[slice(None)] * (dim % (self.value.ndim + 1)), None)]

    def expand(self, *shape: Any) -> Array:
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        shape = tuple(n if wanted == -1 else wanted for n, wanted in zip(self.value.shape, shape, strict=True)) if -1 in shape else shape
        return self.result(np.broadcast_to(self.value, shape), lambda g: self.give(g.fit(self.value.shape, shape)))

    def view(self, *shape: int) -> Array:
        y = self.wide(self.value.shape).value.reshape(shape)
        return self.result(y, lambda g: self.give(Array(g.wide(y.shape).value.reshape(self.value.shape), g.program)))

    def flatten(self, start: int, end: int = -1) -> Array:
        n = self.value.shape
        return self.view(*n[:start], -1, *n[end % len(n) + 1 :])

    def transpose(self, dim: int, other: int) -> Array:
        y = self.value.swapaxes(dim, other)  # the same memory in another order
        return self.result(y, lambda g: self.give(Array(g.wide(y.shape).value.swapaxes(dim, other), g.program)))

    def cat(self, others: Sequence[Any], dim: int) -> Array:
        """torch.cat((self, *others), -1), or along the samples: dim=1."""
        parts = [self, *(self._operand(other) for other in others)]
        axis = 1 if dim == 1 and self.value.ndim > 1 else _last(dim, self) % self.value.ndim
        ends = np.cumsum([0, *(part.value.shape[axis] for part in parts)]).tolist()
        places = [(*[slice(None)] * axis, slice(start, end)) for start, end in pairwise(ends)]
        program = next((part.program for part in parts if part.program is not None), None)
        y = Array(np.empty((*self.value.shape[:axis], ends[-1], *self.value.shape[axis + 1 :]), self.value.dtype), program)
        for part, place in zip(parts, places, strict=True):
            y.call(np.copyto, y.value[place], part.value)

        def pull(g: Array) -> None:
            for part, place in zip(parts, places, strict=True):
                part.give(Array(g.wide(y.value.shape).value[place], g.program))

        return y.result(y.value, pull, *parts)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    def __len__(self) -> int:
        return len(self.value)

    def _of_type(self, dtype: Any) -> Array:
        if self.value.dtype == dtype:
            return self
        if self.needs:
            raise Unknown(f"the gradient of a conversion from {self.value.dtype}")
        out = Array(np.empty(self.value.shape, dtype), self.program)
        self.call(np.copyto, out.value, self.value, "unsafe")
        return out

    def flat(self) -> Array:
        """[S, M, ...] → [S, M, n] in single precision."""
        x = self.float()
        return x if x.value.ndim == 3 else Array(x.value.reshape(*x.shape[:2], -1), x.program)

    def float(self) -> Array:
        return self._of_type(np.float32)

    def long(self) -> Array:
        return self._of_type(np.int64)

    def detach(self) -> Array:
        return Array(self.value, self.program)

    def cpu(self) -> Array:
        return self

    def numpy(self) -> np.ndarray:
        """The array itself; in a program it changes with each repetition."""
        if self.program is not None:
            raise Unknown("Tensor.numpy within an equation")
        return self.value


class Values(NamedTuple):
    """What torch gives for a minimum along an axis, or for a sorted one, without the indices."""

    values: Array


# Functions whose rounding in torch is not NumPy's.
def torch_exp(x: np.ndarray, y: np.ndarray) -> None:
    torch.exp(torch.from_numpy(x), out=torch.from_numpy(y))


def torch_log(x: np.ndarray, y: np.ndarray) -> None:
    torch.log(torch.from_numpy(x), out=torch.from_numpy(y))


def torch_tanh(x: np.ndarray, y: np.ndarray) -> None:
    torch.tanh(torch.from_numpy(x), out=torch.from_numpy(y))


def relu(x: np.ndarray, y: np.ndarray) -> None:
    np.maximum(x, 0, out=y)


def minimum(x: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    return np.minimum(x, y, out=out)


def maximum(x: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    return np.maximum(x, y, out=out)


NO_PULL: Any = None
ADD: Pulls = (lambda g, x, y: g, lambda g, x, y: g)
SUB: Pulls = (lambda g, x, y: g, lambda g, x, y: -g)
MUL: Pulls = (lambda g, x, y: g * y, lambda g, x, y: g * x)
DIV: Pulls = (lambda g, x, y: g / y, lambda g, x, y: -g * (x / y / y))


def _step(x: Array, y: Array) -> Array:
    """1 where x < y, 0 where x > y, and ½ where they are the same, as torch has it."""
    return (y - x)._binary(0.5, np.heaviside, (NO_PULL, NO_PULL))


MIN: Pulls = (lambda g, x, y: g * _step(x, y), lambda g, x, y: g * _step(y, x))
MAX: Pulls = (lambda g, x, y: g * _step(y, x), lambda g, x, y: g * _step(x, y))
