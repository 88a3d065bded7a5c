"""All figures of a folder on one page: README.md for a repository's browser, index.html for any other, both from the figures' JSON files."""

from __future__ import annotations

import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment

from benchmarks.report.style import number as with_minus
from benchmarks.store.files import write_whole
from benchmarks.textbook.changes import LABEL
from benchmarks.textbook.figure import figures, in_order

Record = dict[str, Any]
VERDICTS = {True: "pass", False: "OFF", None: "–"}
HEADER = ("number", "measured [95 % interval]", "expected", "tolerance", "source", "")
COUNTED = {"pass": "good", "off": "bad", "crashed": "bad", "not judged": "open"}  # a figure's status, and the class of its badge


def write(out: Path) -> list[Record]:
    """Write both pages of the folder; the records that they show, in the book's order."""
    records = read(out)
    write_whole(out / "README.md", markdown(records))
    write_whole(out / "index.html", html(records))
    return records


def read(out: Path) -> list[Record]:
    records = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*.json")]
    return sorted((record for record in records if "numbers" in record), key=lambda record: in_order(record["id"]))


# ----------------------------------------------------------------------------------------------------------------- cells


def cells(number: Record) -> tuple[str, ...]:
    """A number as a row of the tables, under HEADER."""
    unit = f"\u00a0{number['unit']}" if number["unit"] and number["unit"] != "%" else number["unit"] and "\u00a0%"
    digits = _digits(number)
    measured = with_minus(number["measured"], digits) + (unit or "")
    if number["low"] is not None and number["low"] == number["low"]:
        measured += f" [{with_minus(number['low'], digits)}, {with_minus(number['high'], digits)}]"
    source = number["source"] + (f", {number['runs']} run{'s' * (number['runs'] != 1)}" if number["source"] != "exact" and number["runs"] else "")
    judged = number["expected"] is not None
    tolerance = f"±{with_minus(number['tolerance'], digits)}" if judged and number["tolerance"] is not None else ""
    name = f"{number['name']} ({number['note']})" if number["note"] else number["name"]
    return name, measured, number["printed"], tolerance, source if judged else "", VERDICTS[number["passes"]]


def _digits(number: Record) -> int:
    """Decimals to show: two digits of the standard error, but never fewer than `expected` was printed with; one more where nothing was sampled."""
    printed = max((len(part.partition(".")[2]) for part in number["printed"].split(" … ")), default=0)
    if number["se"]:
        return max(printed, min(6, 1 - math.floor(math.log10(number["se"]))))
    size = abs(number["measured"] or 0.0)
    return printed + 1 if number["printed"] else 3 if size < 10 else 1


def summary(record: Record) -> str:
    """"12 of 12 numbers", or why there are none."""
    if record["status"] == "crashed":
        return str(record["error"])
    judged = [number["passes"] for number in record["numbers"] if number["passes"] is not None]
    if record.get("changed"):
        return f"{record['changed']}; {LABEL}"
    if not judged:
        return "a quick look, not judged" if record["quick"] else "nothing to judge"
    return f"{sum(judged)} of {len(judged)} numbers pass"


def headline(records: list[Record]) -> str:
    judged = [number["passes"] for record in records for number in record["numbers"] if number["passes"] is not None]
    crashed = sum(record["status"] == "crashed" for record in records)
    minutes = sum(record.get("cpu_seconds", 0) for record in records) / 60
    broken = f" {crashed} figure{'s' * (crashed > 1)} crashed." if crashed else ""
    figures = f"{len(records)} figure{'s' * (len(records) != 1)}"
    return f"{figures}, {sum(judged)} of {len(judged)} numbers within tolerance, {minutes:.1f} core-minutes.{broken}"


def how(records: list[Record]) -> list[str]:
    """Where the numbers come from, a line for each commit and set of versions."""
    lines: dict[str, int] = {}
    for record in records:
        facts = record["provenance"]
        commit = facts["source"]["commit"]
        dirty = " with changes" if facts["source"]["dirty"] else ""
        packages = ", ".join(f"{name} {facts['packages'][name]}" for name in ("numpy", "scipy", "numba", "torch", "gymnasium") if name in facts["packages"])
        code = f"Commit {commit[:12]}{dirty}" if commit else "Commit unknown"
        line = f"{code}; Python {facts['python']}, {packages}; {facts['machine']}, one thread a process; seeds {facts['seeds']}"
        lines[line] = lines.get(line, 0) + 1
    return [f"{line} ({n} figures)." if len(lines) > 1 else f"{line}." for line, n in lines.items()]


# ----------------------------------------------------------------------------------------------------------------- pages

TITLE = "The textbook's figures, run again"
INTRODUCTION = (
    "The figures of Sutton & Barto, *Reinforcement Learning: An Introduction* (2nd edition, 2018), through this project's own classes. "
    "Bands and brackets are 95 % t intervals of the mean over runs. An exact number must agree to 0.001, or to the digits that the expected "
    "one is printed with; a sampled one to three standard errors of the difference and half a unit of the last printed digit. `<` and `>` are "
    "claims that must be seen by more than three standard errors."
)


def made_by(records: list[Record]) -> str:
    """The command, and which of its figures the folder has not."""
    known, _ = figures()
    there = {record["id"] for record in records}
    missing = [figure.label for figure in known.values() if figure.id not in there]
    return f"{len(known) - len(missing)} of {len(known)} figures; not run: {', '.join(missing)}." if missing else "Made by `sb3-course figure all`."


def markdown(records: list[Record]) -> str:
    lines = [f"# {TITLE}", "", made_by(records), "", INTRODUCTION, "", f"**{headline(records)}**", ""]
    lines += overview(records)
    for record in records:
        lines += ["", f'<a id="{_anchor(record)}"></a>', "", f"## {record['label']}: {record['title']}", ""]
        if record["status"] == "crashed":
            lines += [f"Crashed: {_escaped(record['error'])}"]
        else:
            lines += [f"![{record['label']}: {record['title']}]({record['id']}.png)"]
        if record["numbers"]:
            lines += ["", f"| {' | '.join(HEADER)} |", "|---|---|---|---|---|---|"]
            lines += [f"| {' | '.join(_escaped(cell) for cell in cells(number))} |" for number in record["numbers"]]
        lines += [f"\n{note}" for note in record["notes"]]
    return "\n".join([*lines, "", "## How", "", *(f"- {line}" for line in how(records)), ""])


def overview(records: list[Record], linked: bool = True) -> list[str]:
    """A Markdown table with a line for every figure; `linked` to its section on the same page."""
    lines = ["| figure | title | numbers | CPU seconds |", "|---|---|---|--:|"]
    for record in records:
        label = f"[{record['label']}](#{_anchor(record)})" if linked else record["label"]
        lines += [f"| {label} | {record['title']} | {_escaped(summary(record))} | {record.get('cpu_seconds', 0):.0f} |"]
    return lines


def html(records: list[Record]) -> str:
    templates = resources.files("benchmarks.report") / "templates"
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string((templates / "textbook.html").read_text(encoding="utf-8"))
    return template.render(
        title=TITLE, made_by=made_by(records).replace("`", ""),
        style=(templates / "report.css").read_text(encoding="utf-8"), introduction=INTRODUCTION.replace("*", "").replace("`", ""),
        headline=headline(records), records=records, header=HEADER, cells=cells, summary=summary, anchor=_anchor, badges=COUNTED, how=how(records),
    )  # fmt: skip


def _anchor(record: Record) -> str:
    return "figure-" + record["id"].replace(".", "-")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
