"""Files of models and memories, read without running what they say.

A pickle is a program for a small machine. Three of its orders give it power: look up any name (GLOBAL), call what was found (REDUCE), and fill an
object as the object pleases (BUILD). `Reader` is that machine with less to give:

    names    only those below: classes of Stable-Baselines3, SB3-Contrib, from_scratch, Gymnasium's spaces, torch's modules and optimizers, numbers of NumPy
    calls    only the functions of CALLS, most of which stand here in place of the library's and check what they are given
    objects  made without their constructors, and only of the kinds that hold data (`_is_data`); containers are filled only if they are Python's own

A policy's class, an activation or an optimizer may thus be named, but not called, and a function cannot be in a file at all: cloudpickle writes it as code.
Arrays and dtypes are checked because NumPy believes what a pickle says of them: an array of objects that calls itself one of numbers is made of pointers.
What is not read is refused in one line that says where it stands, what it wanted, and the way out. docs/loading.md is for users.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import json
import math
import pathlib
import pickle
import re
import zipfile
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.save_util import open_path
from stable_baselines3.common.type_aliases import TrainFreq
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from torch import nn

from from_scratch.core.addresses import PUBLIC

PACKAGES = ("stable_baselines3", "sb3_contrib", "from_scratch")
NOT_IMPORTED = ("from_scratch.zoo",)  # importing it changes the RL Zoo
NOT_READ = ("about_this_file", "lr_schedule", "log_ent_coef", "ent_coef_optimizer")  # `load` makes these anew, or leaves them out
PLAIN = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object)
HOLDS_DATA = (TrainFreq, FloatSchedule, ConstantSchedule, LinearSchedule, RunningMeanStd, VecNormalize)
BIT_GENERATORS = (np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64)  # of those without a position in an array
SeedSequence = np.random.SeedSequence


class UnsafeFileError(ValueError):
    """A file wants what reading it does not give, because that could run code of whoever wrote it."""


class _Wants(Exception):
    """The name, or the thing, that a pickle wants and does not get."""


# ------------------------------------------------------------------------------------------------------------------------------------- names
def _named(module: str, name: str) -> Any:
    """The class that a file may name so; _Wants for any other."""
    if (module, name) in CALLS:
        return CALLS[module, name]
    wants = _Wants(WHAT_IT_IS.get((module, name), f"{module}.{name}"))
    if "." in name or name.startswith("_"):  # an attribute of a class is a function
        raise wants
    if module == "builtins":
        found = next((kind for kind in PLAIN if kind.__name__ == name), None)
    elif module == "numpy":
        found = getattr(np, name, None)
        found = found if found is np.ndarray or (isinstance(found, type) and issubclass(found, np.generic)) else None
    elif module.startswith("numpy.random."):
        found = next((kind for kind in (*BIT_GENERATORS, SeedSequence) if (kind.__module__, kind.__name__) == (module, name)), None)
    elif _within(module, "gymnasium.spaces"):
        found = _class_in(module, name, (spaces.Space,))
    elif _within(module, "torch.nn.modules"):
        found = _class_in(module, name, (nn.Module,))
    elif _within(module, "torch.optim"):
        found = _class_in(module, name, (torch.optim.Optimizer,))
    elif _within(module, *PACKAGES) and module not in NOT_IMPORTED:
        importlib.import_module(PUBLIC)  # which knows the addresses of the past
        found = _class_in(module, name, (nn.Module, torch.optim.Optimizer, BaseBuffer, ActionNoise, Enum, *HOLDS_DATA))
    else:
        found = None
    if found is None:
        raise wants
    return found


def _within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _class_in(module: str, name: str, kinds: tuple[type, ...]) -> type | None:
    """A class of these kinds that this package defines itself; its modules do nothing when they are imported but define."""
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    at_home = isinstance(found, type) and _within(found.__module__, module.partition(".")[0])
    return found if at_home and (issubclass(found, kinds) or found.__module__ == PUBLIC) else None


def _is_data(cls: type) -> bool:
    """May a pickle make objects of this class, without its constructor? Those of networks and optimizers come from torch's own part of a file."""
    return issubclass(cls, (spaces.Space, BaseBuffer, ActionNoise, *HOLDS_DATA)) or (cls.__module__ == PUBLIC and not issubclass(cls, nn.Module))


WHAT_IT_IS = {  # what cloudpickle's helpers are for
    ("cloudpickle.cloudpickle", "_make_function"): "a function, which cloudpickle stores as code",
    ("cloudpickle.cloudpickle", "_builtin_type"): "a function, which cloudpickle stores as code",
    ("cloudpickle.cloudpickle", "_make_skeleton_class"): "a class of a script, which cloudpickle stores as code",
    ("cloudpickle.cloudpickle", "subimport"): "a module",
}


# ------------------------------------------------------------------------------------------------------------------------------------- calls
def _dtype(code: Any, align: bool = False, copy: bool = True) -> np.dtype:
    """A dtype of numbers, text or objects, or one whose fields come with its state."""
    if not (isinstance(code, str) and re.fullmatch(r"[<>|=]?[?bBiufcSUOV]\d{0,6}", code)):
        raise _Wants(f"the dtype {code!r:.60}")
    return np.dtype(code, False, True)  # a copy: what comes with its state must not reach NumPy's own


def _array(buffer: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    _demand(type(buffer) in (bytes, bytearray) and isinstance(dtype, np.dtype) and not dtype.hasobject, "an array of what is no number")
    array = np.frombuffer(buffer, dtype)
    return array.reshape(shape, order="C").transpose(axes) if order == "K" and axes is not None else array.reshape(shape, order=order)


def _empty_array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    _demand(cls is np.ndarray and shape == (0,), "an array of another class")
    return np.empty(0, np.int8)


def _scalar(dtype: Any, number: Any) -> Any:
    plain = isinstance(dtype, np.dtype) and not dtype.hasobject and type(number) is bytes and len(number) == dtype.itemsize
    _demand(plain, "a number that is none")
    return np.frombuffer(number, dtype)[0] if number else dtype.type()


def _bit_generator(kind: Any) -> Any:
    """kind: the class; its name in older files."""
    found = next((cls for cls in BIT_GENERATORS if kind is cls or kind == cls.__name__), None)
    if found is None:
        raise _Wants(f"the bit generator {getattr(kind, '__name__', kind)!r:.60}")
    return found(0)  # what it draws from is set next


def _generator(bits: Any, constructor: Any = None) -> np.random.Generator:
    return np.random.Generator(bits if isinstance(bits, BIT_GENERATORS) else _bit_generator(bits))


def _seeds(cls: Any, checksum: Any, state: Any) -> np.random.SeedSequence:
    made = SeedSequence(0)
    if state is not None:
        _fill_seeds(made, state)
    return made


def _storage(data: Any) -> Any:
    """torch's own does the same with weights_only=False."""
    _demand(type(data) is bytes, "a tensor without numbers")
    storage = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    _demand(isinstance(storage, torch.TypedStorage | torch.UntypedStorage), "a tensor without numbers")
    return storage


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None) -> torch.Tensor:
    _demand(isinstance(storage, torch.TypedStorage) and not hooks and not metadata, "a tensor with hooks")
    numbers = all(type(n) is int and n >= 0 for n in (offset, *size, *stride)) and len(size) == len(stride)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if numbers and all(size) else -1
    _demand(numbers and last < storage._size(), "a tensor beyond its memory")
    return torch._utils._rebuild_tensor_v2(storage, offset, size, stride, bool(requires_grad), OrderedDict())


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> nn.Parameter:
    _demand(isinstance(data, torch.Tensor) and not hooks, "a parameter with hooks")
    return nn.Parameter(data, bool(requires_grad))


def _demand(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise _Wants(otherwise)


CALLS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("_core", "core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("_core", "core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array for core in ("_core", "core")},
    ("numpy.random._pickle", "__bit_generator_ctor"): _bit_generator,
    ("numpy.random._pickle", "__generator_ctor"): _generator,
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): _seeds,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "device"): torch.device,
    ("torch", "Size"): torch.Size,
    **{(kind.__module__, kind.__name__): kind for kind in (OrderedDict, defaultdict, deque, bytearray, slice, range)},
}
CALLED = {id(function) for function in (*CALLS.values(), complex, set, frozenset)}


# ----------------------------------------------------------------------------------------------------------------------------------- objects
def _fill_array(array: np.ndarray, state: Any) -> None:
    _, shape, dtype, fortran, content = state
    _demand(isinstance(dtype, np.dtype) and type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape), "an array without a shape")
    n = math.prod(shape)
    whole = type(content) is list and len(content) == n if dtype.hasobject else type(content) is bytes and len(content) == n * dtype.itemsize
    _demand(whole, "an array whose content is not what it says")
    array.__setstate__((1, shape, dtype, bool(fortran), content))


def _fill_dtype(dtype: np.dtype, state: Any) -> None:
    """The order of bytes, or the fields; everything else follows from the code, whatever the state says."""
    _, order, subdtype, names, fields, *_ = state
    _demand(order in ("<", ">", "|", "=") and subdtype is None and (names is None or dtype.kind == "V"), "a dtype of dtypes")
    if names:
        formats, offsets = zip(*(fields[name] for name in names), strict=True)
        _demand(not any(of_field.hasobject for of_field in formats), "a dtype with fields of objects")
        whole = np.dtype({"names": list(names), "formats": list(formats), "offsets": list(offsets), "itemsize": dtype.itemsize})
    own: Any = (whole if names else dtype).__reduce__()[2]
    dtype.__setstate__((own[0], order, *own[2:]))  # type: ignore[attr-defined]


def _fill_bits(bits: Any, state: Any) -> None:
    numbers, seeds = state if type(state) is tuple else (state, None)
    _demand(type(numbers) is dict and (seeds is None or isinstance(seeds, SeedSequence)), "a bit generator without a state")
    bits.__setstate__((numbers, seeds) if seeds is not None else numbers)


def _fill_seeds(seeds: Any, state: Any) -> None:
    entropy, n_children, pool, pool_size, spawn_key = state
    _demand(isinstance(pool, np.ndarray) and pool.dtype == np.uint32 and pool.shape == (pool_size,), "a seed sequence without a pool")
    seeds.__setstate__((entropy, n_children, pool, pool_size, spawn_key))


InPython: Any = pickle._Unpickler  # because the one in C cannot be told what not to call


class Reader(InPython):
    """Unpickles data, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        return _named(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise _Wants("something outside of the file")

    def _reduce(self) -> None:
        args, function = self.stack.pop(), self.stack[-1]
        if id(function) not in CALLED and not (isinstance(function, type) and issubclass(function, Enum)):
            raise _Wants(f"a call of {_name(function)}")
        self.stack[-1] = function(*args)

    def _new(self) -> None:
        args, cls = self.stack.pop(), self.stack[-1]
        if not (isinstance(cls, type) and _is_data(cls)):
            raise _Wants(f"an object of {_name(cls)}")
        self.stack[-1] = cls.__new__(cls, *(args if issubclass(cls, tuple) else ()))

    def _build(self) -> None:
        state, x = self.stack.pop(), self.stack[-1]
        for kind, fill in FILLS.items():
            if isinstance(x, kind):
                fill(x, state)
                return
        if not _is_data(type(x)) or type(state) is not dict or not all(type(name) is str for name in state):
            raise _Wants(f"a state for {_name(type(x))}")
        filled_by = getattr(type(x), "__setstate__", None)
        if filled_by is not None:
            filled_by(x, state)
        else:
            x.__dict__.update(state)

    def _append(self, items: list[Any]) -> None:
        if type(self.stack[-1]) not in (list, deque):
            raise _Wants(f"items in {_name(type(self.stack[-1]))}")
        self.stack[-1].extend(items)

    def _set_items(self, items: list[Any]) -> None:
        if type(self.stack[-1]) not in (dict, OrderedDict, defaultdict):
            raise _Wants(f"items in {_name(type(self.stack[-1]))}")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _add_items(self) -> None:
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise _Wants(f"items in {_name(type(self.stack[-1]))}")
        self.stack[-1].update(items)

    def _refuse(self) -> None:
        raise _Wants("an order of pickles that no file of models has")

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    dispatch = {
        **InPython.dispatch,
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _new,
        pickle.BUILD[0]: _build,
        pickle.APPEND[0]: lambda self: self._append([self.stack.pop()]),
        pickle.APPENDS[0]: lambda self: self._append(self.pop_mark()),
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: lambda self: self._set_items(self.pop_mark()),
        pickle.ADDITEMS[0]: _add_items,
        **dict.fromkeys((code[0] for code in (pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4)), _refuse),
    }


FILLS: dict[Any, Callable[[Any, Any], None]] = {np.ndarray: _fill_array, np.dtype: _fill_dtype, BIT_GENERATORS: _fill_bits, SeedSequence: _fill_seeds}


def _name(x: Any) -> str:
    return f"{x.__module__}.{x.__qualname__}" if isinstance(x, type) else type(x).__name__


# ------------------------------------------------------------------------------------------------------------------------------------- files
def unpickle(file: Any, whose: str, way_out: str = "") -> Any:
    """The object in an open file, made of data alone. UnsafeFileError names `whose` it is and, beside trust=True, another way out."""
    try:
        return Reader(file).load()
    except _Wants as error:
        raise UnsafeFileError(
            f"{whose} wants {error}: files are loaded as data, because more could run code of whoever wrote them. "
            f"If you trust who did: trust=True{way_out} (docs/loading.md)."
        ) from None
    except Exception as error:
        said = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(f"{whose} cannot be read ({type(error).__name__}: {said}){way_out and ' as it is' + way_out}.") from None


def load_pickle(path: Any, trust: bool = False, suffix: str = "pkl", verbose: int = 0) -> Any:
    """The object in a pickle's file, a replay memory or a normaliser, made of data alone unless its author is trusted.

    path is a path, to which the suffix may be missing, or an open file.
    """
    file: Any = open_path(path, "r", verbose=verbose, suffix=suffix)
    try:
        return pickle.load(file) if trust else unpickle(file, _shown(path))
    finally:
        if isinstance(path, str | pathlib.Path):
            file.close()


def load_vec_normalize(path: Any, venv: VecEnv, trust: bool = False) -> VecNormalize:
    """SB3's `VecNormalize.load`, without running what the file says unless its author is trusted."""
    found = load_pickle(path, trust)
    if not isinstance(found, VecNormalize):
        raise ValueError(f"{_shown(path)} holds a {type(found).__name__}, not a VecNormalize.")
    found.set_venv(venv)
    return found


def content_of(path: Any) -> io.BytesIO:
    """A model's whole file, read once: what is looked through is what is loaded."""
    file: Any = open_path(path, "r", verbose=0, suffix="zip")
    if not isinstance(path, str | pathlib.Path):
        file.seek(0)
        return io.BytesIO(file.read())
    with file:
        return io.BytesIO(file.read())


def objects_in(content: io.BytesIO, path: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What a model's zip has pickled in its JSON text, by name, made of data alone; instead of it, what is given. SB3 takes them as custom_objects.

    UnsafeFileError names the member and what it wants.
    """
    try:
        with zipfile.ZipFile(content) as archive:
            members = json.loads(archive.read("data")) if "data" in archive.namelist() else {}
    except zipfile.BadZipFile:
        raise ValueError(f"Error: the file {path} wasn't a zip-file") from None
    found = dict(given)
    for name, value in members.items():
        if name == "env" and name not in given and isinstance(value, str):
            raise UnsafeFileError(f"{_shown(path)}: env in its member data names an environment, which SB3 would make: give one, load(…, env=…).")
        if name in given or not (isinstance(value, dict) and ":serialized:" in value):
            continue
        if name in NOT_READ:
            found[name] = None
            continue
        pickled = base64.b64decode(value[":serialized:"].encode())
        found[name] = unpickle(io.BytesIO(pickled), f"{_shown(path)}: {name} in its member data", f", or give it: custom_objects={{{name!r}: …}}")
    return found


@contextlib.contextmanager
def tensors_only(content: Any) -> Iterator[None]:
    """Around SB3's loading of weights: where torch refuses a member that is more than tensors, the error is one line and names it."""
    try:
        yield
    except pickle.UnpicklingError:
        raise UnsafeFileError(_no_tensors(content)) from None


def _no_tensors(path: Any) -> str:
    content = content_of(path)
    with zipfile.ZipFile(content) as archive:
        for name in archive.namelist():
            if name.endswith(".pth"):
                try:
                    torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
                except pickle.UnpicklingError as error:
                    wanted = re.search(r"GLOBAL (\S+)", str(error))
                    wants = f"wants {wanted[1]}, and " if wanted else "holds more than tensors, and "
                    return f"{_shown(path)}: its member {name} {wants}torch reads tensors alone (weights_only=True), whoever wrote them (docs/loading.md)."
    return f"{_shown(path)}: torch does not read its weights (docs/loading.md)."


def _shown(path: Any) -> str:
    return str(path) if isinstance(path, str | pathlib.Path) else "The file"
