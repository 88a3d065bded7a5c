"""What a report says first: a sentence for every comparison, what follows from it, and what to be careful of; on the page and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import stats
from benchmarks.evidence.records import Analysis, Attainable, Comparison, Group, Learnt
from benchmarks.report.style import bracket, caution, decimals, number, p_value, percent, slug, with_interval

BADGES = {  # tier of stats.Equivalence -> (class of the badge, its words)
    "A": ("good", "A · same runs, seed by seed"),  # Comparison.is_same_run, whatever the interval says
    "C": ("good", "C · statistically equivalent"),
    "identical": ("good", "identical scores"),
    "D": ("open", "D · not distinguished"),
    "different": ("bad", "different"),
    "unlike": ("open", "runs differ, but not shown: their average"),
    "none": ("open", "no claim"),
}


SHORT = {**stats.PARITY, "D": "not distinguished"}  # of a task, where the sentence above says that this is no parity
SAME_RUN = "same runs, seed by seed"
LEARNT = {"yes": "Learnt", "in part": "Learnt in part", "unclear": "Unclear whether learnt", "no": "Did not learn"}  # Learnt.tier -> its words
SHARES = "Shares: how far the mean lies on the way from the random policy's score (0 %) to the expert's (100 %), with its t interval."
MOST_LEARNT = 8  # of a tier, that are named in the box; the tables of the tasks hold all


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
    limits: list[str] = field(default_factory=list)  # sentences: what so few runs cannot find
    learnt: list[tuple[str, str]] = field(default_factory=list)  # whether the algorithms learnt their tasks at all: (words, which)


def verdict(group: Group) -> Verdict:
    """The sentences about one group for the box at the top."""
    lines = [_line(comparison, group) for comparison in group.comparisons]
    if not lines and group.aggregates:
        lines = [Line(f"{algo}: IQM {with_interval(group.aggregates['iqm'][algo])}, {group.unit}, {group.runs()} per task.") for algo in group.algos]
    lines += [Line(f"{what}: {why}.") for what, why in group.left_out.items()]
    warning = caution(group, "verdict" if group.comparisons else "aggregates")
    assumed = [f"{sentence}." for sentence in (*group.evidence.assumptions, *group.evidence.unequal_tuning)]
    return Verdict(group.name, slug(group), lines, " ".join(filter(None, [warning, *assumed])), limits(group), learnt(group))


NO_PARITY = "“Not distinguished” is no claim of parity."


def in_short(pair: Comparison, env: str | None = None) -> str:
    """The verdict of a comparison for a table: of one task, or over all."""
    test = pair.overall if env is None else pair.tasks[env]
    assert test is not None
    same, shared = pair.same[env] if env else (0, 0)
    return SAME_RUN if pair.is_same_run or (pair.is_twin and same == shared > 0) else SHORT[test.tier]


def limits(group: Group) -> list[str]:
    """What tests of so few runs cannot find: over all tasks, or of the tasks one by one."""
    over, by_task = group.evidence.attainable, group.evidence.attainable_by_task
    if over is not None and over.said:
        return [f"{over.said}."]
    if by_task is not None and by_task.said:
        return [f"Task by task: {by_task.said[0].lower()}{by_task.said[1:]}." if over is not None or len(group.envs) > 1 else f"{by_task.said}."]
    return []


def learnt(group: Group) -> list[tuple[str, str]]:
    """Whether the algorithms learnt their tasks at all, by the rule of the protocol; algorithms with the same numbers, such as twins, together."""
    found: dict[str, dict[tuple[str, str], list[str]]] = {tier: {} for tier in LEARNT}
    for env in group.envs:
        for algo in dict.fromkeys(a for a, _ in group.cells):
            known = group.evidence.of_cells(env).get(algo)
            if known is not None and known.learnt is not None:
                said = "" if known.learnt.tier == "yes" else how_far(known.learnt, group.cells[algo, env].n)
                found[known.learnt.tier].setdefault((env, said), []).append(algo)
    lines = []
    for tier, places in found.items():
        together: dict[tuple[str, str], list[str]] = {}  # the same algorithms, with nothing to be said of each task
        for (env, said), algos in places.items():
            together.setdefault((_and(algos), said), []).append(env)
        parts = [f"{algos} on {'all tasks' if len(envs) == len(group.envs) > 2 else _and(envs)}{f' ({said})' if said else ''}"
                 for (algos, said), envs in together.items()]  # fmt: skip
        if parts:
            more = f"; and {len(parts) - MOST_LEARNT} more, in the tables of the tasks" if len(parts) > MOST_LEARNT else ""
            lines.append((LEARNT[tier], f"{'; '.join(parts[:MOST_LEARNT])}{more}."))
    return lines


def how_far(known: Learnt, n: int) -> str:
    """"25 % [13 %, 36 %], solved by 0 of 10 runs": of the way from random to expert."""
    share, whole = known.share, lambda value: f"{100 * value:.0f}\u00a0%".replace("-", "−")
    interval = f" [{whole(share.low)},\u00a0{whole(share.high)}]" if share.is_claimed else ""
    return f"{whole(share.point)}{interval}, solved by {known.solved} of {n} run{'s' if n > 1 else ''}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _line(pair: Comparison, group: Group) -> Line:
    """One comparison in plain words: estimate, interval, n, margin, what follows, and task by task."""
    runs = group.runs()
    tasks = group.envs[0] if len(group.envs) == 1 else f"{len(group.envs)} tasks"
    details = [_task_detail(pair, env, group) for env in group.envs]
    cannot = group.evidence.attainable if group.evidence.attainable and group.evidence.attainable.said else None
    per_task = " per task" if len(group.envs) > 1 else ""
    y = f"{pair.y}, its twin," if pair.is_twin and any(not other.is_twin for other in group.comparisons) else pair.y
    start = f"{pair.x} against {y} on {tasks}, {runs} each{per_task}{', paired by seed' if pair.evidence.paired else ''}: "
    if pair.overall is None:
        return Line(f"{start}no aggregate (the tasks share no unit); task by task below.", details)
    test, unit = pair.overall, "normalised score" if "normalised" in group.unit else "mean return"
    apart, improvement = with_interval(test.difference, sign=True), with_interval(pair.improvement, 2)
    tier = "A" if pair.is_same_run else test.tier
    if tier == "A":  # what is said of samples would be of one sample, twice
        middle = group.aggregates["iqm"][pair.x]
        return Line(f"{start}the same seed makes the same run: every evaluation is identical. Both have an IQM of {with_interval(middle)}, {unit}."
                    f"{_solved_in_all(pair)}", details, tier)  # fmt: skip
    text = f"{start}difference of IQMs {apart}, {unit}. {conclusion(test, cannot)}{_settle(pair, cannot) if tier == 'D' else ''}"
    return Line(f"{text} P({pair.x} > {pair.y}) = {improvement}.{_solved_in_all(pair)}", details, tier)


def _solved_in_all(pair: Comparison) -> str:
    """How many runs of all tasks solved theirs, where not all or none did."""
    known = [task.solved for task in pair.evidence.tasks.values() if task.solved]
    if not known:
        return ""
    (x, n_x), (y, n_y) = (np.sum(side, axis=0) for side in ([solved.x for solved in known], [solved.y for solved in known]))
    if (x, y) in ((0, 0), (n_x, n_y)):
        return ""
    return f" Solved: {x} of {n_x} runs" + (" of each." if pair.is_same_run else f" of {pair.x}, {y} of {n_y} of {pair.y}.")


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


def conclusion(test: stats.Equivalence, cannot: Attainable | None = None) -> str:
    """What follows from a test of equivalence, in a sentence or two. cannot: why no difference could have been found."""
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
    if cannot is not None and test.tier == "D":
        equal = "" if test.margin is None or not test.narrow.is_claimed else f"; the {narrow} {_inside(test)} ±{test.margin:.3g}"
        return f"Not distinguished, which is not parity: with so few runs no test could{equal}."
    if test.margin is None:
        why = test.note or "the interval includes 0"
        return f"Not distinguished: {why}. Without reference scores there is no margin, so equivalence cannot be tested."
    return f"Not distinguished, which is not parity: {test.note or f'the {narrow} reaches beyond ±{test.margin:.3g}'}."


def _inside(test: stats.Equivalence) -> str:
    assert test.margin is not None
    return "lies inside" if -test.margin < test.narrow.low and test.narrow.high < test.margin else "reaches beyond"


def _is(p: float) -> str:
    said = p_value(p)
    return (said if said.startswith("<") else f"= {said}").replace(" ", "\u00a0")


def _settle(pair: Comparison, cannot: Attainable | None = None) -> str:
    """How many seeds would settle what is open; to find a difference, at least as many as `cannot` says."""
    known = pair.evidence
    assert pair.overall is not None
    parts = [f"{known.runs_for_equivalence} runs a side to show equivalence, if there is no difference"] if known.runs_for_equivalence else []
    more = max(known.runs_to_detect or 0, cannot.fewest_runs if cannot and known.runs_to_detect else 0)  # fewer than there are: n was not the obstacle
    parts += [f"{more} to find a difference as large as the one seen"] if more > pair.overall.difference.n else []
    return f" With 80\u00a0% power it would take about {'; or '.join(parts)}." if parts else ""


def _task_detail(pair: Comparison, env: str, group: Group) -> str:
    test = pair.tasks[env]
    one, other = group.cells[pair.x, env].summary, group.cells[pair.y, env].summary
    digits = decimals(one.mean, other.mean)
    start = f"{env}: mean return {number(one.mean, digits)} against {number(other.mean, digits)}"
    same, shared = pair.same[env]
    if pair.is_twin and same == shared > 0:
        return f"{env}: mean return {number(one.mean, digits)} of both, {SAME_RUN} ({same} of {shared})."
    if test.tier == "identical":
        return f"{start}: identical in all runs."
    margin = f"; 90\u00a0% interval {bracket(test.narrow, digits)}, margin ±{number(test.margin, digits)}" if test.margin else ""
    detectable = " (a smaller difference is detectable)" if test.tier == "C" and test.p < stats.ALPHA else ""
    p = f", p\u00a0{_is(test.p)}" if np.isfinite(test.p) else ""
    twins = f"; {same} of {shared} seeds make exactly the same run" if same and pair.is_twin else ""
    apart = with_interval(test.difference, digits, sign=True)
    likewise = "likewise " if len(group.envs) == 1 and pair.overall is not None and pair.overall.tier == test.tier else ""  # of the IQMs, then of the means
    return f"{start}, difference {apart}{p}{margin}: {likewise}{SHORT[test.tier]}{detectable}{_of_iqms(pair, env)}{_solved(pair, env)}{twins}."


def _of_iqms(pair: Comparison, env: str) -> str:
    """Why a claim about the means was not made, and what the IQMs allow to say, which a few failures do not move."""
    test, iqm = pair.tasks[env], pair.evidence.tasks[env].iqm
    if iqm is None or test.shape is None or test.tier not in ("D", "unlike"):
        return ""
    apart = with_interval(iqm.difference, decimals(test.difference.point, iqm.difference.point), sign=True)
    iqms = f"nor are the IQMs, {apart} apart" if iqm.tier == test.tier == "D" else f"the IQMs, {apart} apart: {SHORT[iqm.tier]}"
    return f" (of so few runs, up to {percent(round(test.shape.hidden, 2))} may fail unseen); {iqms}"


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
    for of_group in verdicts:
        lines += [Text(f"• {line.text}") for line in of_group.lines]
        lines += [Text(sentence, style="yellow") for sentence in of_group.limits]
        lines += [Text(f"{words}: {which}") for words, which in of_group.learnt]
        lines += [Text(SHARES)] if any(words != LEARNT["yes"] for words, _ in of_group.learnt) else []
    said = [w for group in analysis.groups for env in group.envs for known in group.evidence.of_cells(env).values() for w in known.warnings]
    said = [*(v.caution for v in verdicts), *(f"Caution. {w}." for w in said if w.startswith("t interval"))]
    return Stack(grid, *lines, *(Text(w, style="yellow") for w in dict.fromkeys(w for w in said if w)))
