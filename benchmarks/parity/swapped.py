"""A pytest plugin: the reference's own test-suite with our classes in the places of its own.

    pip download --no-binary :all: --no-deps sb3-contrib==2.9.2 && tar xzf sb3_contrib-2.9.2.tar.gz
    rm -r sb3_contrib-2.9.2/sb3_contrib                       # the package that is installed is the one to be tested
    python -m pytest -p benchmarks.parity.swapped -c /dev/null sb3_contrib-2.9.2/tests

Whatever of ours has a twin takes its place in stable_baselines3 and sb3_contrib before the tests import it from there; all else is theirs. The tests' own
files are trusted: they hold classes and functions of the tests, which ours do not load otherwise.
"""

from __future__ import annotations

import importlib
from typing import Any

from from_scratch import registry
from from_scratch.core.algorithm import Algorithm
from from_scratch.core.loops.off_policy import OffPolicy

_before: list[tuple[Any, str, Any]] = []


def places() -> list[tuple[str, str, str]]:
    """(package, class, id of ours) for every class of ours that has a twin."""
    ours = [entry for entry in registry.ENTRIES.values() if entry.is_ours and entry.twin]
    return [(registry.find(entry.twin).base, registry.find(entry.twin).class_name, entry.id) for entry in ours if entry.twin]


def trust(files: bool) -> None:
    """What `trust` is where nobody says it."""
    for function in (Algorithm.load.__func__, OffPolicy.load_replay_buffer):  # type: ignore[attr-defined]
        function.__kwdefaults__ = {**(function.__kwdefaults__ or {}), "trust": files}


def pytest_configure(config: Any) -> None:
    trust(True)
    for package, name, id in places():
        ours, module = registry.load(id), importlib.import_module(package)
        _before.append((module, name, getattr(module, name)))
        setattr(module, name, ours)


def pytest_unconfigure(config: Any) -> None:
    trust(False)
    while _before:
        setattr(*_before.pop())


def pytest_report_header(config: Any) -> str:
    return f"of from_scratch: {', '.join(name for _, name, _ in places())}"
