"""What a lesson says besides its text: source that is shown, numbers that are tested, figures and studies that were run. All of them print.

    from sb3_course.teaching.lesson import expect, figure, show, study
"""

from __future__ import annotations

import ast
import base64
import importlib.util
import inspect
import json
import math
import textwrap
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["NotAsStated", "expect", "figure", "show", "study"]

RESULTS = Path(__file__).parents[2] / "results"


class NotAsStated(AssertionError):
    """A number of a lesson is not what its text says."""


off: list[str] | None = None  # a list: numbers that are off are collected there instead of raised (sb3-course lesson run)


def expect(what: str, value: Any, stated: str, tolerance: float | None = None) -> None:
    """Print a measured number beside the one that the text states, and fail if they differ.

    value is a number, or an array if `stated` has several numbers. By default they agree if the measured one rounds to what is stated: within half a unit of
    its last digit. tolerance: absolute, for what is sampled. NotAsStated if they do not agree.
    """
    numbers = [_stated(word) for word in stated.replace(",", " ").split()]
    found = np.asarray(value, dtype=float).ravel()
    if len(found) != len(numbers):
        raise ValueError(f"{what}: {len(found)} numbers are measured, {len(numbers)} are stated: '{stated}'")
    same = all(abs(number - right) <= (0.5 * unit * (1 + 1e-6) if tolerance is None else tolerance) for number, (right, unit) in zip(found, numbers))
    shown = ", ".join(f"{number:.{max(0, math.ceil(-math.log10(unit)) + 1)}f}" for number, (_, unit) in zip(found, numbers))
    within = f" (within {tolerance:g})" if tolerance is not None else ""
    line = f"{what}: {shown}, stated {stated}{within}"
    print(f"{'ok ' if same else 'OFF'} {line}")
    if not same:
        if off is None:
            raise NotAsStated(line)
        off.append(line)


def _stated(word: str) -> tuple[float, float]:
    """A number as it is written, and a unit of its last digit: "6.327" is 6.327 to 0.001, "1e-4" to 1e-4."""
    text = word.replace("−", "-").rstrip("%")
    mantissa, _, exponent = text.lower().partition("e")
    return float(text), 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def show(what: Any, part: str | None = None) -> None:
    """Print the source of a class, function or method: the object, or "module:Name.method", which imports nothing.

    part: only the lines that hold it, such as "eq. (4.10)". LookupError if there is no such object, or no such line any more.
    """
    source, title = (source_at(what), what) if isinstance(what, str) else (textwrap.dedent(inspect.getsource(what)), f"{what.__module__}:{what.__qualname__}")
    if part is not None:
        lines = [line.strip() for line in source.splitlines() if part in line]
        if not lines:
            raise LookupError(f"{title} has no line with '{part}' any more")
        source = "\n".join(lines)
    if not _displayed(f"```python\n# {title}\n{source.rstrip()}\n```", "text/markdown"):
        print(f"# {title}\n{source.rstrip()}\n")


def source_at(address: str) -> str:
    """The source of "module:Name.method", read from its file; LookupError if it is gone."""
    module, _, name = address.partition(":")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module}")
    text = Path(spec.origin).read_text(encoding="utf-8")
    node: Any = ast.parse(text)
    for part in filter(None, name.split(".")):
        node = next((child for child in node.body if getattr(child, "name", None) == part), None)
        if node is None:
            raise LookupError(f"{module} has no {name} any more")
    if not name:
        return text
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno]))


def figure(id: str, alt: str) -> dict[str, float]:
    """Put in a figure of the textbook as our runs drew it, with its numbers as a table, and the command that makes it again: figure("6.5", alt="…").

    alt says in words what is to be seen. Gives the measured numbers by their names. LookupError if it was not run.
    """
    if not alt.strip():
        raise ValueError(f"figure('{id}'): alt says in words what is to be seen")
    record = _read(RESULTS / "textbook" / f"{id}.json", f"sb3-course figure {id}")
    title, made = f"{record['label']}: {record['title']}", f"sb3-course figure {id}{_commit(record)}"
    if not _displayed(_picture(RESULTS / "textbook" / f"{id}.png", alt, title, made, record["numbers"]), "text/html"):
        print(f"{title}\n{textwrap.fill(alt, 100)}")
        for number in record["numbers"]:
            print(f"  {number['name']}: {_number(number['measured'])}" + (f" (expected {number['printed']})" if number["printed"] else ""))
        print(f"  made by: {made}\n")
    return {number["name"]: number["measured"] for number in record["numbers"]}


def study(name: str) -> dict[str, Any]:
    """Put in what a published claim or study found: study("deadly-triad"). Gives its verdict's record, or its report's. LookupError if it was not run."""
    folder = RESULTS / "claims" / name
    if folder.is_dir():
        record, made = _read(folder / "verdict.json", f"sb3-course claim {name}"), _read(folder / "made.json", f"sb3-course claim {name}")
        print(f"{name}: {record['verdict']}")
        for number in record["numbers"]:
            print(f"  {number['says']}: {_number(number['point'])} [{_number(number['low'])}, {_number(number['high'])}] {number['unit']}, {number['verdict']}")
        print(f"  made by: {made['command']}{_commit(made)}\n")
        return record
    record = _read(RESULTS / name / "report" / "report.json", f"sb3-course compare {name}")
    print(f"{name}\n  made by: sb3-course compare {name}{_commit(record)}\n")
    return record


def _read(path: Path, command: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LookupError(f"there is no result {path.parent.name}/{path.name}: {command} makes it") from None


def _commit(record: dict[str, Any]) -> str:
    source = record.get("source") or (record.get("provenance") or {}).get("source") or {}
    return f", commit {source['commit'][:10]}" if source.get("commit") else ""


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:.4g}"


def _picture(path: Path, alt: str, title: str, made: str, numbers: list[dict[str, Any]]) -> str:
    """A figure for notebooks: the picture, which says in words what is to be seen, and its numbers as a table."""
    cells = [(number["name"], _number(number["measured"]), str(number["printed"] or "–")) for number in numbers]
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells)
    return (
        f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}">'
        f"<figcaption>{escape(title)}. Made by <code>{escape(made)}</code></figcaption></figure>"
        f"<details><summary>{escape(title.partition(':')[0])}: its numbers</summary>"
        f"<table><thead><tr><th>number</th><th>measured</th><th>expected</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _displayed(content: str, kind: str) -> bool:
    """Where lessons are read as notebooks, show it there."""
    try:
        get_ipython  # type: ignore[name-defined]  # noqa: B018
    except NameError:
        return False
    from IPython.display import display

    display({kind: content, "text/plain": ""}, raw=True)
    return True
