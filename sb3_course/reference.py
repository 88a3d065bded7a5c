"""A page of the documentation for every algorithm, made from its class and the registry: pseudo-code, arguments, what it takes, tuned tasks, claims.

    from sb3_course import reference
    reference.write(docs)          # docs/conf.py calls it: docs/reference/ID.md, and docs/reference/index.md, which lists them all
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import yaml

from from_scratch.core.entry import LOOPS, Entry
from from_scratch.registry import ENTRIES, FAMILIES
from sb3_course.teaching.pages import write_pages

ROOT = Path(__file__).parents[1]
OPENING = """# Reference

A page for every class: its pseudo-code, its arguments, what it takes, on which tasks it is tuned, and which claims of papers were tried with it.
"""


def write(docs: Path) -> None:
    """All pages. A file that has not changed is left alone, so that Sphinx does not read it again."""
    ours = [entry for entry in ENTRIES.values() if entry.is_ours]
    claims = claims_by_algorithm()
    write_pages(docs / "reference", {"index.md": index(), **{f"{entry.id}.md": page(entry, claims.get(entry.id, [])) for entry in ours}})


def index() -> str:
    lines = [OPENING]
    for family in FAMILIES.values():
        if family.is_ours:
            lines += [f"## {family.title}", "", family.about, ""]
            lines += [f"- [{entry.title}]({entry.id}.md): `{entry.class_name}`" for entry in family.entries] + [""]
    names = "\n".join(entry.id for entry in ENTRIES.values() if entry.is_ours)
    return "\n".join([*lines, f"```{{toctree}}\n:hidden:\n\n{names}\n```", ""])


def page(entry: Entry, claims: list[tuple[str, str, str]]) -> str:
    """claims: (name, title, verdict) of those that it is an arm of."""
    cls = entry.load()
    module = sys.modules[cls.__module__]
    source = Path(inspect.getfile(cls)).relative_to(ROOT).as_posix()
    title, _, rest = inspect.cleandoc(module.__doc__ or "").partition("\n")
    lines = [f"# {entry.title}", "", f"`from from_scratch import {cls.__name__}`; on the command line and in studies `{entry.id}`. Source: `{source}`.", ""]
    code = rest.strip("\n")
    lines += [title, "", f"```text\n{code}\n```" if code else "", "", "## What it takes", "", *(f"- {fact}" for fact in _facts(entry)), ""]
    lines += ["## Arguments", "", *_arguments(cls), ""]
    tuned = _tuned(entry)
    lines += ["## Tuned", "", f"Settings are known for {', '.join(tuned)} (`benchmarks/configs/algo/{entry.settings}.yaml`).", ""] if tuned else []
    lines += ["## Claims", "", "| claim | what it says | verdict |", "| --- | --- | --- |"] if claims else []
    lines += [f"| `sb3-course claim {name} --show` | {title} | {verdict} |" for name, title, verdict in claims]
    return "\n".join([*lines, ""])


def _facts(entry: Entry) -> list[str]:
    actions = ", ".join(f"`{kind}`" for kind in entry.actions) or "any"
    found = [f"Paper: {entry.paper}", f"Kind: {entry.kind}; it learns from {LOOPS[entry.loop]}", f"Action spaces: {actions}", f"Policy: `{entry.policy}`"]
    found += [f"Environments must have `{entry.needs}()`"] if entry.needs else []
    found += [f"Twin: `{entry.twin}`, the same run from the same seed (`sb3-course parity {entry.id}`)"] if entry.twin else []
    found += ["Lock-step: `seeds=` trains many seeds in one process"] if entry.lockstep else ["No lock-step: a process for each seed"]
    return found + [f"Unlike its twin: {words}" for words in entry.deviations] + [f"Not done, {what}: {why}" for what, why in entry.cannot.items()]


def _arguments(cls: type) -> list[str]:
    """A row for each argument of the algorithm's own: its name, default and meaning, as `help(cls)` has them."""
    explained = _explained(cls)
    defaults = {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}
    names = [name for name in cls.hyperparameters if name in defaults]  # type: ignore[attr-defined]
    rows = [f"| `{name}` | `{defaults[name]!r}` | {explained.get(name, '')} |" for name in names]
    return ["| argument | default | meaning |", "| --- | --- | --- |", *rows, "", f"And those that all classes have: `help({cls.__name__})` explains them."]


def _explained(cls: type) -> dict[str, str]:
    """The lines below "Arguments:" of a class's docstring, those that go on in the next line joined."""
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(cls.__doc__ or "").partition("Arguments:\n")[2].splitlines():
        if line.startswith("    ") and line[4:5].strip():
            name, _, words = line.strip().partition(" ")
            found[name] = words.strip()
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return {name: words.replace("|", "\\|") for name, words in found.items()}  # a bar would end the cell


def _tuned(entry: Entry) -> list[str]:
    path = ROOT / "benchmarks" / "configs" / "algo" / f"{entry.settings}.yaml"
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    return [f"`{task}`" for task in known or {} if task != "default"]


def claims_by_algorithm() -> dict[str, list[tuple[str, str, str]]]:
    """Algorithm -> (name, title, verdict) of the claims whose studies have it as an arm."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path in sorted((ROOT / "benchmarks" / "configs" / "claim").glob("*.yaml")):
        claim = yaml.safe_load(path.read_text(encoding="utf-8"))
        record = ROOT / "results" / "claims" / path.stem / "verdict.json"
        verdict = json.loads(record.read_text(encoding="utf-8"))["verdict"] if record.is_file() else "not run yet"
        arms = {str(algo).partition("~")[0] for group in claim["study"]["groups"] for algo in group["algos"]}
        for algo in sorted(arms):
            found.setdefault(algo, []).append((path.stem, claim["title"], verdict))
    return found
