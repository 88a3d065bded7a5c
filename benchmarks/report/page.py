"""One self-contained HTML file that says what a study found, how sure that is, and how to check it; beside it the same numbers as data.

    report/report.html   readable without network, scripts or this program
    report/report.json   every number that the report prints, unrounded
    report/scores.csv    final score of every run        report/curves.csv       every checkpoint of every run
    report/tables.tex    the tables for a paper          report/references.bib   what to cite
    report/repro.json    how the study came to be, and the hashes of the other files
    report/report.pdf, scores.parquet, curves.parquet    if asked for

The same store gives the same bytes, but for the line with the date.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks import UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Analysis, Group, IncompleteStudy
from benchmarks.report import citations, exports, figures, films, tables
from benchmarks.report.style import Figure, Table, slug
from benchmarks.report.verdicts import Verdict, summary, verdict
from benchmarks.store import records
from benchmarks.store.files import write_whole
from benchmarks.store.plain import printable
from benchmarks.store.store import Store
from benchmarks.studies import parts, provenance
from benchmarks.studies.study import Study

__all__ = ["IncompleteStudy", "RenderedReport", "render"]

MOST_ROWS = 500  # a table of runs beyond this is left to the files beside the report


@dataclass(frozen=True)
class RenderedReport:
    """Where the report is, and a short form of it for a terminal."""

    path: Path
    summary: Any  # something that rich prints
    verdicts: list[str]


@dataclass(frozen=True)
class Options:
    """What a report may have beyond the ordinary; recorded in repro.json, so that the same report can be made again."""

    pdf: bool = False
    parquet: bool = False
    animations: bool = True  # of stored models, where there are any


@dataclass(frozen=True)
class BuiltReport:
    """A report that is not written anywhere yet: its files by name."""

    analysis: Analysis
    files: dict[str, str | bytes]
    verdicts: list[Verdict]


OPTIONAL = ("report.pdf", "scores.parquet", "curves.parquet")


Play = Callable[[Store, Analysis], None]  # makes what films are missing, such as benchmarks.report.films.make


def render(
    store_path: Path | str, *, allow_partial: bool = False, now: datetime | None = None, options: Options | None = None, play: Play | None = None
) -> RenderedReport:
    """Write the report of the study at `store_path` into its directory report/. play: without it, films that the study does not hold are not made.

    Raises IncompleteStudy, naming the runs, if any planned run has not finished and `allow_partial` is not set.
    """
    return render_store(Store(store_path), Path(store_path) / "report", allow_partial=allow_partial, now=now, options=options, play=play)


def render_store(
    store: Any, directory: Path, *, allow_partial: bool = False, now: datetime | None = None, options: Options | None = None, play: Play | None = None
) -> RenderedReport:
    """`render` for anything with a Store's study(), runs(), curves(), training() and record()."""
    if directory.is_symlink():
        raise UserError(f"{directory} is a link, and a report is not written through one: remove it, or give --out")
    built = build(store, allow_partial=allow_partial, now=now, options=options, play=play)
    for path in (directory / name for name in (*built.files, *OPTIONAL)):
        if path.is_dir():
            raise UserError(f"{path} is a folder, where the report has a file: remove it, or give --out")
    directory.mkdir(parents=True, exist_ok=True)
    for name in OPTIONAL:  # of an earlier report
        if name not in built.files:
            (directory / name).unlink(missing_ok=True)
    for name, content in built.files.items():
        write_whole(directory / name, content)
    lines = [line.text for verdict in built.verdicts for line in verdict.lines]
    return RenderedReport(directory / "report.html", summary(built.analysis, built.verdicts), lines)


def build(
    store: Any, *, allow_partial: bool = False, now: datetime | None = None, options: Options | None = None, rendering: dict[str, Any] | None = None,
    play: Play | None = None,
) -> BuiltReport:  # fmt: skip
    """The files of the report. rendering: from the repro.json of an earlier report of this store, to make that one again (without its PDF)."""
    options = Options(**rendering["options"]) if rendering else options or Options()
    if isinstance(store, Store):  # a stranger may have written it
        records.demand(store.study())
    analysis = analyse(store.study(), store.runs(), store.curves(), allow_partial=allow_partial)
    finished = analysis.runs[analysis.runs["status"] == "finished"]
    seals = {run_id: store.record(run_id)["seal"] for run_id in finished["run_id"].drop_duplicates()}
    facts = provenance.facts(analysis.study, analysis.runs, seals, rendering)
    facts["rendering"]["options"] = dataclasses.asdict(options)
    facts["checklist"] = exports.checklist(analysis, facts)

    page = _page(store, analysis, facts, options, now or datetime.now(UTC), play)
    text = environment().get_template("report.html").render(page=page)
    scores, curves = tables.final_scores(analysis), analysis.curves.sort_values(["algo", "env", "seed", "step"])
    files: dict[str, str | bytes] = {
        "report.html": text,
        "report.json": as_json(_numbers(analysis, page.verdicts)),
        "scores.csv": exports.table(scores),
        "curves.csv": exports.table(curves),
        "tables.tex": exports.latex(_tables(page.groups), analysis.study.name, facts["study"]["hash"]),
        "references.bib": page.bibliography + "\n",
    }
    if options.parquet:
        files |= {"scores.parquet": exports.parquet(scores), "curves.parquet": exports.parquet(curves)}
    facts["files"] = {name: hash_of(name, content) for name, content in sorted(files.items())}
    if options.pdf and not rendering:  # a print of the page, with its date: not among the hashes
        files["report.pdf"] = exports.pdf(text)
    return BuiltReport(analysis, {**files, "repro.json": as_json(facts)}, page.verdicts)


def _films(store: Any, analysis: Analysis, options: Options, play: Play | None) -> tuple[list[films.Film], str]:
    """Animations of the median runs from the films that the study holds, or why there are none."""
    if not isinstance(store, Store):
        return [], "The models of these runs are not at hand."
    if options.animations and play is not None:
        play(store, analysis)
    if not films.kept(store):
        if store.keeps_models:
            return [], "No film of these runs was made; sb3-course report with --trust makes them from the stored models."
        return [], "This study did not keep its models (keep_models: false), so there is none to watch."
    return (films.films(store, analysis), "") if options.animations else ([], "Left out on request (--no-animations).")


# The only line that may differ between two reports of one store: a date and a commit, and nothing else.
DATE = re.compile(r'<p class="date">Rendered [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC'
                  r'(?: from commit [A-Za-z0-9._+-]{1,12}(?: with uncommitted changes)?)?</p>')  # fmt: skip


def hash_of(name: str, content: str | bytes) -> str:
    """sha256 of a file of the report; of the page, without the line with the date."""
    content = content if isinstance(content, bytes) else content.encode()
    if name == "report.html":
        content = DATE.sub("", content.decode(), count=1).encode()
    return hashlib.sha256(content).hexdigest()


def _tables(groups: list[Section]) -> list[tuple[str, Table, str, str]]:
    """The tables for a paper, (label, table, caption, short caption): of every figure but the curves and profiles, whose tables are excerpts."""
    found = []
    for group in groups:
        for part in ("aggregates", "comparisons", "tasks", "robustness"):
            for f in group.figures[part]:
                short = f"{f.title}, group {group.name}"
                found.append((f.key, f.table, f"{short}. {f.caption} {f.warning}".rstrip(), short))
        for name, table in (("per_task", group.per_task), ("effects", group.effects), ("areas", group.areas)):
            if table:
                short = f"{exports.SHORT[name]}, group {group.name}"
                found.append((f"{group.id}-{name}", table, f"{table.caption} {table.warning}".rstrip(), short))
    return found


# ------------------------------------------------------------------------------------------------------------------ data


def _plain(value: Any) -> Any:
    """Dataclasses, arrays and NaN as what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {" / ".join(k) if isinstance(k, tuple) else str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(value: Any) -> str:
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _numbers(analysis: Analysis, verdicts: list[Verdict]) -> dict[str, Any]:
    """Every number of the report, with names that say where it stands."""
    return {
        "study": analysis.study.name,
        "hash": analysis.study.hash or None,
        "is_partial": analysis.is_partial,
        "missing": analysis.missing,
        "statistics": analysis.statistics,
        "verdicts": {v.group: [{"tier": line.tier, "text": line.text, "details": line.details} for line in v.lines] for v in verdicts},
        "groups": {group.name: group for group in analysis.groups},
    }


# ------------------------------------------------------------------------------------------------------------------ html


def environment() -> Environment:
    """For all pages: what is text is escaped, and what a reader could not see is made visible."""
    visible = lambda value: printable(value) if type(value) is str else value
    loader = PackageLoader("benchmarks.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=visible)


def stylesheet() -> str:
    return (resources.files("benchmarks.report") / "templates" / "report.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Section:
    """What the page shows of one group."""

    name: str
    id: str
    algos: list[str]
    envs: list[str]
    unit: str  # of aggregate scores
    left_out: dict[str, str]
    figures: dict[str, list[Figure]]  # see benchmarks.report.figures.of_group
    per_task: Table | None  # of comparisons, as the next two
    effects: Table | None
    solved: Table | None
    fewer: list[str]  # whether five seeds would have told the same story
    areas: Table | None


@dataclass(frozen=True)
class Page:
    """Everything that stands in report.html, which templates/report.html puts in its place."""

    style: str  # CSS
    study: Study
    study_yaml: str
    is_partial: bool
    missing: list[str]  # a sentence for each incomplete cell
    confidence: float  # of the intervals in brackets
    date: str  # and the commit that renders
    verdicts: list[Verdict]
    lead: tuple[str, Figure] | None  # the picture under the verdict, and its title
    protocol: list[tuple[str, str]]  # term, words
    budgets: Table
    scales: Table
    groups: list[Section]
    accounts: Table
    speeds: Table
    failures: list[dict[str, Any]]  # runs that did not finish
    diagnostics: Table | None
    films: list[films.Film]
    no_films: str  # why there are none
    facts: dict[str, Any]  # repro.json
    hosts: Table
    environments: Table
    own_parts: Table | None  # of its author, not this project's
    runs: Table
    scores: Table
    most_rows: int  # of the last two; beyond, they are left to the files beside the page
    other_files: list[str]  # that stand beside the page on request
    checklist: Table
    bibliography: str


def _page(store: Any, analysis: Analysis, facts: dict[str, Any], options: Options, now: datetime, play: Play | None) -> Page:
    study = analysis.study
    groups = [_section(group, analysis) for group in analysis.groups]
    shown, no_films = _films(store, analysis, options, play)
    return Page(
        style=stylesheet(),
        study=study,
        study_yaml=parts.without_sources(study).to_yaml(width=110),
        own_parts=tables.own_parts(study),
        is_partial=analysis.is_partial,
        missing=analysis.missing,
        confidence=analysis.statistics.confidence,
        date=now.strftime("%Y-%m-%d %H:%M UTC") + _rendered_by(),
        verdicts=[verdict(group) for group in analysis.groups],
        lead=_lead(groups),
        protocol=tables.protocol(analysis),
        budgets=tables.budgets(analysis),
        scales=tables.reference_scores(analysis),
        groups=groups,
        accounts=tables.accounts(analysis),
        speeds=tables.speeds(analysis),
        failures=tables.failures(analysis),
        diagnostics=tables.diagnostics(store.training()),
        films=shown,
        no_films=no_films,
        facts=facts,
        hosts=tables.hosts(facts),
        environments=tables.environments(facts),
        runs=tables.runs(facts),
        scores=tables.scores(tables.final_scores(analysis)),
        most_rows=MOST_ROWS,
        other_files=[name for name, is_on in (("report.pdf", options.pdf), ("*.parquet", options.parquet)) if is_on],
        checklist=tables.checklist(facts),
        bibliography=citations.bibliography(study, facts["rendering"]["packages"]["main"], analysis.sequential is not None),
    )


def _lead(groups: list[Section]) -> tuple[str, Figure] | None:
    """The picture under the verdict, and its title: every run of the only task, else the learning curves over all tasks; of the first group that has one."""
    for group in groups:
        drawn = group.figures
        order = ("tasks", "curves", "aggregates") if len(group.envs) == 1 else ("curves", "aggregates", "tasks")
        figure = next((drawn[part][0] for part in order if drawn[part]), None)
        if figure is not None:
            return (f"{figure.title}, group {group.name}" if len(groups) > 1 else figure.title), figure
    return None


def _rendered_by() -> str:
    """The code that renders; on the line with the date, the only one that may differ between two reports of one store."""
    source = provenance.source()
    return f" from commit {source['commit'][:12]}{' with uncommitted changes' if source['dirty'] else ''}" if source["commit"] else ""


def _section(group: Group, analysis: Analysis) -> Section:
    is_compared = bool(group.comparisons)
    return Section(
        name=group.name,
        id=slug(group),
        algos=group.algos,
        envs=group.envs,
        unit=group.unit,
        left_out=group.left_out,
        figures=figures.of_group(group, analysis),
        per_task=tables.per_task(group) if is_compared else None,
        effects=tables.effects(group) if is_compared else None,
        solved=tables.solved(group) if is_compared else None,
        fewer=tables.fewer(group),
        areas=tables.areas(group),
    )
