"""The state of objects as plain data, and put back into other objects of the same kinds: what is made anew by the same recipe is filled in.

Numbers, texts, arrays, collections and NumPy's generators are written down; of any other object its attributes are, and it must be there already when they
are put back. Functions, classes, files and what draws pictures count as part of the recipe. What cannot be looked into is Untold, by its name.
"""

from __future__ import annotations

import io
import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.resuming.simulators import SIMULATORS, Untold

Plain = Any  # what JSON holds: a number, a text, None, or a list [tag, …] for everything else
GENERATORS: dict[str, type[np.random.BitGenerator]] = {
    kind.__name__: kind for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}
RECIPE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type, partial, np.ufunc, np.dtype, torch.dtype, torch.device,
          property, io.IOBase)  # fmt: skip
RECIPE_OF = ("pygame", "matplotlib", "imageio", "glfw", "logging", "_csv", "_thread", "gymnasium.envs.registration", "gymnasium.envs.mujoco.mujoco_rendering")
CONSTANT = ("mujoco._structs.MjModel",)
AGAIN = (list, dict, set, deque, np.ndarray, np.random.Generator, np.random.RandomState)  # what two attributes may share: written down once


def named(x: Any) -> str:
    """An object's class, by module and name."""
    return f"{type(x).__module__}.{type(x).__qualname__}"


def attributes(x: Any) -> dict[str, Any] | None:
    """All attributes of an object, those in slots too; None where it has none that could be seen."""
    of_classes = [vars(cls).get("__slots__", ()) for cls in type(x).__mro__]
    slots = [name for names in of_classes for name in ([names] if isinstance(names, str) else names)]
    if not hasattr(x, "__dict__") and not slots:
        return None
    return {**getattr(x, "__dict__", {}), **{name: getattr(x, name) for name in slots if name not in ("__dict__", "__weakref__") and hasattr(x, name)}}


def is_recipe(x: Any) -> bool:
    module = type(x).__module__
    return isinstance(x, RECIPE) or named(x) in CONSTANT or any(module == name or module.startswith(f"{name}.") for name in RECIPE_OF)


def parts_of(space: spaces.Space) -> Iterator[spaces.Space]:
    """A space and all that it is made of: each may have drawn."""
    yield space
    inner = getattr(space, "spaces", ())
    for each in inner.values() if isinstance(inner, dict) else inner:
        yield from parts_of(each)


class Taking:
    """Writes objects down; `arrays` are those that the plain data names by their places."""

    def __init__(self, known: tuple[Any, ...] = (), views: bool = False):
        """known: objects that are written down elsewhere, or not at all; whoever names them names them by their places.

        views: may arrays share memory? Only where they are put back into arrays that are there.
        """
        self.views = views
        self.arrays: list[np.ndarray] = []
        self.memories: dict[int, list[np.ndarray]] = {}  # by what owns it: the arrays that lie there
        self.seen: dict[int, int] = {}
        self.alive: list[Any] = []  # an object that is gone leaves its number to another
        for each in known:
            self._number(each)

    def _number(self, x: Any) -> int:
        self.alive.append(x)
        return self.seen.setdefault(id(x), len(self.seen))

    def array(self, x: np.ndarray) -> int:
        self.arrays.append(x)
        return len(self.arrays) - 1

    def of(self, x: Any, where: str = "it") -> Plain:
        if x is None or type(x) in (bool, int, float, str):
            return x
        if id(x) in self.seen:
            return ["again", self.seen[id(x)]]
        if isinstance(x, Enum):
            return ["enum", named(x), x.name]
        if is_recipe(x):
            return ["recipe"]
        if isinstance(x, np.generic) and x.dtype.kind in "biuf":
            return ["number", x.dtype.str, x.item()]
        if type(x) in (tuple, frozenset):
            return [type(x).__name__, [self.of(part, f"{where}[{i}]") for i, part in enumerate(x)]]
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            return ["named", named(x), [self.of(part, f"{where}.{name}") for name, part in zip(x._fields, x, strict=True)]]
        if type(x) is bytes:
            return ["bytes", x.hex()]
        if type(x) is range:
            return ["range", x.start, x.stop, x.step]
        return self._of_one_that_changes(x, where)

    def _of_one_that_changes(self, x: Any, where: str) -> Plain:
        n = self._number(x)
        if type(x) in (list, set):
            return [type(x).__name__, n, [self.of(part, f"{where}[{i}]") for i, part in enumerate(x)]]
        if type(x) is deque:
            return ["deque", n, [self.of(part, f"{where}[{i}]") for i, part in enumerate(x)], x.maxlen]
        if type(x) in (dict, OrderedDict, defaultdict):
            return ["dict", n, [[self.of(key, f"a key of {where}"), self.of(value, f"{where}[{key!r}]")] for key, value in x.items()]]
        if isinstance(x, np.ndarray | np.generic):
            return ["array", n, self.array(self._alone(np.asarray(x), where))]
        if isinstance(x, torch.Tensor) and not isinstance(x, torch.nn.Parameter):
            return ["tensor", n, self.array(x.detach().cpu().numpy().copy())]
        if isinstance(x, np.random.Generator):
            return ["generator", n, type(x.bit_generator).__name__, self.of(x.bit_generator.state, where)]
        if isinstance(x, np.random.RandomState):
            return ["random state", n, self.of(x.get_state(), where)]
        if isinstance(x, random.Random):
            return ["random", n, self.of(x.getstate(), where)]
        if isinstance(x, spaces.Space):
            return ["space", n, [self.of(part._np_random, where) for part in parts_of(x)]]
        if named(x) in SIMULATORS:
            return ["simulator", n, named(x), self.of(SIMULATORS[named(x)][0](x), where)]
        found = attributes(x)
        if found is None or isinstance(x, torch.nn.Module | list | dict | set | BaseException):
            raise Untold(f"{where} is a {named(x)}, whose state cannot be read")
        return ["object", n, named(x), {name: self.of(value, f"{where}.{name}") for name, value in found.items()}]

    def _alone(self, x: np.ndarray, where: str) -> np.ndarray:
        """The array, if it has its memory to itself: two that share one would have two when they are put back."""
        if x.dtype.hasobject:
            raise Untold(f"{where} is an array of Python's objects")
        owner = x
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        self.alive.append(owner)
        others = self.memories.setdefault(id(owner), [])
        if not self.views and any(np.may_share_memory(x, other) for other in others):
            raise Untold(f"{where} is an array that shares its memory with another")
        others.append(x)
        return x


class Putting:
    """Puts back what Taking wrote down."""

    def __init__(self, arrays: list[np.ndarray], known: tuple[Any, ...] = ()):
        self.arrays, self.made = arrays, dict(enumerate(known))

    def into(self, there: Any, data: Plain, where: str = "it") -> Any:
        """What was written down; `there` is what stands in its place today, and objects among it are filled in."""
        if not isinstance(data, list):
            return data
        tag, *rest = data
        return getattr(self, f"_{tag.replace(' ', '_')}")(there, where, *rest)

    def _again(self, there: Any, where: str, n: int) -> Any:
        return self.made[n]

    def _recipe(self, there: Any, where: str) -> Any:
        return there

    def _enum(self, there: Any, where: str, kind: str, name: str) -> Any:
        return type(self._of_kind(there, kind, where))[name]

    def _number(self, there: Any, where: str, dtype: str, value: Any) -> Any:
        return np.dtype(dtype).type(value)

    def _parts(self, there: Any, parts: list, where: str) -> list:
        alike = list(there) if isinstance(there, list | tuple | deque) and len(there) == len(parts) else [None] * len(parts)
        return [self.into(old, part, f"{where}[{i}]") for i, (old, part) in enumerate(zip(alike, parts, strict=True))]

    def _tuple(self, there: Any, where: str, parts: list) -> Any:
        return tuple(self._parts(there, parts, where))

    def _frozenset(self, there: Any, where: str, parts: list) -> Any:
        return frozenset(self._parts(None, parts, where))

    def _named(self, there: Any, where: str, kind: str, parts: list) -> Any:
        return type(self._of_kind(there, kind, where))(*self._parts(there, parts, where))

    def _bytes(self, there: Any, where: str, digits: str) -> Any:
        return bytes.fromhex(digits)

    def _range(self, there: Any, where: str, *ends: int) -> Any:
        return range(*ends)

    def _list(self, there: Any, where: str, n: int, parts: list) -> Any:
        made: list = []
        self.made[n] = made
        made.extend(self._parts(there, parts, where))
        return made

    def _set(self, there: Any, where: str, n: int, parts: list) -> Any:
        made: set = set(self._parts(None, parts, where))
        self.made[n] = made
        return made

    def _deque(self, there: Any, where: str, n: int, parts: list, maxlen: int | None) -> Any:
        made: deque = deque(maxlen=maxlen)
        self.made[n] = made
        made.extend(self._parts(there, parts, where))
        return made

    def _dict(self, there: Any, where: str, n: int, items: list) -> Any:
        old = dict(there) if isinstance(there, dict) else {}
        made: dict = there if isinstance(there, OrderedDict | defaultdict) else {}
        self.made[n] = made
        made.clear()
        for key, value in items:
            key = self.into(None, key, where)
            made[key] = self.into(old.get(key), value, f"{where}[{key!r}]")
        return made

    def _array(self, there: Any, where: str, n: int, i: int) -> Any:
        self.made[n] = made = self.arrays[i].copy()
        return made

    def _tensor(self, there: Any, where: str, n: int, i: int) -> Any:
        self.made[n] = made = torch.from_numpy(self.arrays[i].copy())
        return made

    def _generator(self, there: Any, where: str, n: int, kind: str, state: Plain) -> Any:
        bits = GENERATORS[kind](0)
        bits.state = self.into(None, state, where)
        self.made[n] = made = np.random.Generator(bits)
        return made

    def _random_state(self, there: Any, where: str, n: int, state: Plain) -> Any:
        self.made[n] = made = there if isinstance(there, np.random.RandomState) else np.random.RandomState()
        made.set_state(self.into(None, state, where))
        return made

    def _random(self, there: Any, where: str, n: int, state: Plain) -> Any:
        self.made[n] = made = there if isinstance(there, random.Random) else random.Random()
        made.setstate(self.into(None, state, where))
        return made

    def _space(self, there: Any, where: str, n: int, drawn: list) -> Any:
        self.made[n] = there
        for part, state in zip(parts_of(there), drawn, strict=True):
            part._np_random = self.into(None, state, where)
        return there

    def _simulator(self, there: Any, where: str, n: int, kind: str, state: Plain) -> Any:
        self.made[n] = self._of_kind(there, kind, where)
        SIMULATORS[kind][1](there, self.into(None, state, where))
        return there

    def _object(self, there: Any, where: str, n: int, kind: str, found: dict[str, Plain]) -> Any:
        self.made[n] = self._of_kind(there, kind, where)
        for name, data in found.items():
            value = self.into(getattr(there, name, None), data, f"{where}.{name}")
            if value is not getattr(there, name, _NOTHING):
                object.__setattr__(there, name, value)
        return there

    @staticmethod
    def _of_kind(there: Any, kind: str, where: str) -> Any:
        if named(there) != kind:
            raise Untold(f"{where} was a {kind}, and is a {named(there)} here")
        return there


_NOTHING = object()


class Album:
    """Several of them, whose arrays lie in one list: each is [plain data, the places of its arrays]."""

    def __init__(self, arrays: list[np.ndarray] | None = None):
        self.arrays: list[np.ndarray] = [] if arrays is None else arrays

    def keep(self, data: Plain, arrays: list[np.ndarray]) -> Plain:
        self.arrays += arrays
        return [data, list(range(len(self.arrays) - len(arrays), len(self.arrays)))]

    def take(self, x: Any, where: str = "it") -> Plain:
        """What may share memory is put into arrays that are there, or is put back apart."""
        taking = Taking(views=True)
        return self.keep(taking.of(x, where), taking.arrays)

    def find(self, kept: Plain) -> tuple[Plain, list[np.ndarray]]:
        return kept[0], [self.arrays[i] for i in kept[1]]

    def put(self, there: Any, kept: Plain, where: str = "it") -> Any:
        data, arrays = self.find(kept)
        return Putting(arrays).into(there, data, where)

    def forget(self, kept: Plain) -> None:
        """Nobody needs its arrays any more."""
        for i in kept[1]:
            self.arrays[i] = np.empty(0)
