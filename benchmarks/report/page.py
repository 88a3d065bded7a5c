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
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks import UserError, stats
from benchmarks.evidence import judgements, sequential
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Analysis, Comparison, Group, IncompleteStudy, unit_of
from benchmarks.report import exports, figures
from benchmarks.report import films as animation
from benchmarks.report.figures import Table, bracket, count, decimals, number, p_value, percent, signed, slug, steps, with_interval
from benchmarks.store import records
from benchmarks.store.plain import printable
from benchmarks.store.store import Store, write_whole
from benchmarks.studies import provenance as reproduction

__all__ = ["IncompleteStudy", "RenderedReport", "render"]

BADGES = {  # tier of stats.Equivalence -> (class of the badge, its words)
    "A": ("good", "A · same runs, seed by seed"),  # Comparison.is_same_run, whatever the interval says
    "C": ("good", "C · statistically equivalent"),
    "identical": ("good", "identical scores"),
    "D": ("open", "D · not distinguished (no claim of parity)"),
    "different": ("bad", "different"),
    "unlike": ("open", "runs differ, but not shown: their average"),
    "none": ("open", "no claim"),
}
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
    verdicts: list[dict[str, Any]]


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
    lines = [line["text"] for verdict in built.verdicts for line in verdict["lines"]]
    return RenderedReport(directory / "report.html", _summary(built.analysis, built.verdicts), lines)


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
    facts = reproduction.facts(analysis.study, analysis.runs, seals, rendering)
    facts["rendering"]["options"] = dataclasses.asdict(options)
    facts["checklist"] = exports.checklist(analysis, facts)

    scores, verdicts = _scores(analysis), [_verdict(group, analysis) for group in analysis.groups]
    curves = analysis.curves.sort_values(["algo", "env", "seed", "step"])
    groups = [_group_context(group, analysis) for group in analysis.groups]
    algos = analysis.study.algorithms
    films = _films(store, analysis, options, play)
    text = _html(analysis, facts, groups, scores, verdicts, _diagnostics(store.training()), films, options, now or datetime.now(UTC))
    files: dict[str, str | bytes] = {
        "report.html": text,
        "report.json": as_json(_numbers(analysis, verdicts)),
        "scores.csv": exports.table(scores),
        "curves.csv": exports.table(curves),
        "tables.tex": exports.latex(_tables(groups), analysis.study.name, facts["study"]["hash"]),
        "references.bib": exports.bibliography(algos, analysis.sequential is not None) + "\n",
    }
    if options.parquet:
        files |= {"scores.parquet": exports.parquet(scores), "curves.parquet": exports.parquet(curves)}
    facts["files"] = {name: hash_of(name, content) for name, content in sorted(files.items())}
    if options.pdf and not rendering:  # a print of the page, with its date: not among the hashes
        files["report.pdf"] = exports.pdf(text)
    return BuiltReport(analysis, {**files, "repro.json": as_json(facts)}, verdicts)


def _films(store: Any, analysis: Analysis, options: Options, play: Play | None) -> tuple[list[animation.Film], str]:
    """Animations of the median runs from the films that the study holds, or why there are none."""
    if not isinstance(store, Store):
        return [], "The models of these runs are not at hand."
    if options.animations and play is not None:
        play(store, analysis)
    if not animation.kept(store):
        if store.keeps_models:
            return [], "No film of these runs was made; sb3-course report with --trust makes them from the stored models."
        return [], "This study did not keep its models (keep_models: false), so there is none to watch."
    return (animation.films(store, analysis), "") if options.animations else ([], "Left out on request (--no-animations).")


# The only line that may differ between two reports of one store: a date and a commit, and nothing else.
DATE = re.compile(r'<p class="date">Rendered [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC'
                  r'(?: from commit [A-Za-z0-9._+-]{1,12}(?: with uncommitted changes)?)?</p>')  # fmt: skip


def hash_of(name: str, content: str | bytes) -> str:
    """sha256 of a file of the report; of the page, without the line with the date."""
    content = content if isinstance(content, bytes) else content.encode()
    if name == "report.html":
        content = DATE.sub("", content.decode(), count=1).encode()
    return hashlib.sha256(content).hexdigest()


def _tables(groups: list[dict[str, Any]]) -> list[tuple[str, Table, str]]:
    """The tables for a paper, (label, table, caption): of every figure but the curves and profiles, whose tables are excerpts."""
    found = []
    for group in groups:
        for part in ("aggregates", "comparisons", "tasks", "robustness"):
            found += [(f.key, f.table, f"{f.title}, group {group['name']}. {f.caption} {f.warning}".rstrip()) for f in group["figures"][part]]
        for part in ("per_task", "effects", "areas"):
            if group[part]:
                found.append((f"{group['id']}-{part}", group[part], f"{group[part].caption} {group[part].warning}".rstrip()))
    return found


# -------------------------------------------------------------------------------------------------------------- verdicts


def _verdict(group: Group, analysis: Analysis) -> dict[str, Any]:
    """The sentences about one group for the box at the top."""
    lines = [_sentence(comparison, group) for comparison in group.comparisons]
    if not lines and group.aggregates:
        lines = [
            {"badge": None, "text": f"{algo}: IQM {with_interval(group.aggregates['iqm'][algo])}, {group.unit}, {group.runs()} per task.", "details": []}
            for algo in group.algos
        ]
    lines += [{"badge": None, "text": f"{what}: {why}.", "details": []} for what, why in group.left_out.items()]
    warning = figures.caution(group, "verdict" if group.comparisons else "aggregates")
    assumed = [f"{sentence}." for sentence in group.evidence.assumptions]
    return {"group": group.name, "id": slug(group), "lines": lines, "caution": " ".join(filter(None, [warning, *assumed]))}


def _sentence(pair: Comparison, group: Group) -> dict[str, Any]:
    """One comparison in plain words: estimate, interval, n, margin, what follows, and task by task."""
    runs = group.runs()
    tasks = group.envs[0] if len(group.envs) == 1 else f"{len(group.envs)} tasks"
    details = [_task_detail(pair, env, group) for env in group.envs]
    per_task = " per task" if len(group.envs) > 1 else ""
    start = f"{pair.x} against {pair.y} on {tasks}, {runs} each{per_task}{', paired by seed' if pair.evidence.paired else ''}: "
    if pair.overall is None:
        return {"badge": None, "text": f"{start}no aggregate (the tasks share no unit); task by task below.", "details": details}
    test, unit = pair.overall, "normalised score" if "normalised" in group.unit else "mean return"
    apart, improvement = with_interval(test.difference, sign=True), with_interval(pair.improvement, 2)
    tier = "A" if pair.is_same_run else test.tier
    if tier == "A":
        same = "the same seed makes the same run: every evaluation is identical, seed by seed"
        then = conclusion(test) if test.tier == "C" else ""
        text = f"{start}{same}. Taken as independent samples, their difference of IQMs is {apart}, {unit}. {then}".rstrip()
    else:
        text = f"{start}difference of IQMs {apart}, {unit}. {conclusion(test)}{_settle(pair) if tier == 'D' else ''}"
    text = f"{text} P({pair.x} > {pair.y}) = {improvement}.{_solved_in_all(pair)}"
    return {"badge": BADGES[tier], "tier": tier, "text": text, "details": details}


def _solved_in_all(pair: Comparison) -> str:
    """How many runs of all tasks solved theirs, where not all or none did."""
    known = [task.solved for task in pair.evidence.tasks.values() if task.solved]
    if not known:
        return ""
    (x, n_x), (y, n_y) = (np.sum(side, axis=0) for side in ([solved.x for solved in known], [solved.y for solved in known]))
    return "" if (x, y) in ((0, 0), (n_x, n_y)) else f" Solved: {x} of {n_x} runs of {pair.x}, {y} of {n_y} of {pair.y}."


def _solved(pair: Comparison, env: str) -> str:
    """The solved runs of one task, and what follows, where some run of either side did not end like all others."""
    solved = pair.evidence.tasks[env].solved
    if not solved or (solved.x[0], solved.y[0]) in ((0, 0), (solved.x[1], solved.y[1])):
        return ""
    (x, n_x), (y, n_y) = solved.x, solved.y
    p = solved.p_holm
    is_more = p < stats.ALPHA
    which = f"{pair.x if x * n_y > y * n_x else pair.y} solves more often" if is_more else "how often they solve it is not distinguished"
    tested = f" (p\u00a0{_is(p)}, {solved.test.method} test)" if np.isfinite(p) else ""
    return f"; solved in {x} of {n_x} runs against {y} of {n_y}: {which}{tested}" if tested else f"; solved in {x} of {n_x} runs against {y} of {n_y}"


def conclusion(test: stats.Equivalence) -> str:
    """What follows from a test of equivalence, in a sentence or two."""
    narrow = f"90\u00a0% interval {bracket(test.narrow)}"
    if test.tier == "C":
        small = f" A difference is detectable (p\u00a0{_is(test.p)}), but smaller than the margin." if test.p < stats.ALPHA else ""
        return f"Equivalent within the margin: the {narrow} lies inside ±{test.margin:.3g}.{small}"
    if test.tier == "identical":
        return "Every run of both has the same score on each task."
    if test.tier == "different":
        return f"Different: {test.note}."
    if test.tier == "unlike":
        return f"Not distinguished in the {test.shape.name if test.shape else 'average'}, though the runs differ: {test.note}."
    if test.tier == "none":
        return f"No claim: {test.note}."
    if test.margin is None:
        why = test.note or "the interval includes 0"
        return f"Not distinguished: {why}. Without reference scores there is no margin, so equivalence cannot be tested."
    return f"Not distinguished, which is not parity: {test.note or f'the {narrow} reaches beyond ±{test.margin:.3g}'}."


def _is(p: float) -> str:
    said = p_value(p)
    return (said if said.startswith("<") else f"= {said}").replace(" ", "\u00a0")


def _settle(pair: Comparison) -> str:
    """How many seeds would settle what is open."""
    known = pair.evidence
    assert pair.overall is not None
    parts = [f"{known.runs_for_equivalence} runs a side to show equivalence, if there is no difference"] if known.runs_for_equivalence else []
    more = known.runs_to_detect or 0  # fewer than there are: the test's n was not the obstacle
    parts += [f"{more} to find a difference as large as the one seen"] if more > pair.overall.difference.n else []
    return f" With 80\u00a0% power it would take about {'; or '.join(parts)}." if parts else ""


def _task_detail(pair: Comparison, env: str, group: Group) -> str:
    test = pair.tasks[env]
    one, other = group.cells[pair.x, env].summary, group.cells[pair.y, env].summary
    digits = decimals(one.mean, other.mean)
    start = f"{env}: mean return {number(one.mean, digits)} against {number(other.mean, digits)}"
    if test.tier == "identical":
        return f"{start}: identical in all runs."
    margin = f"; 90\u00a0% interval {bracket(test.narrow, digits)}, margin ±{number(test.margin, digits)}" if test.margin else ""
    detectable = " (a smaller difference is detectable)" if test.tier == "C" and test.p < stats.ALPHA else ""
    p = f", p\u00a0{_is(test.p)}" if np.isfinite(test.p) else ""
    same, shared = pair.same[env]
    twins = f"; {same} of {shared} seeds make exactly the same run" if same and pair.is_twin else ""
    apart = with_interval(test.difference, digits, sign=True)
    return f"{start}, difference {apart}{p}{margin}: {test.meaning}{detectable}{_of_iqms(pair, env)}{_solved(pair, env)}{twins}."


def _of_iqms(pair: Comparison, env: str) -> str:
    """Why a claim about the means was not made, and what the IQMs allow to say, which a few failures do not move."""
    test, iqm = pair.tasks[env], pair.evidence.tasks[env].iqm
    if iqm is None or test.shape is None or test.tier not in ("D", "unlike"):
        return ""
    apart = with_interval(iqm.difference, decimals(test.difference.point, iqm.difference.point), sign=True)
    return f" (of so few runs, up to {percent(round(test.shape.hidden, 2))} may fail unseen); IQMs {apart} apart: {iqm.meaning}"


# ------------------------------------------------------------------------------------------------------------------ data


def _scores(analysis: Analysis) -> pd.DataFrame:
    """The final score of every finished run."""
    rows = []
    for group in analysis.groups:
        for (algo, env), cell in group.cells.items():
            scale = group.scales[env]
            for seed, score in zip(cell.seeds, cell.final, strict=True):
                rows.append((group.name, algo, env, seed, int(cell.steps[-1]), unit_of(algo), score, float(scale(score)) if scale.span else None))
    return pd.DataFrame(rows, columns=["group", "algo", "env", "seed", "budget", "unit", "score", "normalised_score"])


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


def _numbers(analysis: Analysis, verdicts: list[dict]) -> dict[str, Any]:
    """Every number of the report, with names that say where it stands."""
    return {
        "study": analysis.study.name,
        "hash": analysis.study.hash or None,
        "is_partial": analysis.is_partial,
        "missing": analysis.missing,
        "statistics": analysis.statistics,
        "verdicts": {v["group"]: [{k: line.get(k) for k in ("tier", "text", "details")} for line in v["lines"]] for v in verdicts},
        "groups": {group.name: group for group in analysis.groups},
    }


def _diagnostics(training: pd.DataFrame) -> Table | None:
    """The last logged value of each training metric: median and range over all runs of an algorithm on a task."""
    if training.empty:
        return None
    last = training.sort_values("step", kind="stable").groupby(["algo", "env", "key", "seed"], sort=True)["value"].last()
    rows = []
    for (algo, env, key), values in last.groupby(level=["algo", "env", "key"]):
        known = values.dropna()
        found = [f"{f(known):.4g}".replace("-", "−") for f in (np.median, np.min, np.max)] if len(known) else ["–"] * 3
        rows.append([algo, env, key, str(len(values)), *found, "" if len(known) == len(values) else f"{len(values) - len(known)} NaN"])
    return Table(["algorithm", "task", "metric", "runs", "median", "min", "max", "note"], rows)


# ------------------------------------------------------------------------------------------------------------------ html


def environment() -> Environment:
    """For all pages: what is text is escaped, and what a reader could not see is made visible."""
    visible = lambda value: printable(value) if type(value) is str else value
    loader = PackageLoader("benchmarks.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=visible)


def style() -> str:
    return (resources.files("benchmarks.report") / "templates" / "report.css").read_text(encoding="utf-8")


def _html(
    analysis: Analysis, facts: dict, groups: list[dict], scores: pd.DataFrame, verdicts: list[dict], diagnostics: Table | None,
    films: tuple[list[animation.Film], str], options: Options, now: datetime,
) -> str:  # fmt: skip
    study = analysis.study
    return environment().get_template("report.html").render(
        style=style(),
        study=study,
        analysis=analysis,
        statistics=analysis.statistics,
        date=now.strftime("%Y-%m-%d %H:%M UTC") + _rendered_by(),
        verdicts=verdicts,
        protocol=_protocol(analysis),
        budgets=_budgets(analysis),
        scales=_scales(analysis),
        groups=groups,
        lead=_lead(groups),
        speeds=_speeds(analysis),
        accounts=_accounts(analysis),
        failures=_failures(analysis),
        diagnostics=diagnostics,
        films=films[0],
        no_films=films[1],
        facts=facts,
        host_rows=_host_rows(facts),
        run_rows=_run_rows(facts),
        score_rows=_score_rows(scores),
        most_rows=MOST_ROWS,
        options_said="".join(f", <code>{name}</code>" for name, on in (("report.pdf", options.pdf), ("*.parquet", options.parquet)) if on),
        study_yaml=study.to_yaml(width=110),
        bibliography=exports.bibliography(study.algorithms, analysis.sequential is not None),
        environment_rows=_environment_rows(facts),
        checklist_rows=_checklist_rows(facts),
    )


def _lead(groups: list[dict[str, Any]]) -> tuple[str, figures.Figure] | None:
    """The picture under the verdict, and its title: every run of the only task, else the learning curves over all tasks; of the first group that has one."""
    for group in groups:
        drawn = group["figures"]
        order = ("tasks", "curves", "aggregates") if len(group["envs"]) == 1 else ("curves", "aggregates", "tasks")
        figure = next((drawn[part][0] for part in order if drawn[part]), None)
        if figure is not None:
            return (f"{figure.title}, group {group['name']}" if len(groups) > 1 else figure.title), figure
    return None


def _rendered_by() -> str:
    """The code that renders; on the line with the date, the only one that may differ between two reports of one store."""
    source = reproduction.source()
    return f" from commit {source['commit'][:12]}{' with uncommitted changes' if source['dirty'] else ''}" if source["commit"] else ""


def _protocol(analysis: Analysis) -> list[tuple[str, str]]:
    """The protocol card: what was measured, in words."""
    study, how = analysis.study, analysis.statistics
    protocol = study.protocol or {}
    points, episodes = protocol.get("eval_points"), protocol.get("eval_episodes")
    special = {e: s["eval_episodes"] for e, s in (study.envs or {}).items() if s.get("eval_episodes")}
    more = "".join(f", {n} on {e}" for e, n in special.items())
    kind = "greedy (deterministic) actions" if protocol.get("deterministic", True) else "sampled actions"
    planned, finished = len(analysis.runs), int((analysis.runs["status"] == "finished").sum())
    welch = "paired" if how.paired else "Welch's"
    card = [
        ("Score of a run", f"mean return over the evaluation episodes at the last checkpoint, after training (protocol {protocol.get('name', 'final')}); "
                           "no checkpoint is chosen for its score"),
        ("Evaluation", f"{episodes} episodes{more}, {kind}, at each of {points} checkpoints evenly spaced over the budget; rewards are the environment's own"),
        ("Seeds", f"{len(study.seeds)}: {_ranges(study.seeds)}; the same evaluation episodes for every algorithm"),
        ("Runs", f"{planned} planned, {finished} finished"),
        ("Intervals", f"{percent(how.confidence)}, by a stratified bootstrap of {count(how.reps)} repetitions, seed {how.seed}, in which the "
                      "runs of a seed on all tasks are drawn together: percentile intervals of P(X > Y), Cliff's δ and ranks, and of the IQM of one task; "
                      "expanded ones, which allow for few runs, of aggregates, differences, learning curves and profiles. "
                      f"Of one task also t intervals of means, and {welch} t intervals of their differences"),
        ("Differences", f"claimed where the larger p of a studentised permutation test and {welch} t test (of IQMs: Yuen's) "
                        f"is below {percent(stats.ALPHA)} after Holm, over the pairs and tasks of a group. Skewed scores of equal mean and "
                        "unequal spread are called different more often than that, the more so the fewer runs (results/calibration)"),
        ("Failures", _failures_assumed(analysis)),
        ("Margin of equivalence", f"±{how.margin:g} of the span from random to expert, fixed in the study before running; equivalence is claimed where the "
                                  f"90\u00a0% interval of the difference lies inside it, from at least {stats.FEWEST_RUNS_FOR_EQUIVALENCE} runs; not "
                                  "corrected for the number of pairs and tasks: each errs in 5\u00a0%, so of many at the edge of the margin some will"),
        ("What n allows", _power(analysis)),
    ]
    over = [f"in group {group.name}, {sentence[0].lower()}{sentence[1:]}" for group in analysis.groups if (sentence := judgements.correlation_said(group))]
    if over:
        card.append(("Seeds over tasks", "a run's seed is the same on all tasks, so the runs of a seed are resampled and permuted as one unit: intervals and "
                                         f"tests over tasks hold whatever their correlation. Measured here: {'; '.join(over)}"))
    if how.paired:
        card.append(("Pairs", "runs of the same seed share their environment and are compared as pairs; Hedges' g and areas take them as independent"))
    tuned = exports.tuning(study)
    said_of_them = [exports.hyperparams_from(study), f"{tuned}. No seed of tuning is among the seeds here" if tuned else ""]
    if any(said_of_them):
        card.append(("Hyper-parameters", ". ".join(filter(None, said_of_them))))
    if analysis.sequential is not None:
        after = judgements.after_stopping(study)
        card.append(("Sequential", f"{sequential.error_per_study(study)}, of algorithms that are the same in distribution. P-values of single tests hold "
                                   "no longer after several looks and are left out. Intervals, those behind claims of equivalence too, take the number "
                                   f"of runs as fixed{f': {after}' if after else ''}"))
    said = protocol.get("words") or {}  # of runs that other programs made: what is known of them
    return [(term, said.get(term, words)) for term, words in card]


def _failures_assumed(analysis: Analysis) -> str:
    """What keeps a claim from resting on failures that were not seen."""
    known = [scale.span is not None for group in analysis.groups for scale in group.scales.values()]
    once = any(cell.scores.shape[1] < 2 for group in analysis.groups for cell in group.cells.values())
    unknown = "failures that were not seen cannot be allowed for, since one checkpoint shows no score of a run that has not learnt" if once else (
        "it may score as the lowest or highest of any run at any checkpoint")
    bounded = "a run that was not seen may score as the random policy does, or as the expert" if any(known) else unknown
    bounded += "" if all(known) or not any(known) else f"; on tasks without these scores {unknown}"
    return (f"a mean or IQM of few runs says little of how often runs fail: of n runs without a failure, up to 1 − 0.05^(1/n) may fail. A difference, and an "
            f"equivalence, is claimed only if it survives other weights of the runs seen (95\u00a0% of weighings) and failures not seen (at 95\u00a0%); "
            f"{bounded}. A task counts as solved by a run that ends at {percent(analysis.statistics.threshold)} of the span from random to expert or beyond; "
            "shares of solved runs are compared by an exact test, with Holm's correction over the pairs and tasks of a group")


def _ranges(seeds: list[int]) -> str:
    whole = list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]}–{seeds[-1]}" if seeds == whole and len(seeds) > 1 else ", ".join(map(str, seeds))


def _power(analysis: Analysis) -> str:
    n = min((c.n for g in analysis.groups for c in g.cells.values()), default=0)
    return f"{stats.coverage_note(n, analysis.statistics.confidence)}. For one task, read the t interval beside it." if n else "nothing finished"


def _budgets(analysis: Analysis) -> Table:
    """Budget of every algorithm and task, and the RL Zoo's own beside it: a cut is named."""
    rows = []
    is_ours = analysis.study.zoo_budget is not None
    zoo = analysis.study.zoo_budget or {}
    planned = analysis.runs.drop_duplicates(["algo", "env"]).set_index(["algo", "env"])["steps"]
    for group in analysis.study.groups:
        for env in group["envs"]:
            for algo in group["algos"]:
                mine, theirs = int(planned[algo, env]), (zoo.get(env) or {}).get(algo)
                if unit_of(algo) != "steps":
                    note = f"{count(mine)} state {unit_of(algo)} at most; no environment steps"
                elif theirs is None:
                    note = "the RL Zoo has no tuned entry"
                elif mine == theirs:
                    note = "the Zoo's own"
                else:
                    note = f"{'CUT' if mine < theirs else 'raised'} to {percent(mine / theirs)} of the Zoo's"
                rows.append([env, algo, steps(mine), *([steps(theirs) if theirs else "–", note] if is_ours else [])])
    return Table(["task", "algorithm", "budget", *(["RL Zoo's budget", "note"] if is_ours else [])], rows)


def _scales(analysis: Analysis) -> Table:
    rows = []
    for group in analysis.groups:
        for env in group.envs:
            given = (analysis.study.normalise or {}).get(env) or {}
            known = (analysis.study.references or {}).get(env) or []
            others = "; ".join(f"{r['label']}: {number(r['score'])}" for r in known)
            source = given.get("source", "none: scores stay in the task's own unit")
            rows.append([env, number(given.get("random")), number(given.get("expert")), source, others or "–"])
    return Table(["task", "random (0)", "expert (1)", "source", "published scores"], rows)


def _group_context(group: Group, analysis: Analysis) -> dict[str, Any]:
    return {
        "name": group.name,
        "id": slug(group),
        "algos": group.algos,
        "envs": group.envs,
        "unit": group.unit,
        "left_out": group.left_out,
        "figures": figures.of_group(group, analysis),
        "per_task": _per_task(group) if group.comparisons else None,
        "effects": _effects(group) if group.comparisons else None,
        "solved": _solved_table(group) if group.comparisons else None,
        "fewer": _fewer(group),
        "areas": _areas(group),
    }


def _effects(group: Group) -> Table:
    """Tests and effect sizes task by task, and what this n can find."""
    rows = []
    for pair in group.comparisons:
        for env in group.envs:
            known, digits = pair.evidence.tasks[env], decimals(group.cells[pair.x, env].summary.mean, group.cells[pair.y, env].summary.mean)
            detectable = number(known.detectable, digits) if known.detectable else "–"
            seeds = " / ".join(str(n or "–") for n in (known.runs_to_detect, known.runs_for_equivalence))
            tests = [p_value(np.nan if p is None else p) for p in (known.test_holm, known.welch_holm, known.equivalence_p)]
            effects = [with_interval(effect, 2, sign=True) for effect in (known.hedges_g, known.cliffs_delta)]
            rows.append([env, pair.x, pair.y, *tests, *effects, detectable, seeds])
    paired = group.comparisons[0].evidence.paired
    header = ["task", "X", "Y", "p of the difference (Holm)", f"p, {'paired t' if paired else 'Welch'} (Holm)", "p, TOST", "Hedges' g", "Cliff's δ"]
    header += ["detectable at this n", "runs to detect / for equivalence"]
    caption = (f"Tests corrected by Holm over this table, TOST not; the first p is the larger of the permutation test's and the {'paired ' if paired else ''}"
               "t test's. Effect sizes with intervals; the smallest difference that this n finds with 80\u00a0% power, "
               "in the task's unit; and how many runs a side would find the difference seen, or show equivalence if there is none.")  # fmt: skip
    return Table(header, rows, caption, figures.caution(group, "effects"))


def _solved_table(group: Group) -> Table | None:
    """How many runs solved each task, with its own test."""
    rows, exact = [], "Boschloo's exact test"
    for pair in group.comparisons:
        for env in group.envs:
            known = pair.evidence.tasks[env].solved
            if known:
                exact = f"{known.test.method} test"
                rows.append([env, pair.x, pair.y, *(f"{k} of {n}" for k, n in (known.x, known.y)), p_value(known.test.p), p_value(known.p_holm)])
    if not rows:
        return None
    caption = (f"Runs whose final score reaches the study's threshold, which was fixed before the runs; p of equal shares by {exact}, and after Holm over this "
               "table. It assumes nothing of the shape of the scores.")  # fmt: skip
    return Table(["task", "X", "Y", "solved by X", "solved by Y", "p", "p (Holm)"], rows, caption)


def _fewer(group: Group) -> list[str]:
    """Whether five seeds would have told the same story, a sentence for each comparison."""
    said = []
    for pair in group.comparisons:
        story = pair.evidence.fewer_seeds
        if story is not None and pair.overall is not None and pair.overall.difference.point:
            ahead, low, high, whole = percent(round(story.same_sign, 3)), signed(story.low), signed(story.high), signed(pair.overall.difference.point)
            said.append(f"{pair.x} against {pair.y}: of random choices of {story.n} runs a task, {ahead} put the same side ahead as all runs do; "
                        f"95\u00a0% of them find a difference between {low} and {high}, where all runs find {whole}.")
    return said


def _areas(group: Group) -> Table | None:
    """The mean score during training: over the tasks, and task by task."""
    rows = [[env, algo, with_interval(known.area)] for env in group.envs for algo, known in group.evidence.of_cells(env).items()]
    rows += [["all tasks (IQM, normalised)", algo, with_interval(area)] for algo, area in group.evidence.area.items() if len(group.envs) > 1]
    over_all = "all tasks (IQM, normalised)" if len(group.envs) > 1 else group.envs[0]
    rows += [[over_all, f"{p.x} − {p.y}", with_interval(p.evidence.area, sign=True)] for p in group.comparisons if p.evidence.area is not None]
    how = "Area under the learning curve as the mean score between the first and the last checkpoint: task by task with its t interval"
    over = ", over all tasks with an expanded-bootstrap interval" if len(group.envs) > 1 else ""
    apart = "; differences of IQMs, in the group's unit, with expanded ones" if any(pair.evidence.area is not None for pair in group.comparisons) else ""
    return Table(["task", "algorithm", "mean score during training"], rows, f"{how}{over}{apart}.", figures.caution(group, "areas"))


def _per_task(group: Group) -> Table:
    rows = []
    for pair in group.comparisons:
        for env in group.envs:
            test = pair.tasks[env]
            same, shared = pair.same[env]
            digits = decimals(group.cells[pair.x, env].summary.mean, group.cells[pair.y, env].summary.mean)
            margin = f"±{number(test.margin, digits)}" if test.margin else "–"
            apart, narrow = with_interval(test.difference, digits, sign=True), bracket(test.narrow, digits)
            rows.append([env, pair.x, pair.y, apart, narrow, margin, test.meaning, f"{same} of {shared}"])
    header = ["task", "X", "Y", "mean(X) − mean(Y)", "90 % interval", "margin", "verdict", "same run at the same seed"]
    how = "the paired t interval (runs of the same seed)" if group.comparisons[0].evidence.paired else "Welch's t interval"
    return Table(header, rows, f"Task by task, in the task's own unit: difference of means with {how}.", figures.caution(group, "per_task"))


def _speeds(analysis: Analysis) -> Table:
    rows = []
    for group in analysis.groups:
        for (algo, env), cell in group.cells.items():
            unit = "steps/s" if unit_of(algo) == "steps" else f"{unit_of(algo)}/s"
            runs = analysis.runs[(analysis.runs["algo"] == algo) & (analysis.runs["env"] == env) & (analysis.runs["group"] == group.name)]
            together = sorted({int(k) for k in runs["lockstep"].dropna()}) if "lockstep" in runs else []
            width = ", ".join(map(str, together)) or "–"
            known = ((cell.steps_per_second, 0, unit), (cell.train_seconds, 1, "s"), (cell.eval_seconds, 1, "s"))
            speed, train, evaluate = (f"{number(value, digits)} {of}" if np.isfinite(value) else "not known" for value, digits, of in known)
            rows.append([algo, env, speed, width, train, evaluate])
    return Table(["algorithm", "task", "speed (median run)", "seeds in one process", "training per run", "evaluation per run"], rows)


def _accounts(analysis: Analysis) -> Table:
    """What became of every planned run."""
    rows = []
    for group in analysis.groups:
        for env, of_algo in group.evidence.tasks.items():
            for algo, known in of_algo.items():
                diverged = ", ".join(map(str, known.diverged)) or "–"
                errors = "; ".join(f"{n} × {error}" for error, n in known.errors.items()) or "–"
                rows.append([algo, env, *map(str, (known.planned, known.finished, known.failed, known.missing)), diverged, errors])
    header = ["algorithm", "task", "planned", "finished", "failed", "missing", "diverged (seeds)", "errors"]
    return Table(header, rows, "Every planned run is in one of finished, failed, missing. A run that diverged has finished: its score counts.")


def _failures(analysis: Analysis) -> list[dict[str, Any]]:
    lost = analysis.runs[analysis.runs["status"] != "finished"].drop_duplicates("run_id")
    columns = ("run_id", "algo", "env", "seed", "status", "error", "traceback")
    return [{c: None if pd.isna(row[c]) else row[c] for c in columns} for row in lost.to_dict("records")]


def _host_rows(facts: dict) -> Table:
    keys = list(dict.fromkeys(key for host in facts["hosts"] for key in host))
    rows = [[key.replace("_", " "), *(str(host.get(key, "–")) for host in facts["hosts"])] for key in keys]
    return Table(["", *(f"machine {k + 1}" for k in range(len(facts["hosts"])))], rows)


def _environment_rows(facts: dict) -> Table:
    rows = []
    for env, known in facts["rendering"]["environments"].items():
        files = ", ".join(f"{name} {digest[:16]}" for name, digest in known.get("files", {}).items())
        rows.append([env, known.get("entry_point", known.get("source", "–")), files or known.get("note", "–")])
    return Table(["environment", "entry point", "source and assets, first 16 digits of sha256"], rows)


def _checklist_rows(facts: dict) -> Table:
    return Table(["", "point", "answer", "where"], [[c["part"], c["point"], c["answer"], c["where"]] for c in facts["checklist"]])


def _run_rows(facts: dict) -> Table:
    short = lambda text: text[:16] if text else "–"
    rows = [
        [r["run_id"], str(r["seed"]), str(r["model_seed"] or "–"), r["status"], short(r["weights_hash_start"]), short(r["weights_hash_end"]), short(r["seal"])]
        for r in facts["runs"]
    ]
    return Table(["run", "seed", "model seed", "status", "weights at start", "weights at end", "files"], rows)


def _score_rows(scores: pd.DataFrame) -> Table:
    rows = [
        [r.group, r.algo, r.env, str(r.seed), repr(float(r.score)).replace("-", "−"), "–" if pd.isna(r.normalised_score) else number(r.normalised_score, 4)]
        for r in scores.itertuples()
    ]
    return Table(["group", "algorithm", "task", "seed", "final score", "normalised"], rows)


# -------------------------------------------------------------------------------------------------------------- terminal


def _summary(analysis: Analysis, verdicts: list[dict]) -> Any:
    from rich.console import Group as Stack
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(title=f"{analysis.study.name}: final scores", title_justify="left")
    for column in ("algorithm", "environment"):
        grid.add_column(column)
    for column in ("n", f"mean [{percent(analysis.statistics.confidence)} t interval]", "IQM", "min", "max"):
        grid.add_column(column, justify="right", no_wrap=True)
    for group in analysis.groups:
        for (algo, env), cell in group.cells.items():
            n = str(cell.n) if cell.n == cell.planned else f"{cell.n} of {cell.planned}"
            s = cell.summary
            mean = with_interval(s.t).replace(": their spread cannot be estimated", "")
            grid.add_row(algo, env, n, mean, number(s.iqm), number(s.minimum), number(s.maximum))
        grid.add_section()
    lines = [Text(f"Incomplete: {'; '.join(analysis.missing)}.", style="bold red")] if analysis.is_partial else []
    lines += [Text(f"• {line['text']}") for verdict in verdicts for line in verdict["lines"]]
    said = [w for group in analysis.groups for env in group.envs for known in group.evidence.of_cells(env).values() for w in known.warnings]
    said = [*(v["caution"] for v in verdicts), *(f"Caution. {w}." for w in said if w.startswith("t interval"))]
    return Stack(grid, *lines, *(Text(w, style="yellow") for w in dict.fromkeys(w for w in said if w)))

