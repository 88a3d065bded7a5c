"""Algorithms of one's own, by name: `my_algo:KLPenaltyPPO`, a module and its class, or the name under which an installed package offers one (docs/your_own.md).

Any class with BaseAlgorithm's API will do: a subclass of ours, of Stable-Baselines3's, or neither. What the harness has to know of it, its Entry, follows
from the class: it is that of the nearest parent which the registry holds, without the twin, or what the contract gives; a class attribute `entry` (a mapping
of Entry's fields) says what is otherwise. Whoever calls `entry_of` imports the module, which runs it.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from from_scratch.core.entry import Entry, Updates

GROUP = "sb3_course.algorithms"  # of entry points: name = module:Class
METHODS = ("learn", "predict", "save", "load", "set_logger")  # of BaseAlgorithm, without which nothing can train, score or keep a model
LOOPS_OF = {"on_policy": "on_policy", "on_policy_algorithm": "on_policy", "off_policy": "replay", "off_policy_algorithm": "replay", "episodes": "episodes"}
FACTS = tuple(f.name for f in fields(Entry) if f.name not in ("id", "target", "family", "twin"))  # that a class may state of itself


PLACES: dict[str, str] = {}  # module -> the file by which it was named, in this process


class NoSuchPart(ValueError):
    """Raised for an algorithm or environment of one's own that is not there, cannot be imported, or is none; the message is one line."""


def spelled(word: str) -> str:
    """`path/to/my_algo.py:Name` as `my_algo:Name`, with the file's folder on Python's path, so that it is the same module in every process.

    Other words stay as they are. A file in a package is named as its module in it. NoSuchPart if there is no such file, or if another module has its name.
    """
    path, colon, name = word.rpartition(":")
    if not colon or not path.endswith(".py"):
        return word
    file = Path(path).expanduser()
    if not file.is_file():
        raise NoSuchPart(f"{word}: there is no file {path}")
    file = file.resolve()
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").is_file():
        root, parts = root.parent, [root.name, *parts]
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    PLACES[module] = path
    if str(root) not in sys.path:
        sys.path.append(str(root))
        importlib.invalidate_caches()
    found = file_of(module)
    if found is None or found.resolve() != file:
        raise NoSuchPart(f"{word}: Python knows another module '{module}' ({found or 'built in'}): give the file another name")
    return f"{module}:{name}"


def file_of(module: str) -> Path | None:
    """The source file of a module, wherever it lies on Python's path, found without importing anything."""
    where, spec, named = None, None, ""
    for part in module.split("."):
        named = f"{named}.{part}" if named else part
        spec = next((found for finder in sys.meta_path if (found := _spec(finder, named, where)) is not None), None)
        if spec is None:
            return None
        where = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") and Path(spec.origin).is_file() else None


def _spec(finder: Any, module: str, where: Any) -> Any:
    return finder.find_spec(module, where) if hasattr(finder, "find_spec") else None


def imported(module: str, what: str) -> Any:
    """The module, imported; it may lie in the folder in which we are. NoSuchPart, beginning with `what`, if it cannot be."""
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.append(str(Path.cwd()))
        importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise NoSuchPart(f"{what}: there is no module '{error.name}', neither in this folder nor installed "
                             f"(a file elsewhere: path/to/{error.name.rpartition('.')[2]}.py:{what.partition(':')[2]})") from None
        raise NoSuchPart(_broken(what, module, error)) from None
    except (Exception, SystemExit) as error:  # whatever somebody's module does when it is imported
        raise NoSuchPart(_broken(what, module, error)) from None


def _broken(what: str, module: str, error: BaseException) -> str:
    said = (str(error).strip().splitlines() or [""])[0]
    return f"{what}: importing {module} failed: {type(error).__name__}{f': {said}' if said else ''}"


def offered() -> dict[str, str]:
    """What installed packages offer: name -> "module:Class". Nothing of them is imported."""
    return {point.name: f"{point.module}:{point.attr}" for point in importlib.metadata.entry_points(group=GROUP)}


def entry_of(id: str, known: Mapping[str, Entry]) -> Entry | None:
    """The entry of an algorithm that is named by its class, or that an installed package offers; None for an id that is neither. Imports it.

    known: the registry's entries, in which its parents are looked for. NoSuchPart if there is no such class, or it is no algorithm.
    """
    target = id if ":" in id else offered().get(id)
    return None if target is None else _entry(id, target, tuple(known.values()))


@functools.cache
def _entry(id: str, target: str, known: tuple[Entry, ...]) -> Entry:
    cls = _class(id, target)
    parent = next((entry for base in cls.__mro__ for entry in known if _is(base, entry)), None)
    parameters = inspect.signature(cls).parameters
    stated = getattr(cls, "entry", {})
    if not isinstance(stated, Mapping):
        raise NoSuchPart(f"{id}: its attribute entry is no mapping of facts such as {{'policy': 'MlpPolicy', 'actions': ('Box',)}}")
    for name in stated:
        if name not in FACTS:
            near = difflib.get_close_matches(str(name), FACTS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it may state {', '.join(FACTS)}"
            raise NoSuchPart(f"{id}: its entry states '{name}', which no entry has: {hint}")
    title = (inspect.getdoc(cls) or "").strip().partition("\n")[0].rstrip(".") if "__doc__" in vars(cls) else ""
    facts: dict[str, Any] = {"id": id, "target": target, "family": "own", "title": title or cls.__name__, "paper": "–"}
    can_stack = "seeds" in parameters
    if parent is not None:
        facts |= {"twin": None, "deviations": (), "cannot": {}, "lockstep": parent.lockstep and can_stack, "tuned_as": parent.settings}
        return replace(parent, **{**facts, **_read(stated)})
    rooms = {base.__module__.rpartition(".")[2] for base in cls.__mro__}
    policies = list(getattr(cls, "policy_aliases", {}))
    facts |= {
        "lockstep": can_stack,
        "loop": next((loop for room, loop in LOOPS_OF.items() if room in rooms), "stepwise"),
        "policy": policies[0] if policies and "MlpPolicy" not in policies else "MlpPolicy",
        "tuned_as": id,
    }
    return Entry(**{**facts, **_read(stated)})


def _read(stated: Mapping[str, Any]) -> dict[str, Any]:
    """A class's own words, as Entry holds them: lists become tuples, and {"times": …, "every": …} Updates."""
    read = {name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()}
    if isinstance(read.get("updates"), Mapping):
        read["updates"] = Updates(**read["updates"])
    return read


def _class(id: str, target: str) -> type:
    module, _, name = target.partition(":")
    found = getattr(imported(module, id), name, None) if name else None
    if found is None:
        classes = [key for key, value in vars(sys.modules[module]).items() if isinstance(value, type) and not _lacking(value)]
        near = difflib.get_close_matches(name, classes, n=1)
        hint = f": did you mean '{near[0]}'?" if near else f"; its algorithms: {', '.join(classes) or 'none'}"
        raise NoSuchPart(f"{id}: {module} has no class '{name}'{hint}")
    if not isinstance(found, type):
        raise NoSuchPart(f"{id} is no class, and no algorithm: it is of the type {type(found).__name__}")
    lacking = _lacking(found)
    if lacking:
        raise NoSuchPart(f"{id} is no algorithm: it lacks {', '.join(lacking)} (BaseAlgorithm's API: {', '.join(METHODS)})")
    return found


def _lacking(cls: type) -> list[str]:
    return [name for name in METHODS if not callable(getattr(cls, name, None))]


def _is(cls: type, entry: Entry) -> bool:
    """Whether this class is the entry's, which need not be imported for that."""
    module = entry.target.partition(":")[0]
    return cls.__name__ == entry.class_name and f"{cls.__module__}.".startswith(f"{module}.")
