"""What a user's equation does beside computing, read off its bytecode: a program of it would do that once, where it is made, and never again."""

from __future__ import annotations

import dis
import warnings
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

SHOWS = {"print", "breakpoint", "pdb", "ipdb", "logging"}  # names, of functions and modules
KEEPS = {"append", "extend", "record", "debug", "info", "warning"}  # methods, of what is no variable of the equation's own
OURS = ("from_scratch.", "stable_baselines3.", "torch.")


def effect_of(equation: Callable) -> str | None:
    """What an equation, or what it calls of its author's, shows, stores or counts, in words ("calls print"); None for nothing, and for classes of this library.

    Looked at are the methods of the equation's name in all classes of its model, and the methods and functions of theirs that these name.
    """
    model, name = getattr(equation, "__self__", None), getattr(equation, "__name__", "")
    found = [vars(cls)[name] for cls in type(model).__mro__ if name in vars(cls)] if model is not None else [equation]
    to_do = [function for function in found if _is_users(function)]
    done: set[CodeType] = set()
    while to_do:
        function = to_do.pop()
        if function.__code__ in done:
            continue
        done.add(function.__code__)
        for code in _codes(function.__code__):
            effect = _effect(code)
            if effect is not None:
                return effect
            near = [function.__globals__.get(name) for name in code.co_names] + [getattr(type(model), name, None) for name in code.co_names]
            to_do += [other for other in near if _is_users(other) and other.__module__ == function.__module__]
    return None


def tell_of_effects(equation: Callable) -> None:
    """Warn, at the equation's own line, if a program of it would swallow what it does."""
    effect = effect_of(equation)
    if effect is not None:
        function: Any = getattr(equation, "__func__", equation)
        line = (f"{function.__qualname__} {effect}: only its first evaluation does, since a program of what it computes is repeated from then on. "
                "Train within from_scratch.eager(), or with FROM_SCRATCH_EAGER=1, to have it run at every update (docs/lockstep.md).")  # fmt: skip
        at = function.__globals__
        warnings.warn_explicit(
            line, UserWarning, function.__code__.co_filename, function.__code__.co_firstlineno, function.__module__, at.setdefault("__warningregistry__", {})
        )


def _is_users(function: Any) -> bool:
    return isinstance(function, FunctionType) and not f"{function.__module__}.".startswith(OURS)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of what is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _effect(code: CodeType) -> str | None:
    steps = list(dis.get_instructions(code))
    for i, step in enumerate(steps):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "IMPORT_NAME") and step.argval in SHOWS:
            return f"calls {step.argval}"
        if step.opname == "STORE_ATTR":
            return f"sets {step.argval}"
        if step.opname == "STORE_GLOBAL" or (step.opname == "STORE_DEREF" and step.argval in code.co_freevars):
            return f"sets {step.argval}, which is not its own"
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in KEEPS and i and steps[i - 1].opname in ("LOAD_ATTR", "LOAD_GLOBAL", "LOAD_DEREF"):
            return f"calls {steps[i - 1].argval}.{step.argval}"
    return None
