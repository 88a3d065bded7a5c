"""The pictures of a tuning's page: how the search went, what decided, how the score depends on each hyper-parameter, how well the settings do seed by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from benchmarks.report.style import FAINT, INK, PALETTE, STYLE, Figure, Table, bracket, count, new_canvas, number, percent, steps, svg
from benchmarks.stats import t_interval
from benchmarks.studies.study import ranges
from benchmarks.tuning import record
from benchmarks.tuning.importance import LEVEL, REPS, SEED, Importance
from benchmarks.tuning.record import Record
from benchmarks.tuning.scores import iqm
from benchmarks.tuning.space import Parameter
from benchmarks.tuning.tuning import Tuning

BLUE, ORANGE, GREEN, GREY = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[7]
PER_ROW = 3
BINS = 4  # of a range: each holds as many trials as another
WIDE = 50  # between its ends, from where powers of ten are labels enough
MANY = 20  # trials, of which the worst need not be in sight
SHOWN = 5  # settings whose seeds are shown


def all_of(asked: Tuning, found: Record, shares: Sequence[Importance]) -> list[Figure]:
    """Those that the trials allow, in the page's order."""
    with matplotlib.rc_context(STYLE):
        drawn = [history(asked, found), seeds(asked, found)] if found.complete else []
        drawn += [importance(found, shares)] if shares else []
        drawn += [sensitivity(asked, found)] if len(found.complete) > 1 else []
    return drawn


# --- how the search went


def history(asked: Tuning, found: Record) -> Figure:
    complete = sorted(found.complete, key=lambda one: one["number"])
    pruned = [one for one in found.trials if one["state"] == "pruned" and record.scores(one, asked)]
    failed = [one["number"] for one in found.trials if one["state"] == "failed"]
    canvas = new_canvas(8.4, 3.2)
    ax = canvas.subplots()
    numbers, values = [one["number"] for one in complete], [one["value"] for one in complete]
    ax.step(numbers, np.maximum.accumulate(values), where="post", color=BLUE, label="the best so far")
    ax.plot(numbers, values, "o", color=BLUE, markersize=4.5, alpha=0.7, label="a trial")
    for one in complete:
        ax.plot([one["number"]] * len(asked.seeds), record.scores(one, asked), "_", color=FAINT, markersize=5, zorder=1)
    if pruned:
        ax.plot([one["number"] for one in pruned], [np.mean(record.scores(one, asked)) for one in pruned], "x", color=ORANGE, markersize=5,
                label="ended early: its score then")  # fmt: skip
    if failed:
        ax.plot(failed, [ax.get_ylim()[0]] * len(failed), "v", color=INK, markersize=5, label="failed", clip_on=False)
    if (default := found.default) and default["value"] is not None:
        ax.axhline(default["value"], color=GREY, linestyle=(0, (4, 2)), linewidth=1.2, label="what it is tuned from")
    ax.set_xlabel("trial")
    ax.set_ylabel("IQM over seeds")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    canvas.legend(loc="outside upper center", ncols=5, fontsize=8)
    table = Table(["trial", "score", "the best so far"],
                  [[str(n), number(v), number(b)] for n, v, b in zip(numbers, values, np.maximum.accumulate(values), strict=True)])  # fmt: skip
    caption = (f"Each trial's score: the IQM over {len(asked.seeds)} seeds ({ranges(asked.seeds)}) of {_scored(asked)}. Dashes are seeds. "
               "The line climbs by chance too: it is the largest of ever more noisy scores.")  # fmt: skip
    return Figure("history", "How the search went", svg(canvas, "tuning-history", caption), caption, caption, table)


def _scored(asked: Tuning) -> str:
    evaluation = f"the mean return of {asked.protocol['eval_episodes']} episodes"
    return f"{evaluation} at the end of {steps(asked.steps)} {asked.unit}" if asked.last == 1 else f"{evaluation}, at its last {asked.last} evaluations"


# --- seed by seed


def seeds(asked: Tuning, found: Record) -> Figure:
    """The best settings and what they were tuned from, on the seeds of the search and, where they were confirmed, on fresh ones."""
    shown = list(dict.fromkeys([*(one["number"] for one in found.complete[:SHOWN]), *found.confirmed, *([found.default["number"]] if found.default else [])]))
    rows = [(found.trial(n), record.scores(found.trial(n), asked), (found.confirmed.get(n) or {}).get("scores") or []) for n in shown]
    rows = [row for row in rows if row[0]["state"] == "complete"]
    canvas = new_canvas(8.4, 1.2 + 0.42 * len(rows))
    ax = canvas.subplots()
    table = []
    for y, (one, searched, fresh) in enumerate(reversed(rows)):
        ax.plot(searched, [y + 0.16] * len(searched), "o", color=BLUE, markersize=4, alpha=0.6)
        cells = [_name(one), number(one["value"]), "–", "–", "–", "–"]
        if fresh:
            mean = t_interval(np.asarray(fresh))
            ax.plot(fresh, [y - 0.16] * len(fresh), "o", color=ORANGE, markersize=4, alpha=0.5, markerfacecolor="white")
            ax.plot([mean.low, mean.high], [y - 0.16] * 2, color=ORANGE, linewidth=2)
            ax.plot(mean.point, y - 0.16, "D", color=ORANGE, markersize=5)
            cells[2:] = [number(iqm(fresh)), number(mean.point), bracket(mean, sign=False), str(len(fresh))]
        table.append(cells)
    ax.set_yticks(range(len(rows)), [_name(row[0]) for row in reversed(rows)])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlabel("score of a seed")
    ax.plot([], [], "o", color=BLUE, label="on the search's seeds")
    if any(row[2] for row in rows):
        ax.plot([], [], "D", color=ORANGE, label="on fresh seeds: their mean, 95 % t interval")
    canvas.legend(loc="outside upper center", ncols=2, fontsize=8)
    caption = ("The best settings seed by seed, beside what they were tuned from. On the search's seeds the best are best partly by luck; fresh seeds do not "
               "know which settings were chosen, but the best of several confirmed ones is again chosen.")  # fmt: skip
    header = ["setting", "IQM on the search's seeds", "IQM on fresh seeds", "their mean", "95 % t interval", "fresh seeds"]
    return Figure("seeds", "The best, seed by seed", svg(canvas, "tuning-seeds", caption), caption, caption, Table(header, table[::-1]))


def _name(one: dict[str, Any]) -> str:
    return f"trial {one['number']}{' (tuned from)' if one['default'] else ''}"


# --- what decided


def importance(found: Record, shares: Sequence[Importance]) -> Figure:
    canvas = new_canvas(8.4, 0.7 + 0.28 * len(shares))
    ax = canvas.subplots()
    for y, row in enumerate(reversed(shares)):
        ax.barh(y, row.share, color=BLUE, height=0.62, alpha=0.85)
        ax.plot([row.low, row.high], [y, y], color=INK, linewidth=1.2)
    ax.set_yticks(range(len(shares)), [row.name for row in reversed(shares)])
    ax.set_xlabel("importance")
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    caption = (f"Importance by PED-ANOVA (Watanabe et al. 2023) over {len(found.complete)} trials with a score, 1 all together; lines are {percent(LEVEL)} "
               f"percentile intervals over {REPS} resamples of the trials (seed {SEED}). Wide ones mean that these trials cannot tell.")  # fmt: skip
    table = Table(["hyper-parameter", "importance", "interval"], [[r.name, number(r.share), f"[{number(r.low)}, {number(r.high)}]"] for r in shares])
    return Figure("importance", "What decided", svg(canvas, "tuning-importance", caption), caption, caption, table)


# --- how the score depends on each


def sensitivity(asked: Tuning, found: Record) -> Figure:
    """A panel for each hyper-parameter: every trial that has a score, and the mean of each quarter of them with its interval."""
    drawn = [parameter for parameter in asked.drawn_from if parameter.is_drawn]
    trials = [one for one in found.complete if all(parameter.name in one["drawn"] for parameter in drawn)]
    n_rows = math.ceil(len(drawn) / PER_ROW)
    canvas = new_canvas(8.4, 2.1 * n_rows)
    axes = list(np.asarray(canvas.subplots(n_rows, min(PER_ROW, len(drawn)), squeeze=False, sharey=True)).flat)
    rows = []
    for k, (ax, parameter) in enumerate(zip(axes, drawn, strict=False)):
        rows += _slice(ax, parameter, trials, found.best)
        if k % PER_ROW == 0:
            ax.set_ylabel("IQM over seeds")
    for ax in axes[len(drawn) :]:
        ax.set_axis_off()
    floor, top = np.percentile([one["value"] for one in trials], [5 if len(trials) >= MANY else 0, 100])
    room = 0.08 * (top - floor) or 1.0
    axes[0].set_ylim(floor - room, top + room)
    caption = (f"Every trial with a score ({count(len(trials))}) against each hyper-parameter, the chosen one as a diamond. Squares: means of trials, "
               "by choice or by quarters of the trials along a range, with 95 % t intervals where there are three. The other hyper-parameters change along, "
               "and the sampler looked longest where scores were high: this is no experiment with one of them."
               + (" Scores below the lowest twentieth are outside the pictures." if len(trials) >= MANY else ""))  # fmt: skip
    table = Table(["hyper-parameter", "values", "trials", "mean score", "95 % t interval"], rows)
    return Figure("sensitivity", "The score against each hyper-parameter", svg(canvas, "tuning-sensitivity", caption), caption, caption, table)


def _slice(ax: Axes, parameter: Parameter, trials: Sequence[dict[str, Any]], best: dict[str, Any] | None) -> list[list[str]]:
    y = np.array([one["value"] for one in trials])
    rows = []
    if parameter.ends:
        x = np.array([float(parameter.value(one["drawn"][parameter.name])) for one in trials])
        at = 1 - x if parameter.kind == "one_minus_log" else x
        ax.plot(at, y, "o", color=BLUE, markersize=3.2, alpha=0.5)
        if parameter.is_logarithmic:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1.0,) if at.max() > WIDE * at.min() else (1.0, 2.0, 5.0)))
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.xaxis.set_minor_formatter(NullFormatter())
        for part in _parts(x):
            mean = t_interval(y[part])
            centre = _centre(at[part], parameter.is_logarithmic)
            ax.errorbar(centre, mean.point, yerr=_error(mean, len(part)), fmt="s", color=INK, markersize=3.5, capsize=2, linewidth=1.1)
            ends = list(dict.fromkeys([_short(x[part].min()), _short(x[part].max())]))
            rows.append([parameter.name, " … ".join(ends), *_mean_cells(mean, len(part))])
        if best:
            own = parameter.value(best["drawn"][parameter.name])
            ax.plot(1 - own if parameter.kind == "one_minus_log" else own, best["value"], "D", color=ORANGE, markersize=6, zorder=3)
        ax.set_xlabel(f"1 − {parameter.name}" if parameter.kind == "one_minus_log" else parameter.name)
        if parameter.kind == "power_of_2":
            ticks = sorted({2**k for k in range(round(math.log2(parameter.ends[0])), round(math.log2(parameter.ends[1])) + 1)})
            ax.set_xticks(ticks, [str(tick) for tick in ticks])
            ax.minorticks_off()
        return rows
    labels = list(parameter.distribution()["choices"])
    for k, label in enumerate(labels):
        own = y[[one["drawn"][parameter.name] == label for one in trials]]
        if not len(own):
            continue
        ax.plot(k + np.linspace(-0.15, 0.15, len(own)), own, "o", color=BLUE, markersize=3.2, alpha=0.5)
        mean = t_interval(own)
        ax.errorbar(k + 0.28, mean.point, yerr=_error(mean, len(own)), fmt="s", color=INK, markersize=3.5, capsize=2, linewidth=1.1)
        rows.append([parameter.name, _short(label), *_mean_cells(mean, len(own))])
    if best:
        ax.plot(labels.index(best["drawn"][parameter.name]), best["value"], "D", color=ORANGE, markersize=6, zorder=3)
    ax.set_xticks(range(len(labels)), [_short(label).replace("$", r"\$") for label in labels])
    ax.set_xlim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(parameter.name)
    return rows


def _parts(x: np.ndarray) -> list[np.ndarray]:
    """The trials by value, where there are few values, such as powers of 2; else in quarters along the range: their places in x, [n] each."""
    values = np.unique(x)
    if len(values) <= BINS + 2:
        return [np.flatnonzero(x == value) for value in values]
    return [part for part in np.array_split(np.argsort(x, kind="stable"), min(BINS, max(1, len(x) // 3))) if len(part)]


def _centre(at: np.ndarray, is_logarithmic: bool) -> float:
    """Where the mean of these trials is drawn: in their middle, and beside them where all lie at one place."""
    if at.min() == at.max():
        return float(at[0]) * (1.12 if is_logarithmic else 1.02)
    return float(np.exp(np.log(at).mean()) if is_logarithmic else at.mean())


def _error(mean: Any, n: int) -> Any:
    return [[mean.point - mean.low], [mean.high - mean.point]] if n >= 3 and mean.is_claimed and not mean.note else None


def _mean_cells(mean: Any, n: int) -> list[str]:
    return [str(n), number(mean.point), bracket(mean, sign=False) if n >= 3 else "–"]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
