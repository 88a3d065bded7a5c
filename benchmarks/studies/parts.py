"""What of a study is its author's own, outside this project: which modules its algorithms, environments and wrappers are made of, and what these were.

A part's closure is its module, those of its class's parents, and whatever these import of the same author: files outside of Python's library and of
installed packages, and the part's own package wherever it lies. Of other packages the version counts. Data that a module reads, and modules that are
named only while it runs, are not seen. The closure decides the version of the code, as our own sources do; its text is kept in study.yaml.

Most of this is for those who train: it imports what a study names. Reading asks `named` alone.
"""

from __future__ import annotations

import ast
import atexit
import functools
import hashlib
import importlib
import importlib.metadata
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium as gym

from benchmarks import UserError
from benchmarks.studies import environments
from benchmarks.studies.study import Study, spelled
from from_scratch import own, registry

PROJECT = ("from_scratch", "benchmarks", "sb3_course")
KNOWN = ("from_scratch", "gymnasium", "ale_py", "minigrid", "stable_baselines3", "sb3_contrib")  # whose versions, or sources, are counted already
MOST_SOURCE = 1_000_000  # characters of a module


def named(study: Study) -> list[str]:
    """The algorithms and environments of a study that are its author's own, so that to know more of them is to import them."""
    return [*(algo for algo in study.algorithms if registry.known(algo) is None), *(env for env in study.tasks if ":" in env)]


@dataclass(frozen=True)
class Source:
    """A module of somebody's own. meaning: a hash that comments and docstrings do not enter; imports: the modules that it may import."""

    path: Path
    text: str
    meaning: str
    imports: tuple[str, ...]


@dataclass(frozen=True)
class Closure:
    """What one part is made of: its own modules, those of this project that they import, and the versions of the packages."""

    sources: dict[str, Source]
    project: tuple[str, ...]
    packages: dict[str, str]

    def version(self) -> dict[str, Any]:
        """All that decides what it does, but for this project's modules."""
        return {"own": {module: source.meaning for module, source in sorted(self.sources.items())}, "own_packages": self.packages}


def meaning(tree: ast.Module) -> str:
    """A hash of a module's code that comments and docstrings do not enter. The tree loses its docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


# ------------------------------------------------------------------------------------------------------------------ which modules


def of_algorithm(id: str) -> list[str]:
    """The modules of an algorithm's class and its parents, if it is none of the registry's."""
    if registry.known(id) is not None:
        return []
    entry = registry.find(id)
    return _of_class(entry.load(), [entry.target.partition(":")[0]])


def of_environment(id: str) -> list[str]:
    """The module that registers an environment, and those of its class, if it is none that this project knows."""
    environments.check(id)
    module = id.rpartition(":")[0]
    maker: Any = gym.registry[environments.registered(id)].entry_point
    if isinstance(maker, str):
        where, _, attribute = maker.partition(":")
        if not module and _within(where, KNOWN):
            return []
        try:
            maker = functools.reduce(getattr, attribute.split("."), own.imported(where, id))
        except (own.NoSuchPart, AttributeError) as error:
            raise UserError(f"{id} cannot be made: {error}") from None
    return _of_class(maker, [module] if module else [])


def of_wrappers(wanted: Any) -> list[str]:
    """The modules of those wrappers that are not this project's, nor of a package that it knows."""
    named = [path.rpartition(".")[0] for path, _ in environments.named_wrappers(wanted)]
    return [module for module in named if not _within(module, KNOWN)]


def _of_class(maker: Any, first: list[str]) -> list[str]:
    parents = maker.__mro__ if isinstance(maker, type) else (maker,)
    return list(dict.fromkeys([*first, *(parent.__module__ for parent in parents)]))


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


# ------------------------------------------------------------------------------------------------------------------------ closure


def own_closure(modules: Iterable[str]) -> Closure:
    """Everything that these modules, those of one part, are made of."""
    waiting = list(modules)
    home = {module.partition(".")[0] for module in waiting[:1]}  # its own package, which may be an installed one
    sources: dict[str, Source] = {}
    project: set[str] = set()
    others: set[str] = set()
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        top = module.partition(".")[0]
        if module in seen or top in sys.stdlib_module_names:
            continue
        seen.add(module)
        if top in PROJECT:
            project |= set(_of_project(module))
            continue
        path = own.file_of(module)
        if path is None or (_is_installed(path) and top not in home):
            others.add(top)
            continue
        sources[module] = _source(path, module)
        if _is_installed(path):
            others.add(top)
        waiting += sources[module].imports
    return Closure(sources, tuple(sorted(project)), _versions(others | home))


def _of_project(module: str) -> list[str]:
    """A module of this project; of a class that from_scratch hands on, the module in which it is."""
    package, _, name = module.rpartition(".")
    if package == "from_scratch":
        found = [entry.target.partition(":")[0] for entry in registry.ENTRIES.values() if entry.is_ours and entry.class_name == name]
        if found:
            return found
    return [module]


def _source(path: Path, module: str) -> Source:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if len(text) > MOST_SOURCE:
        raise UserError(f"{path} has {len(text):,} characters; a module of a study has at most {MOST_SOURCE:,}")
    imports: set[str] = set()
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            imports |= {base, *(f"{base}.{name.name}" for name in node.names)} - {""}
    parts = module.split(".")
    imports |= {".".join(parts[:k]) for k in range(1, len(parts))}  # packages run before what lies in them
    names = {".".join(name.split(".")[:k]) for name in imports for k in range(1, name.count(".") + 2)}
    return Source(path, text, meaning(tree), tuple(sorted(name for name in names if _exists(name))))


def _exists(module: str) -> bool:
    """Whether this is a module at all, and not a name in one; other packages need not be looked into."""
    top = module.partition(".")[0]
    if top in PROJECT:
        return module.count(".") > 0
    return top == module or own.file_of(module) is not None


def _is_installed(path: Path) -> bool:
    library = Path(sysconfig.get_paths()["stdlib"])
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or path.is_relative_to(library)


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Of the distributions that these packages come from, which of all that are installed is the version."""
    names = {name for package in packages for name in _distributions().get(package, [])}
    return {name: importlib.metadata.version(name) for name in sorted(names) if name not in ("sb3-course",)}


# ------------------------------------------------------------------------------------------------------------------------- record


def record(study: Study) -> dict[str, Any] | None:
    """What study.yaml keeps of a study's own parts, by the files as they are now; None where it has none."""
    found: dict[str, Any] = {"algorithms": {}, "environments": {}, "modules": {}, "packages": {}}
    wanted = [("algorithms", algo, of_algorithm(algo)) for algo in study.algorithms]
    for env in study.tasks:
        wrappers = [name for of_env in study.hyperparams.values() for name in of_wrappers(of_env.get(env, {}).get("env_wrapper"))]
        wanted.append(("environments", env, [*of_environment(env), *wrappers]))
    for kind, id, modules in wanted:
        if not modules:
            continue
        closure = own_closure(modules)
        found[kind][id] = sorted(closure.sources)
        found["packages"] |= closure.packages
        for module, source in closure.sources.items():
            sha = hashlib.sha256(source.text.encode()).hexdigest()
            found["modules"][module] = {"file": source.path.name, "sha256": sha, "source": source.text}
    if not found["algorithms"] and not found["environments"]:
        return None
    places = {module: place for module, place in own.PLACES.items() if module in found["modules"]}
    return {**found, **({"places": places} if places else {})}


def without_sources(study: Study) -> Study:
    """The study with the hashes of its own modules, but not their text, which is long."""
    if not study.own:
        return study
    modules = {name: {key: value for key, value in known.items() if key != "source"} for name, known in study.own["modules"].items()}
    return replace(study, own={**study.own, "modules": modules})


def faults(study: Study) -> list[str]:
    """Where study.yaml holds another text of a module than its hash says, or names one that it does not hold."""
    kept = study.own or {"modules": {}, "algorithms": {}, "environments": {}}
    wrong = [f"study.yaml: own: {module}: hash mismatch" for module, known in kept["modules"].items()
             if hashlib.sha256(known["source"].encode(errors="replace")).hexdigest() != known["sha256"]]  # fmt: skip
    users = {**kept["algorithms"], **kept["environments"]}
    return wrong + [f"study.yaml: own: {id}: no module {name}" for id, names in users.items() for name in names if name not in kept["modules"]]


def make_available(study: Study) -> None:
    """Put the study's own modules on Python's path: those that were named by a file where it still is; those that are nowhere here from the study itself.

    Only for a study whose author is trusted. Nothing is imported yet.
    """
    kept = study.own or {}
    for module, place in (kept.get("places") or {}).items():
        if own.file_of(module) is None and Path(place).is_file():
            spelled(f"{place}:")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.append(str(Path.cwd()))
        importlib.invalidate_caches()
    lacking = {module.partition(".")[0] for module in kept.get("modules") or {} if own.file_of(module.partition(".")[0]) is None}
    if lacking:
        folder = Path(tempfile.mkdtemp(prefix="sb3-course-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for module, known in kept["modules"].items():
            if module.partition(".")[0] in lacking:
                path = folder.joinpath(*module.split("."))
                path = path / "__init__.py" if known["file"] == "__init__.py" else path.with_suffix(".py")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(known["source"], encoding="utf-8")
        sys.path.append(str(folder))
        importlib.invalidate_caches()
