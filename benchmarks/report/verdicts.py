"""What a report says first: a sentence for every comparison, what follows from it, and what to be careful of; on the page and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import stats
from benchmarks.evidence.records import Analysis, Comparison, Group
from benchmarks.report.style import bracket, caution, decimals, number, p_value, percent, slug, with_interval

BADGES = {  # tier of stats.Equivalence -> (class of the badge, its words)
    "A": ("good", "A · same runs, seed by seed"),  # Comparison.is_same_run, whatever the interval says
    "C": ("good", "C · statistically equivalent"),
    "identical": ("good", "identical scores"),
    "D": ("open", "D · not distinguished (no claim of parity)"),
    "different": ("bad", "different"),
    "unlike": ("open", "runs differ, but not shown: their average"),
    "none": ("open", "no claim"),
}


@dataclass(frozen=True)
class Line:
    """One sentence of a verdict."""

    text: str
    details: list[str] = field(default_factory=list)  # task by task
    tier: str | None = None  # of BADGES; None where it is no comparison

    @property
    def badge(self) -> tuple[str, str] | None:
        return None if self.tier is None else BADGES[self.tier]


@dataclass(frozen=True)
class Verdict:
    """What is said of one group."""

    group: str
    id: str  # of its section on the page
    lines: list[Line]
    caution: str


def verdict(group: Group) -> Verdict:
    """The sentences about one group for the box at the top."""
    lines = [_line(comparison, group) for comparison in group.comparisons]
    if not lines and group.aggregates:
        lines = [Line(f"{algo}: IQM {with_interval(group.aggregates['iqm'][algo])}, {group.unit}, {group.runs()} per task.") for algo in group.algos]
    lines += [Line(f"{what}: {why}.") for what, why in group.left_out.items()]
    warning = caution(group, "verdict" if group.comparisons else "aggregates")
    assumed = [f"{sentence}." for sentence in (*group.evidence.assumptions, *group.evidence.unequal_tuning)]
    return Verdict(group.name, slug(group), lines, " ".join(filter(None, [warning, *assumed])))


def _line(pair: Comparison, group: Group) -> Line:
    """One comparison in plain words: estimate, interval, n, margin, what follows, and task by task."""
    runs = group.runs()
    tasks = group.envs[0] if len(group.envs) == 1 else f"{len(group.envs)} tasks"
    details = [_task_detail(pair, env, group) for env in group.envs]
    per_task = " per task" if len(group.envs) > 1 else ""
    y = f"{pair.y}, its twin," if pair.is_twin and any(not other.is_twin for other in group.comparisons) else pair.y
    start = f"{pair.x} against {y} on {tasks}, {runs} each{per_task}{', paired by seed' if pair.evidence.paired else ''}: "
    if pair.overall is None:
        return Line(f"{start}no aggregate (the tasks share no unit); task by task below.", details)
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
    return Line(text, details, tier)


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


# -------------------------------------------------------------------------------------------------------------- terminal


def summary(analysis: Analysis, verdicts: list[Verdict]) -> Any:
    """The final scores and the verdicts, short, as something that rich prints."""
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
    lines += [Text(f"• {line.text}") for verdict in verdicts for line in verdict.lines]
    said = [w for group in analysis.groups for env in group.envs for known in group.evidence.of_cells(env).values() for w in known.warnings]
    said = [*(v.caution for v in verdicts), *(f"Caution. {w}." for w in said if w.startswith("t interval"))]
    return Stack(grid, *lines, *(Text(w, style="yellow") for w in dict.fromkeys(w for w in said if w)))
