"""The figures of a report: each an inline SVG with its caption, its alternative text and the same numbers as a table.

Each is drawn for a `Sheet`: WIDE for a desktop and for paper, or NARROW for a phone, where panels stand under one another and the type keeps its size.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks import stats
from benchmarks.evidence.records import Analysis, Cell, Group, Statistics, families, is_planner, time_of, unit_of
from benchmarks.report.style import (
    FAINT,
    INK,
    STYLE,
    Figure,
    Pen,
    Table,
    bracket,
    caution,
    count,
    decimals,
    new_canvas,
    number,
    p_value,
    pens,
    percent,
    slug,
    steps,
    svg,
    with_interval,
)
from benchmarks.report.verdicts import NO_PARITY, SHORT, how_far, in_short

METRIC_TITLES = {"iqm": "IQM", "median": "Median", "mean": "Mean", "optimality_gap": "Optimality gap (less is better)"}
MOST_IN_PANEL = 6  # algorithms whose curves lie over one another
MOST_RUNS = 24  # of a panel, that are drawn one by one
TABLE_ROWS = 21  # a curve's table shows at most so many of its points; curves.csv and report.json hold all


@dataclass(frozen=True)
class Sheet:
    """What a figure is drawn on."""

    width: float  # inches, of type of 9 points
    is_narrow: bool = False

    def canvas(self, height: float) -> Canvas:
        return new_canvas(self.width, height)

    def label(self, text: str) -> str:
        """The label of an axis, in lines that the sheet holds."""
        return textwrap.fill(text, int(9 * self.width), break_long_words=False, break_on_hyphens=False)

    def name(self, text: str) -> str:
        """The name of a row; a long one in two lines where there is little room beside it."""
        return re.sub(r"(?<=[:/,]) ?", "\n", text, count=1) if self.is_narrow and len(text) > 14 else text

    def svg(self, canvas: Canvas, key: str, alt: str) -> str:
        """Both drawings of a figure stand on one page, so their ids differ; and letters as paths, which keep paper the same everywhere, are there once."""
        if not self.is_narrow:
            return svg(canvas, key, alt)
        with matplotlib.rc_context({"svg.fonttype": "none"}):
            return svg(canvas, f"{key}-narrow", alt)


WIDE, NARROW = Sheet(9), Sheet(3.9, is_narrow=True)


def _how(statistics: Statistics, kind: str, group: Group, partial: bool, env: str | None = None) -> str:
    """The end of every caption: n, the kind of interval, repetitions, seed."""
    where = f"per algorithm and task, {len(group.envs)} tasks" if env is None and len(group.envs) > 1 else "per algorithm"
    text = f"{group.runs(env)} {where}; {percent(statistics.confidence)} {kind}, {count(statistics.reps)} repetitions, bootstrap seed {statistics.seed}."
    return f"{text} Runs are missing: this shows the finished ones only." if partial else text


def _legend(canvas: Canvas, handles: list, labels: list[str], columns: int = 5) -> None:
    """Above the figure."""
    columns = _columns(labels, 72 * canvas.get_figwidth(), columns)
    canvas.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=2.6, columnspacing=1.6)


def _columns(labels: list[str], width: float, most: int) -> int:
    """Of a legend that stands in as few rows as its width (points) allows, and is filled evenly: an algorithm stands over its twin."""
    each = 8.5 * (2.6 + 0.8 + 1.6 + 0.62 * max(map(len, labels), default=1))  # line, gap, space between columns, and type of 8.5 points
    rows = -(-len(labels) // max(1, min(most, int((width + 14) / each))))
    return max(1, -(-len(labels) // max(rows, 1)))


def _thin(points: int) -> np.ndarray:
    return np.unique(np.linspace(0, points - 1, min(points, TABLE_ROWS)).round().astype(int))


# --------------------------------------------------------------------------------------------------------------- figures


def aggregates(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    shown = ("iqm", "mean", "median", "optimality_gap") if len(group.envs) > 1 else ("iqm", "mean", "optimality_gap")  # of one task, mean is median
    metrics = [m for m in shown if m in group.aggregates]
    draw = pens(group)
    key = f"{slug(group)}-aggregates"
    with matplotlib.rc_context(STYLE):
        columns = min(len(metrics), 2 if sheet.is_narrow else 4)
        lines = -(-len(metrics) // columns)
        canvas = sheet.canvas((0.75 + 0.34 * len(group.algos)) * lines)
        axes = canvas.subplots(lines, columns, sharey=True, squeeze=False).ravel()
        for ax in axes[len(metrics) :]:
            ax.set_visible(False)
        axes = axes[: len(metrics)]
        for ax, metric in zip(axes, metrics, strict=True):
            for row, algo in enumerate(group.algos):
                estimate, pen = group.aggregates[metric][algo], draw[algo]
                if estimate.is_claimed:
                    ax.plot([estimate.low, estimate.high], [row, row], color=pen.colour, linewidth=7, alpha=0.55, solid_capstyle="butt")
                ax.plot(estimate.point, row, pen.marker, color=pen.colour, markerfacecolor=pen.face, markeredgewidth=1.4, markersize=6)
            ax.set_title(METRIC_TITLES[metric].replace(" (", "\n("), loc="left")
            ax.set_ylim(len(group.algos) - 0.5, -0.5)
            ax.margins(x=0.12)
            ax.xaxis.set_major_locator(MaxNLocator(2 if sheet.is_narrow else 4))
            ax.grid(axis="y", visible=False)
            ax.spines["left"].set_visible(False)
            ax.tick_params(axis="y", length=0)
        axes[0].set_yticks(range(len(group.algos)), [sheet.name(algo) for algo in group.algos])
        canvas.supxlabel(sheet.label(group.unit), fontsize=9)
    best = max(group.algos, key=lambda a: group.aggregates["iqm"][a].point)
    titles, top = ", ".join(METRIC_TITLES[m] for m in metrics), with_interval(group.aggregates["iqm"][best])
    alt = f"Point estimates and intervals of {titles} for {', '.join(group.algos)}. Highest IQM: {best}, {top}."
    over = " over all tasks of the group" if len(group.envs) > 1 else ""
    of_means = "mean and median: of the task means; " if len(group.envs) > 1 else ""
    caption = (
        f"Aggregate scores{over}, {group.unit}. IQM: mean of the middle half of all runs; {of_means}"
        f"definitions of rliable (Agarwal et al. 2021). {_how(statistics, 'expanded-bootstrap intervals', group, partial)}"
    )
    rows = [[a, *(with_interval(group.aggregates[m][a]) for m in metrics)] for a in group.algos]
    table = Table(["algorithm", *(METRIC_TITLES[m] for m in metrics)], rows)
    return Figure(key, "Aggregate scores", sheet.svg(canvas, key, alt), alt, caption, table, caution(group, "aggregates"))


def curves(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE, against: str = "steps") -> Figure:
    """IQM curves with simultaneous bands, against "steps" or "seconds"; planners as horizontal lines."""
    draw, key = pens(group), f"{slug(group)}-curves-{against}"
    planners = [a for a in group.algos if is_planner(a)]
    label = group.steps_label if against == "steps" else "training time [s], mean over runs and tasks"
    with matplotlib.rc_context(STYLE):
        canvas = sheet.canvas(3.3 if sheet.is_narrow else 3.9)
        ax = canvas.subplots()
        for algo, curve in group.curves.items():
            pen, x = draw[algo], curve.steps if against == "steps" else curve.seconds
            ax.plot(x, curve.iqm.point, color=pen.colour, linestyle=pen.line, marker=pen.marker, markersize=3 if sheet.is_narrow else 4,
                    markerfacecolor=pen.face, label=algo)
            if curve.iqm.is_claimed:
                ax.fill_between(x, curve.iqm.low, curve.iqm.high, color=pen.colour, alpha=0.16, linewidth=0)
        for algo in planners:
            final = group.aggregates["iqm"][algo].point
            ax.axhline(final, color=draw[algo].colour, linestyle=":", linewidth=1.6, label=f"{algo}, final (a planner)")
        ax.set_xlabel(sheet.label(label))
        ax.set_ylabel("IQM, " + ("normalised score" if "normalised" in group.unit else group.unit))
        ax.set_xlim(left=0)
        if against == "steps" and "%" not in label:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: steps(v)))
        _legend(canvas, *ax.get_legend_handles_labels())
    after = lambda curve: f" after {number(curve.seconds[-1], 1)} s" if against != "steps" else ""
    ends = "; ".join(f"{a} ends at {number(c.iqm.point[-1])}{after(c)}" for a, c in group.curves.items())
    alt = f"Learning curves, IQM against {label}. {ends}."
    budgets = "" if against == "steps" and "%" not in label else f" {_budgets(group)}"
    planned = f" Planners ({', '.join(planners)}) count state backups, not environment steps: their final score is a dotted line." if planners else ""
    clock = " Training time leaves evaluation out; it is of the machine in the reproducibility section." if against != "steps" else ""
    how = _how(statistics, "simultaneous expanded bootstrap bands (each holds a whole curve)", group, partial)
    caption = f"IQM of the evaluation returns during training, {group.unit}.{budgets}{planned}{clock} {how}"
    rows = []
    for algo, curve in group.curves.items():
        for k in _thin(len(curve.steps)):
            at = stats.Interval(curve.iqm.point[k], curve.iqm.low[k], curve.iqm.high[k], curve.iqm.n, curve.iqm.confidence, curve.iqm.note)
            reached = number(curve.steps[k], 0) if "%" not in group.steps_label else percent(curve.steps[k] / 100)
            rows.append([algo, reached, number(curve.seconds[k], 1), with_interval(at)])
    rows += [[a, "final", "–", with_interval(group.aggregates["iqm"][a])] for a in planners]
    table = Table(["algorithm", group.steps_label, "training seconds", "IQM"], rows)
    title = "Learning curves by steps" if against == "steps" else "Learning curves by training time"
    return Figure(key, title, sheet.svg(canvas, key, alt), alt, caption, table, caution(group, "curves"))


def _budgets(group: Group) -> str:
    """"Budgets: ppo 100k steps on CartPole-v1, ..." """
    parts = []
    for members in families(group.algos).values():
        where = ", ".join(f"{steps(group.cells[members[0], e].steps[-1])} on {e}" for e in group.envs)
        unit = "" if unit_of(members[0]) == "steps" else f" ({unit_of(members[0])})"
        parts.append(f"{' and '.join(members)}{unit} {where}")
    return f"Budgets: {'; '.join(parts)}."


def profiles(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    draw, key = pens(group), f"{slug(group)}-profile"
    with matplotlib.rc_context(STYLE):
        canvas = sheet.canvas(3.1 if sheet.is_narrow else 3.6)
        ax = canvas.subplots()
        for algo, profile in group.profiles.items():
            pen = draw[algo]
            ax.plot(group.taus, profile.point, color=pen.colour, linestyle=pen.line, drawstyle="steps-post", label=algo)
            if profile.is_claimed:
                ax.fill_between(group.taus, profile.low, profile.high, color=pen.colour, alpha=0.14, linewidth=0, step="post")
        ax.set_xlabel(sheet.label(f"τ, {group.unit}"))
        ax.set_ylabel("share of runs above τ")
        ax.set_ylim(-0.02, 1.02)
        ax.margins(x=0)
        _legend(canvas, *ax.get_legend_handles_labels())
    middle = len(group.taus) // 2
    halves = "; ".join(f"{a} {percent(p.point[middle])}" for a, p in group.profiles.items())
    alt = f"Performance profiles: the share of runs that score more than τ. At τ = {number(group.taus[middle])}: {halves}."
    how = _how(statistics, "simultaneous expanded bootstrap bands", group, partial)
    caption = f"Performance profile: the share of runs, over all tasks, whose final score exceeds τ; further right and up is better. {how}"
    rows = []
    for k in _thin(len(group.taus)):
        at = [stats.Interval(p.point[k], p.low[k], p.high[k], p.n, p.confidence, "" if np.isfinite(p.low[k]) else p.note) for p in group.profiles.values()]
        rows.append([number(group.taus[k]), *(with_interval(i, 2) for i in at)])
    return Figure(key, "Performance profiles", sheet.svg(canvas, key, alt), alt, caption, Table(["τ", *group.profiles], rows), caution(group, "profiles"))


def comparisons(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    """P(X > Y) beside the difference of IQMs with the margin; where tasks share no unit, P(X > Y) alone."""
    draw, key = pens(group), f"{slug(group)}-comparisons"
    pairs = group.comparisons
    tests = [pair.overall for pair in pairs if pair.overall is not None]  # of all pairs, or of none
    with matplotlib.rc_context(STYLE):
        panels = 2 if group.is_aggregated else 1
        lines, columns = (panels, 1) if sheet.is_narrow else (1, panels)
        canvas = sheet.canvas((1.05 + 0.45 * len(pairs)) * lines)
        both = canvas.subplots(lines, columns, sharey=True, squeeze=False).ravel()
        ax = both[0]
        for row, pair in enumerate(pairs):
            whisker(ax, row, pair.improvement, draw[pair.x].colour)
        ax.axvline(0.5, color=INK, linewidth=1, linestyle=":")
        ax.set_xlim(-0.03, 1.03)
        ax.set_xlabel("P(X > Y)")
        ax.set_title("Probability of improvement", loc="left")
        ax.set_yticks(range(len(pairs)), [f"X = {sheet.name(p.x)}\nY = {sheet.name(p.y)}" for p in pairs])
        if group.is_aggregated:
            ax = both[1]
            margin = tests[0].margin
            if margin:
                ax.axvspan(-margin, margin, color="#009E73", alpha=0.12, linewidth=0)
                ax.margins(x=0.1)
            for row, (pair, test) in enumerate(zip(pairs, tests, strict=True)):
                whisker(ax, row, test.difference, draw[pair.x].colour, inner=test.narrow)
            ax.axvline(0, color=INK, linewidth=1, linestyle=":")
            ax.set_xlabel(sheet.label(f"IQM(X) − IQM(Y), {'normalised score' if 'normalised' in group.unit else group.unit}"))
            shaded = f"(shaded: ±{margin:g})" if margin else ""
            ax.set_title(("\n" if sheet.is_narrow else " ").join(filter(None, ["Difference of IQMs", shaded])), loc="left")
        for ax in both:
            ax.set_ylim(len(pairs) - 0.5, -0.5)
            ax.grid(axis="y", visible=False)
            ax.tick_params(axis="y", length=0)
    said = []
    for p in pairs:
        apart = f", difference of IQMs {with_interval(p.overall.difference, sign=True)}" if p.overall else ""
        said.append(f"{p.x} against {p.y}: P(X > Y) = {with_interval(p.improvement, 2)}{apart}")
    alt = ". ".join(said) + "."
    caption = "P(X > Y): the probability that a run of X scores more than a run of Y on the same task, averaged over tasks; ties count one half. "
    if group.is_aggregated:
        caption += f"Thin line: {percent(statistics.confidence)} interval; thick line: 90\u00a0% interval. "
        caption += "The thick line must lie inside the shaded margin for a claim of equivalence. " if tests[0].margin else ""
        caption += f"{NO_PARITY} " if any(in_short(pair) == SHORT["D"] for pair in pairs) else ""
    drawn = "runs of the same seed are drawn together" if statistics.paired else "both sides resampled"
    kinds = "percentile intervals of P, expanded intervals of differences" if group.is_aggregated else "percentile intervals"
    caption += _how(statistics, f"stratified bootstrap ({kinds}; {drawn})", group, partial)
    header = ["X", "Y", "P(X > Y)", "Cliff's δ"]
    header += ["difference of IQMs", "90 % interval", "margin", "p (Holm)", "verdict"] if group.is_aggregated else []
    rows = []
    for p in pairs:
        rows.append([p.x, p.y, with_interval(p.improvement, 2), with_interval(p.evidence.cliffs_delta, 2, sign=True)])
        if p.overall:
            allowed = f"±{p.overall.margin:g}" if p.overall.margin else "–"
            rows[-1] += [with_interval(p.overall.difference, sign=True), bracket(p.overall.narrow), allowed, p_value(p.overall.p), in_short(p)]
    return Figure(key, "Comparisons", sheet.svg(canvas, key, alt), alt, caption, Table(header, rows), caution(group, "comparisons"))


def whisker(ax: Axes, row: int, estimate: stats.Interval, colour: str, inner: stats.Interval | None = None) -> None:
    if estimate.is_claimed:
        ax.plot([estimate.low, estimate.high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    if inner is not None and inner.is_claimed:
        ax.plot([inner.low, inner.high], [row, row], color=colour, linewidth=6, alpha=0.45, solid_capstyle="butt")
    ax.plot(estimate.point, row, "D", color=colour, markersize=5.5, markeredgecolor="white", markeredgewidth=0.7)


def task(group: Group, env: str, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    """One task: the mean of every algorithm with its band, over one another, and beside them each run's final score as a dot."""
    draw, key = pens(group), f"{slug(group)}-task-{re.sub(r'[^A-Za-z0-9]+', '-', env)}"
    cells = {a: c for (a, e), c in group.cells.items() if e == env}
    panels = _panels(cells)
    planners = [a for a in cells if is_planner(a)]
    are_runs_drawn = max((sum(cells[a].n for a in panel) for panel in panels), default=0) <= MOST_RUNS
    reach = _reach(cells, group, env)
    with matplotlib.rc_context(STYLE):
        room = 72 * (sheet.width / (1 if sheet.is_narrow else 2) - 0.9)  # for the legend of one of several panels
        columns = [_columns([*algos, *(f"{algo}, final" for algo in planners)], room, 3) for algos in panels]
        names = max((-(-(len(algos) + len(planners)) // n) for algos, n in zip(panels, columns, strict=True)), default=0)
        canvas, curve_axes, final_axes = _task_axes(sheet, len(panels), len(cells), 2.3 + 0.2 * names)
        for ax, algos, n in zip(curve_axes, panels, columns, strict=True):
            for algo in algos:
                _curve(ax, cells[algo], draw[algo], are_runs_drawn)
            for algo in planners:
                ax.axhline(cells[algo].summary.mean, color=draw[algo].colour, linestyle=":", label=f"{algo}, final")
            _references(ax, group, env, reach)
            ax.set_xlim(0, 1.02 * max(float(cells[a].steps[-1]) for panel in panels for a in panel))
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: steps(v)))
            ax.set_xlabel(time_of(algos))
            ax.set_ylabel("mean return")
            if len(panels) > 1:  # else the rows of the final scores share their colours, and one legend stands above
                ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=n, borderaxespad=0.3, handlelength=2.6, columnspacing=1.6)
        if len(panels) == 1:
            curve_axes[0].set_title("Learning curves", loc="left")
            _legend(canvas, *curve_axes[0].get_legend_handles_labels(), columns=MOST_IN_PANEL)
        _final_scores(final_axes, cells, group, env, draw, sheet)
    said = "; ".join(f"{a} {with_interval(c.summary.t)} (n = {c.n})" for a, c in cells.items())
    alt = f"{env}: learning curves, and final scores of every run. Means of the final mean returns: {said}."
    scale = group.scales[env]
    known = [f"random {number(scale.random)}" if scale.random is not None else "", f"{scale.label} {number(scale.expert)}" if scale.expert is not None else ""]
    source = f" Grey lines: {', '.join(k for k in known if k)} ({scale.source or 'from the study'})." if any(known) else ""
    planned = "".join(f" {a} used at most {steps(cells[a].steps[-1])} state backups and no environment steps." for a in planners)
    several = f" The algorithms stand in {len(panels)} panels of the same axes, at most {MOST_IN_PANEL} in each." if len(panels) > 1 else ""
    thin = " Thin lines: every run." if are_runs_drawn and panels else ""
    band = f"Lines: mean over runs at each evaluation; bands: its interval there.{thin}{several} " if panels else ""
    caption = (
        f"{env}, mean return. {band}Final scores: every run (dots), their mean and its interval.{source}{planned} "
        f"{group.runs(env)} per algorithm; {percent(statistics.confidence)} t intervals in the figure, in the table also of the IQM by a percentile bootstrap, "
        f"{count(statistics.reps)} repetitions, bootstrap seed {statistics.seed}."
        f"{' Runs are missing: this shows the finished ones only.' if partial else ''}"
    )
    evidence = group.evidence.of_cells(env)
    warnings = list(dict.fromkeys(w for a in cells for w in evidence[a].warnings))
    warning = f"Caution. {'. '.join(warnings)}." if warnings else ""
    return Figure(key, env, sheet.svg(canvas, key, alt), alt, caption, task_table(group, env), warning)


def _panels(cells: dict[str, Cell]) -> list[list[str]]:
    """Which algorithms' curves lie over one another: all, or as many as a panel carries, an algorithm and its twin in the same."""
    learners = [members for found in families(list(cells)).values() if (members := [a for a in found if not is_planner(a)])]
    n = sum(map(len, learners))
    most = -(-n // -(-n // MOST_IN_PANEL)) if n else 0  # panels are filled evenly
    panels: list[list[str]] = []
    for members in learners:
        if not panels or len(panels[-1]) + len(members) > max(most, len(members)):
            panels.append([])
        panels[-1] += members
    return panels


def _task_axes(sheet: Sheet, panels: int, algorithms: int, height: float) -> tuple[Canvas, list[Axes], Axes]:
    """Axes for the curves, and for the final scores beside them; on a narrow sheet, or with several panels of curves of this height, below."""
    rows = 0.75 + 0.3 * algorithms  # inches of the final scores
    if panels == 1 and not sheet.is_narrow:
        canvas = sheet.canvas(max(3.6, rows + 0.4))
        curves, final = canvas.subplots(1, 2, width_ratios=[1.75, 1])
        return canvas, [curves], final
    columns = 1 if sheet.is_narrow else 2
    lines = -(-panels // columns)
    canvas = sheet.canvas(height * lines + max(1.5, rows))
    if not panels:
        return canvas, [], canvas.subplots()
    parts: Any = canvas.subfigures(2, 1, height_ratios=[height * lines, max(1.5, rows)])  # long names of rows take nothing from the curves
    axes = parts[0].subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in axes:
        ax.tick_params(labelbottom=True, labelleft=True)
    for ax in axes[panels:]:
        ax.set_visible(False)
    return canvas, list(axes[:panels]), parts[1].subplots()


def _curve(ax: Axes, cell: Cell, pen: Pen, with_runs: bool) -> None:
    mean = cell.mean
    if with_runs:
        gap = np.full((cell.n, 1), np.nan)  # between runs: all of them are one line
        every = np.concatenate([cell.scores, gap], axis=1).ravel()
        ax.plot(np.tile(np.append(cell.steps, np.nan), cell.n), every, color=pen.colour, linewidth=0.6, alpha=0.35)
    if mean.is_claimed:
        low, high = (np.where(np.isfinite(end), end, mean.point) for end in (mean.low, mean.high))  # where all runs are equal, the band is a line
        ax.fill_between(cell.steps, low, high, color=pen.colour, alpha=0.15, linewidth=0)
    ax.plot(cell.steps, mean.point, color=pen.colour, linestyle=pen.line, linewidth=2, label=cell.algo)


def _reach(cells: dict[str, Cell], group: Group, env: str) -> tuple[float, float]:
    """The range of scores to draw: that of the data, stretched to the reference lines that lie near."""
    data = np.concatenate([c.final if is_planner(c.algo) else c.scores.ravel() for c in cells.values()])
    low, high = float(data.min()), float(data.max())
    span = (high - low) or abs(high) or 1.0
    near = [v for v in (group.scales[env].random, group.scales[env].expert) if v is not None and low - 0.4 * span <= v <= high + 0.4 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.06 * ((high - low) or span)
    return low - pad, high + pad


def _references(ax: Axes, group: Group, env: str, reach: tuple[float, float], upright: bool = False) -> None:
    """Grey lines at the random policy's and the expert's score, where they lie within the axis."""
    scale = group.scales[env]
    (ax.set_xlim if upright else ax.set_ylim)(*reach)
    for value, label in ((scale.random, "random"), (scale.expert, scale.label)):
        if value is None or not reach[0] <= value <= reach[1]:
            continue
        (ax.axvline if upright else ax.axhline)(value, color=FAINT, linewidth=1, linestyle=(0, (1, 1.5)), zorder=0.5)
        above = value < (reach[0] + reach[1]) / 2  # inside the axis
        if upright:
            ax.annotate(label, (value, 0), xycoords=("data", "axes fraction"), xytext=(3 if above else -3, 3), textcoords="offset points", rotation=90,
                        ha="left" if above else "right", va="bottom", fontsize=7.5, color=FAINT, parse_math=False)
        else:
            # Scores rise from the lower left to the upper right: the labels stand in the other corners.
            ax.annotate(label, (1 if above else 0, value), xycoords=("axes fraction", "data"), xytext=(-2 if above else 3, 2 if above else -2),
                        textcoords="offset points", ha="right" if above else "left", va="bottom" if above else "top", fontsize=7.5, color=FAINT,
                        parse_math=False)


def _final_scores(ax: Axes, cells: dict[str, Cell], group: Group, env: str, draw: dict[str, Pen], sheet: Sheet) -> None:
    for row, (algo, cell) in enumerate(cells.items()):
        pen = draw[algo]
        # Runs are spread over the row's height in the order of their seeds, so that equal scores stay visible.
        height = np.linspace(-0.24, 0.24, cell.n) if cell.n > 1 else np.zeros(1)
        ax.plot(cell.final, row + height, pen.marker, color=pen.colour, markerfacecolor=pen.face, markersize=4, alpha=0.8, linestyle="none")
        if cell.summary.t.is_claimed:
            ax.plot([cell.summary.t.low, cell.summary.t.high], [row, row], color=INK, linewidth=1.6)
        ax.plot(cell.summary.mean, row, "|", color=INK, markersize=14, markeredgewidth=1.8)
    ends = [end for c in cells.values() if c.summary.t.is_claimed for end in (c.summary.t.low, c.summary.t.high)]
    every = np.concatenate([*(c.final for c in cells.values()), ends])
    low, high = float(every.min()), float(every.max())
    span = (high - low) or 0.05 * abs(high) or 1.0
    expert = group.scales[env].expert
    if expert is not None and low - 0.5 * span <= expert <= high + 0.5 * span:
        low, high = min(low, expert), max(high, expert)
    _references(ax, group, env, (low - 0.1 * span, high + 0.1 * span), upright=True)
    ax.set_yticks(range(len(cells)), [sheet.name(algo) for algo in cells])
    ax.set_ylim(len(cells) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_xlabel("final score, mean return")
    ax.set_title("Final scores", loc="left")


def task_table(group: Group, env: str) -> Table:
    evidence = group.evidence.of_cells(env)
    are_learnt = any(known.learnt is not None for known in evidence.values())
    header = ["algorithm", *(["learnt [share of the way from random to expert]"] if are_learnt else []), "finished / planned", "mean", "t interval of the mean",
              "median", "IQM", "bootstrap interval of the IQM", "min", "max", "sd of runs", "tolerance interval"]  # fmt: skip
    rows = []
    for (algo, e), cell in group.cells.items():
        if e != env:
            continue
        s = cell.summary
        digits = decimals(s.minimum, s.maximum)
        show = lambda interval, d=digits: interval.note or bracket(interval, d, sign=False)
        middle = [number(s.mean, digits), show(s.t), number(s.median, digits), number(s.iqm, digits), show(s.bootstrap)]
        known = evidence[algo].learnt
        said = "a planner" if known is None else f"{known.tier}, {how_far(known, cell.n)}"
        ends = [number(value, digits) for value in (s.minimum, s.maximum, s.sd)]
        rows.append([algo, *([said] if are_learnt else []), f"{cell.n} / {cell.planned}", *middle, *ends, bracket(s.tolerance, digits, sign=False)])
    short = dict.fromkeys(c.summary.tolerance.note for (_, e), c in group.cells.items() if e == env and c.summary.tolerance.note)
    return Table(header, rows, f"Tolerance interval (where runs to come score): {'; '.join(short)}." if short else "")


def ranks(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    """How often each algorithm takes each place: one bar an algorithm."""
    key, found = f"{slug(group)}-ranks", group.evidence.ranks
    places = len(found)
    shades = [matplotlib.colors.to_hex(c) for c in matplotlib.colormaps["cividis_r"](np.linspace(1.0, 0.1, places))]  # the first place is the darkest
    with matplotlib.rc_context(STYLE):
        canvas = sheet.canvas(0.95 + 0.34 * places + (0.3 if sheet.is_narrow else 0.0))
        ax = canvas.subplots()
        for row, estimate in enumerate(found.values()):
            shares = np.asarray(estimate.share.point)
            left = 0.0
            for place, share in enumerate(shares):
                label = f"place {place + 1}" if row == 0 else None
                ax.barh(row, share, left=left, color=shades[place], edgecolor="white", linewidth=0.8, height=0.72, label=label)
                left += share
        ax.set_yticks(range(places), [sheet.name(algo) for algo in found])
        ax.set_ylim(places - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("probability of the place, averaged over tasks")
        _legend(canvas, *ax.get_legend_handles_labels(), columns=8)
    said = "; ".join(f"{a} {with_interval(r.mean, 2)}" for a, r in found.items())
    alt = f"Distribution of ranks. Mean ranks (1 is best): {said}."
    caption = (f"The place of a random run of each algorithm among random runs of the others, averaged over tasks; darkest: first. "
               f"{_how(statistics, 'stratified percentile-bootstrap intervals', group, partial)}")  # fmt: skip
    rows = [[a, with_interval(r.mean, 2), *(percent(round(float(s), 4)) for s in np.asarray(r.share.point))] for a, r in found.items()]
    table = Table(["algorithm", "mean rank", *(f"place {k + 1}" for k in range(places))], rows)
    return Figure(key, "Ranks", sheet.svg(canvas, key, alt), alt, caption, table, caution(group, "ranks"))


def leave_one_out(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure:
    """The IQM over all tasks (diamond with its interval) and without each of them (ticks): whether one task carries the result."""
    key, without, draw = f"{slug(group)}-leave-one-out", group.evidence.leave_one_task_out, pens(group)
    with matplotlib.rc_context(STYLE):
        canvas = sheet.canvas(0.75 + 0.36 * len(group.algos))
        ax = canvas.subplots()
        for row, algo in enumerate(group.algos):
            whisker(ax, row, group.aggregates["iqm"][algo], draw[algo].colour)
            ax.plot([without[e][algo] for e in group.envs], [row] * len(group.envs), "|", color=INK, markersize=13, markeredgewidth=1.3)
        ax.set_yticks(range(len(group.algos)), [sheet.name(algo) for algo in group.algos])
        ax.set_ylim(len(group.algos) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(sheet.label(f"IQM, {group.unit}"))
    spread = {a: (min(without[e][a] for e in group.envs), max(without[e][a] for e in group.envs)) for a in group.algos}
    alt = "IQM with each task left out in turn: " + "; ".join(f"{a} from {number(low)} to {number(high)}" for a, (low, high) in spread.items()) + "."
    caption = (f"Diamond and bar: IQM over all tasks. Ticks: without each task in turn; where they lie far apart, one task carries the result. "
               f"{_how(statistics, 'expanded-bootstrap intervals', group, partial)}")  # fmt: skip
    rows = [["none", *(number(group.aggregates["iqm"][a].point) for a in group.algos)]]
    rows += [[env, *(number(without[env][a]) for a in group.algos)] for env in group.envs]
    table = Table(["task left out", *group.algos], rows)
    return Figure(key, "One task left out", sheet.svg(canvas, key, alt), alt, caption, table, caution(group, "leave_one_out"))


def thresholds(group: Group, statistics: Statistics, partial: bool, sheet: Sheet = WIDE) -> Figure | None:
    """Which share of the runs has reached the threshold by each step (Kaplan–Meier: runs that never do stay in the count)."""
    key, draw = f"{slug(group)}-thresholds", pens(group)
    learners = [a for a in dict.fromkeys(algo for algo, _ in group.cells) if not is_planner(a)]
    found: dict[str, dict[str, stats.TimeToThreshold]] = {}
    for env in group.envs:
        known = group.evidence.of_cells(env)
        for algo in learners:
            if algo in known and (time := known[algo].threshold) is not None:
                found.setdefault(env, {})[algo] = time
    if not found:
        return None
    columns = min(1 if sheet.is_narrow else 4, len(found))
    lines = -(-len(found) // columns)
    rows = []
    with matplotlib.rc_context(STYLE):
        canvas = sheet.canvas((2.1 if sheet.is_narrow else 2.3) * lines + 0.5)
        axes = canvas.subplots(lines, columns, squeeze=False, sharey=True).ravel()
        for ax, (env, of_algo) in zip(axes, found.items(), strict=False):
            for algo, time in of_algo.items():
                end = float(group.cells[algo, env].steps[-1])
                waiting = np.concatenate([[1.0], time.survival])
                pen, there = draw[algo], 1 - waiting
                ax.plot([0.0, *time.steps, end], [*there, there[-1]], color=pen.colour, linestyle=pen.line, drawstyle="steps-post", label=algo)
                middle = steps(time.median) if np.isfinite(time.median) else f"more than {steps(end)}"
                interval = f" [{steps(time.low)},\u00a0{steps(time.high) if np.isfinite(time.high) else '∞'}]" if np.isfinite(time.low) else ""
                rows.append([env, algo, number(time.threshold, 1), f"{int(np.sum(time.reached))} of {time.n}", middle + interval, steps(time.restricted_mean)])
            ax.set_title(env, loc="left")
            ax.set_ylim(-0.03, 1.03)
            ax.set_xlim(left=0)
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: steps(v)))
            ax.set_xlabel(time_of(of_algo))
        for ax in axes[::columns]:
            ax.set_ylabel("share of runs there")
        for ax in axes[len(found) :]:
            ax.set_visible(False)
        shown = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        _legend(canvas, list(shown.values()), list(shown))
    said = "; ".join(f"{r[1]} on {r[0]} {r[4]} ({r[3]} runs get there)" for r in rows)
    alt = f"Steps until a run first scores {percent(statistics.threshold)} of the way from random to expert, median over runs: {said}."
    caption = (f"Share of runs that have scored at least {percent(statistics.threshold)} of the way from random to expert by each step (at a checkpoint; "
               f"the true crossing lies up to one evaluation earlier). Runs that never do are kept as censored (Kaplan–Meier). Medians with "
               f"{percent(statistics.confidence)} intervals (Brookmeyer and Crowley 1982). {group.runs()} per algorithm and task."
               f"{' Runs are missing: this shows the finished ones only.' if partial else ''}")  # fmt: skip
    header = ["task", "algorithm", "threshold", "runs there", "median steps", "mean steps, at most the budget"]
    return Figure(key, "Steps to a threshold", sheet.svg(canvas, key, alt), alt, caption, Table(header, rows), caution(group, "thresholds"))


def of_group(group: Group, analysis: Analysis, sheet: Sheet = WIDE) -> dict[str, list[Figure]]:
    """All figures of a group, by section: aggregates, curves, profiles, comparisons, tasks, robustness."""
    how = (analysis.statistics, analysis.is_partial, sheet)
    found: dict[str, list[Figure]] = {"aggregates": [], "curves": [], "profiles": [], "comparisons": [], "tasks": [], "robustness": []}
    if group.aggregates:
        found["aggregates"] = [aggregates(group, *how)]
        found["profiles"] = [profiles(group, *how)]
    if group.curves:
        found["curves"] = [curves(group, *how)]
        if all(np.isfinite(curve.seconds).all() for curve in group.curves.values()):
            found["curves"].append(curves(group, *how, against="seconds"))
    if group.comparisons:
        found["comparisons"] = [comparisons(group, *how)]
    found["tasks"] = [task(group, env, *how) for env in group.envs if any(e == env for _, e in group.cells)]
    if group.evidence.ranks:
        found["robustness"].append(ranks(group, *how))
    if len(group.envs) > 1 and group.evidence.leave_one_task_out:
        found["robustness"].append(leave_one_out(group, *how))
    if (times := thresholds(group, *how)) is not None:
        found["robustness"].append(times)
    return found
