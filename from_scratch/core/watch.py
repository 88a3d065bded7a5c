"""What a user may do to a model that was built, and how it is noticed.

A fast path computes with a network's parameters and never asks the network. That is right as long as the network does what its class
does. `altered` looks for everything that speaks against it: a method or a layer replaced, a hook, a patched class. `Watch` then says
within a few microseconds whether anything has changed since, so that it can be asked after every call of a user's code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dis import get_instructions
from functools import cache
from itertools import chain
from operator import attrgetter, call, is_, itemgetter
from types import ModuleType
from typing import Any

import torch
from stable_baselines3.common import buffers, callbacks, distributions, policies, torch_layers
from stable_baselines3.dqn import policies as dqn_policies
from stable_baselines3.sac import policies as sac_policies
from stable_baselines3.td3 import policies as td3_policies
from torch import nn
from torch.nn.modules.module import _has_any_global_hook
from torch.utils.hooks import RemovableHandle

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
OURS = ("stable_baselines3.", "sb3_contrib.", "from_scratch.")


# ------------------------------------------------------------------------------------------------------------- classes and methods
def _functions(kind: type) -> dict[str, Any]:
    """What a class itself defines that does something."""
    return {name: value for name, value in vars(kind).items() if callable(value) or isinstance(value, property | staticmethod | classmethod)}


_AS_IMPORTED: dict[type, dict[str, Any]] = {}
_SIZES: dict[type, int] = {}  # how many names each had then
_PATCHED_BEFORE: dict[type, str] = {}  # somebody was faster than our import


def imitate(*modules: ModuleType | type) -> None:
    """Watch these classes, and those of these modules, from now on: the fast paths do their work in their place."""
    for module in modules:
        classes = [module] if isinstance(module, type) else [x for x in vars(module).values() if isinstance(x, type) and x.__module__ == module.__name__]
        for kind in classes:
            _AS_IMPORTED[kind], _SIZES[kind] = _functions(kind), len(vars(kind))
            for name, function in _AS_IMPORTED[kind].items():
                if not getattr(function, "__module__", kind.__module__).startswith((kind.__module__.split(".")[0], "abc", "typing")):
                    _PATCHED_BEFORE[kind] = name


imitate(policies, torch_layers, distributions, buffers, dqn_policies, td3_policies, sac_policies)
imitate(nn.Linear, nn.ReLU, nn.Tanh, nn.Sequential, nn.Flatten)


def patched(kind: type) -> str | None:
    """A method that somebody put into one of SB3's or torch's classes, or into one that this class inherits from; None if there is none."""
    for parent in kind.__mro__:
        if parent in _PATCHED_BEFORE:
            return f"{parent.__name__}.{_PATCHED_BEFORE[parent]}"
        now, known = vars(parent), _AS_IMPORTED.get(parent, {})
        for name, function in known.items():
            if now.get(name) is not function:
                return f"{parent.__name__}.{name}"
        if parent in _SIZES and len(now) != _SIZES[parent]:  # where a method was only inherited before
            for name in _functions(parent).keys() - known.keys():
                return f"{parent.__name__}.{name}"
    return None


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(dir(kind))


def replaced(instance: Any) -> str | None:
    """A method that was replaced on this one object, or in its class; None if there is none."""
    kind = type(instance)
    for name in vars(instance).keys() & _names(kind):
        if callable(getattr(kind, name)) or callable(vars(instance)[name]):
            return f"{kind.__name__}.{name}"
    return patched(kind)


# ------------------------------------------------------------------------------------------------------------------------- modules
def altered(root: nn.Module) -> str | None:
    """Why a module, or one inside, may do more than its class says, in words; None if it does not."""
    if _has_any_global_hook():
        return "hooks on all modules"
    for name, module in root.named_modules():
        method = replaced(module)
        if method is not None:
            return f"{method} was replaced"
        if any(getattr(module, hooks, None) for hooks in HOOKS):
            return f"hooks on {name or type(root).__name__}"
        if type(module) is nn.Linear and module._parameters.keys() != {"weight", "bias"}:
            return f"{name} computes its weights"
    return next((f"hooks on {name}" for name, p in root.named_parameters() if p._backward_hooks or getattr(p, "_post_accumulate_grad_hooks", None)), None)


def untrainable(root: nn.Module, optimizer: torch.optim.Optimizer, skip: str | None = None) -> str | None:
    """Why the parameters cannot all be moved together by one optimiser, in words; None if they can. `skip` as for Rows."""
    named = [(name, p) for name, p in root.named_parameters(remove_duplicate=False) if skip is None or skip not in name]
    known = {id(p) for group in optimizer.param_groups for p in group["params"]}
    first = named[0][1]
    for name, p in named:
        if not p.requires_grad:
            return f"{name} is frozen"
        if id(p) not in known:
            return f"the optimizer does not have {name}"
        if p.dtype != first.dtype or p.device != first.device:
            return f"{name} is {p.dtype} on {p.device}"
    return None


def shared(roots: Iterable[nn.Module], skip: str | None = None) -> str | None:
    """Two parameters in the same memory, or one in two networks, in words; None if there are none. `skip` as for Rows."""
    seen: dict[int, tuple[nn.Module, nn.Parameter, str]] = {}
    for root in dict.fromkeys(roots):
        for name, p in root.named_parameters():
            if (skip is None or skip not in name) and p.numel():
                owner, other, other_name = seen.setdefault(p.data_ptr(), (root, p, name))
                if owner is not root or other is not p:
                    return f"{name} and {other_name} share their memory"
    return None


def tied(root: nn.Module) -> bool:
    """Has a parameter two names?"""
    return len(list(root.named_parameters(remove_duplicate=False))) > len(list(root.parameters()))


_requires_grad = attrgetter("requires_grad")
_where = torch.Tensor.data_ptr


class Watch:
    """How modules, their parameters and some other attributes were at one moment.

    `attributes` are (object, names) pairs whose values are to stay the very same; `objects` are to keep their own methods. Which parameters
    require a gradient matters of the `trained` modules alone. Modules with ids in `without` are left to another watch.
    """

    def __init__(
        self, modules: Sequence[nn.Module], attributes: Sequence[tuple[Any, Sequence[str]]] = (), objects: Sequence[Any] = (),
        trained: Sequence[nn.Module] = (), without: Collection[int] = (),
    ):  # fmt: skip
        inside = list(dict.fromkeys(m for root in modules for m in root.modules() if id(m) not in without))
        hooks = [getattr(m, name) for m in inside for name in HOOKS if getattr(m, name, None)]  # only those that are there can go
        self._inside, self._types = inside, list(map(type, inside))
        self._sized: list[Any] = [*map(vars, inside), *map(vars, objects), *hooks]  # a method replaced is an attribute more
        self._children = [m._modules for m in inside if m._modules]
        self._tables = [m._parameters for m in inside if m._parameters and None not in m._parameters.values()]
        self._others = [m._parameters for m in inside if None in m._parameters.values()]
        self._trained = list(dict.fromkeys(p for root in trained for p in root.parameters()))
        named = [(owner, names) for owner, names in attributes if names]
        self._getters, self._owners = [itemgetter(names[0], *names) for _, names in named], [vars(owner) for owner, _ in named]  # two names at least: a tuple
        self._trained_tables = [m._parameters for m in dict.fromkeys(m for root in trained for m in root.modules()) if m._parameters]

        self._hooks_ever, self._hooks_here = RemovableHandle.next_id, self._count_hooks()
        self._sizes = list(map(len, self._sized))
        self._modules = list(chain.from_iterable(map(dict.values, self._children)))
        self._addresses = list(map(_where, chain.from_iterable(map(dict.values, self._tables))))
        self._requires = list(map(_requires_grad, self._trained))
        self._values = list(map(call, self._getters, self._owners))
        self._to_train = list(chain.from_iterable(map(dict.values, self._trained_tables)))
        self._rest = self._present()

    def _present(self) -> list[Any]:
        return [p if p is None else (id(p), p.data_ptr()) for table in self._others for p in table.values()]

    def holds(self) -> bool:
        """Is all as it was, apart from what only training depends on? It is written for speed: it runs after every step."""
        try:
            return (
                (RemovableHandle.next_id == self._hooks_ever or self._no_hook_is_new())
                and list(map(len, self._sized)) == self._sizes
                and list(chain.from_iterable(map(dict.values, self._children))) == self._modules
                and list(map(_where, chain.from_iterable(map(dict.values, self._tables)))) == self._addresses
                and list(map(call, self._getters, self._owners)) == self._values  # the same objects are equal without being asked
                and (not self._others or self._present() == self._rest)
            )
        except (KeyError, TypeError, ValueError, RuntimeError):  # an attribute is gone, a parameter None or without memory, an array another
            return False

    def is_whole(self) -> bool:
        """Is everything as it was?"""
        return (
            self.holds()
            and all(map(is_, chain.from_iterable(map(call, self._getters, self._owners)), chain.from_iterable(self._values)))
            and all(map(is_, chain.from_iterable(map(dict.values, self._trained_tables)), self._to_train))
            and list(map(_requires_grad, self._trained)) == self._requires
            and list(map(type, self._inside)) == self._types
        )

    def _count_hooks(self) -> int:
        of_modules = sum(len(getattr(m, name, ())) for m in self._inside for name in HOOKS)
        parameters = [p for m in self._inside for p in m._parameters.values() if p is not None]
        of_parameters = sum(len(p._backward_hooks or ()) + len(getattr(p, "_post_accumulate_grad_hooks", None) or ()) for p in parameters)
        return of_modules + of_parameters + bool(_has_any_global_hook())

    def _no_hook_is_new(self) -> bool:
        """Somebody registered a hook; not here?"""
        if self._count_hooks() != self._hooks_here:
            return False
        self._hooks_ever = RemovableHandle.next_id
        return True


# ------------------------------------------------------------------------------------------------------------------------- callbacks
EVENTS = ("_on_training_start", "_on_rollout_start", "_on_step", "_on_rollout_end", "on_training_start", "on_rollout_start", "on_step", "on_rollout_end")
IDLE = ("RESUME", "NOP", "CACHE", "EXTENDED_ARG", "LOAD_", "STORE_FAST", "RETURN_", "POP_", "JUMP_", "COMPARE_", "IS_OP", "CONTAINS_", "UNARY_", "TO_BOOL")


@cache
def _is_idle(function: Any) -> bool:
    """Does a function only read and compare? Whatever alters a model calls something, or stores into something."""
    code = getattr(function, "__code__", None)
    return code is not None and all(instruction.opname.startswith(IDLE) for instruction in get_instructions(code))


def _does_something(callback: Any, events: Sequence[str]) -> bool:
    """Has the callback's class, a user's, code for one of these events that does more than look?"""
    base, kind = callbacks.BaseCallback, type(callback)
    ours = [getattr(base, event, None) for event in events]
    theirs = [getattr(kind, event, None) for event in events]
    return replaced(callback) is not None or any(mine is not their and not _is_idle(their) for mine, their in zip(ours, theirs, strict=True))


def has_own_code(callback: Any) -> bool:
    """May this callback do what we cannot foresee? SB3's own, and ours, leave the model alone, as does one that does nothing or promises it.

    The promise is `needs_no_values = True`, as for `callbacks.is_users`: it neither looks at a step nor changes the model.
    """
    if callback is None or getattr(callback, "needs_no_values", False):
        return False
    if isinstance(callback, callbacks.CallbackList):
        return any(map(has_own_code, callback.callbacks))
    if isinstance(callback, callbacks.ConvertCallback):
        return callback.callback is not None
    if not type(callback).__module__.startswith(OURS) and _does_something(callback, (*EVENTS, "update_locals", "update_child_locals")):
        return True
    if replaced(callback) is not None:
        return True
    inner = (getattr(callback, name, None) for name in ("callback", "callback_on_new_best"))
    return any(has_own_code(each) for each in inner if isinstance(each, callbacks.BaseCallback))


def has_own_rollout_code(callback: Any) -> bool:
    """Does such a callback do something at the beginning or the end of a rollout?"""
    if isinstance(callback, callbacks.CallbackList):
        return any(map(has_own_rollout_code, callback.callbacks))
    if not has_own_code(callback):
        return False
    return _does_something(callback, [event for event in EVENTS if "rollout" in event])
