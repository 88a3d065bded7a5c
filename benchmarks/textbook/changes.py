"""What a reader changes of a figure: the number of runs, and hyper-parameters of its algorithms (`sb3-course figure 6.5 --set alpha=0.2 --runs 100`).

Figures load their algorithms from here. While `made` is entered, what is loaded takes the changed settings instead of the figure's own.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks import UserError
from from_scratch import registry

LABEL = "changed settings: not judged"


@dataclass(frozen=True)
class Changes:
    settings: Mapping[str, Any] = field(default_factory=dict)
    runs: int | None = None

    def __bool__(self) -> bool:
        return bool(self.settings) or self.runs is not None

    def __str__(self) -> str:
        """"alpha=0.2, 100 runs"."""
        return ", ".join([*(f"{name}={value}" for name, value in self.settings.items()), *([f"{self.runs} runs"] if self.runs else [])])


def parse(pairs: Sequence[str], runs: int | None) -> Changes:
    """`["alpha=0.2"]` and a number of runs. UserError for what is no pair, no Python literal, or no number of runs."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.isidentifier():
            raise UserError(f"--set {pair}: write name=value, as in alpha=0.2")
        try:
            settings[name] = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            raise UserError(f"--set {pair}: {text!r} is no number, text in quotes, True, False or None") from None
    if runs is not None and runs < 2:
        raise UserError(f"--runs {runs}: at least 2 are needed, so that there is a spread")
    return Changes(settings, runs)


_present: Changes | None = None
_taken: set[str] = set()  # settings that some algorithm took


@contextmanager
def made(changes: Changes) -> Iterator[None]:
    """Algorithms that are loaded within take these settings. UserError at its end for one that none of them has."""
    global _present
    _present = changes
    _taken.clear()
    try:
        yield
        unknown = [name for name in changes.settings if name not in _taken]
        if unknown:
            raise UserError(f"--set {unknown[0]}: no algorithm of this figure has it")
    finally:
        _present = None


def load(id: str) -> Any:
    """The algorithm's class, or what makes its models with changed settings."""
    cls: Any = registry.load(id)
    if _present is None or not _present.settings:
        return cls
    from from_scratch.core.hyperparameters import other_names

    settings: dict[str, Any] = {}
    for name, value in _present.settings.items():
        names = [name] if name in cls.hyperparameters else other_names(name, cls.hyperparameters)
        settings |= dict.fromkeys(names, value)
        if names:
            _taken.add(name)

    @functools.wraps(cls, updated=())
    def make(*args: Any, **kwargs: Any) -> Any:
        return cls(*args, **{**kwargs, **settings})

    return make
