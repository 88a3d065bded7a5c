"""The effect of a claim as one picture: every run of every arm above, the claim's numbers with their intervals below.

The claim's file may say how the runs are drawn: `picture: {curves: score}` draws the arms over training, `{against: {arm: x, …}, label: λ}` over a setting.
By default each run is a dot of the metric of the claim's first number. log_x, log_y: the scales are logarithmic; share_y: that of all tasks is one; turned:
the arms' names stand upright, so that many have room; called: {arm: words}, where an arm's own name is too long to stand beneath its runs.
"""

from __future__ import annotations

import math
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from benchmarks.claims.claim import Claim, Metric
from benchmarks.claims.metrics import Results, words
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, WEAKER, Outcome
from benchmarks.report.style import FAINT, INK, PALETTE, STYLE, new_canvas, svg
from benchmarks.stats import t_interval

COLOURS = {REPRODUCED: "#1a7f37", WEAKER: "#8a6d00", NOT_DISTINGUISHED: "#5b5b5b", CONTRADICTED: "#b3261e", VOID: "#7a5aa6"}
WIDTH = 5.0  # inches: narrow, so that it can be read on a telephone
PER_ROW, MOST_TASKS = 2, 4
OF_RUNS, OF_NUMBER, OF_LINE = 2.4, 0.34, 0.17  # inches of height: of a row of tasks, of a number, of a line of its label
LABEL, LINE = 70, 0.3  # characters of a line of a label, and its height in the unit of the rows


def drawn(claim: Claim, outcome: Outcome, results: Results, is_quick: bool = False) -> str:
    """The picture as an SVG file, the same bytes each time."""
    tasks = _tasks(claim) if outcome.numbers else []
    of_labels = sum(_lines(judged.number.says) for judged in outcome.numbers)
    heights = [OF_RUNS * math.ceil(len(tasks) / PER_ROW), 0.35 + OF_NUMBER * len(outcome.numbers) + OF_LINE * of_labels]
    with matplotlib.rc_context({**STYLE, "font.size": 8}):
        canvas = new_canvas(WIDTH, max(1.0, sum(heights)))
        if outcome.numbers:
            parts: Any = canvas.subfigures(2, 1, height_ratios=heights)
            columns = min(PER_ROW, len(tasks))
            rows, together = math.ceil(len(tasks) / columns), bool(claim.picture.get("share_y"))
            axes = list(parts[0].subplots(rows, columns, squeeze=False, sharey=together).flat)
            for k, (ax, env) in enumerate(zip(axes, tasks, strict=False)):
                _runs(ax, claim, env, results, is_left=k % columns == 0, is_first=k == 0)
            for ax in axes[len(tasks) :]:
                ax.set_axis_off()
            _numbers(parts[1].subplots(), outcome, is_quick)
        else:
            canvas.text(0.5, 0.5, _wrapped(f"no numbers: {outcome.why}", 60), ha="center", va="center", color=FAINT)
        text = svg(canvas, claim.name, alt=f"{claim.title}: every run by arm, and the claim's numbers with their intervals")
    return text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def _tasks(claim: Claim) -> list[str]:
    """The tasks of the claim's first number that has arms, else all; as many as fit beside one another."""
    all_tasks = list(dict.fromkeys(env for group in claim.study_settings["groups"] for env in group["envs"]))
    chosen = claim.picture.get("tasks") or next((list(number.envs) for number in claim.numbers if number.envs), all_tasks)
    return chosen[:MOST_TASKS]


def _arms(claim: Claim, env: str) -> list[str]:
    arms = list(dict.fromkeys(algo for group in claim.study_settings["groups"] if env in group["envs"] for algo in group["algos"]))
    return [arm for arm in arms if arm in claim.picture.get("arms", arms)]


def _metric(claim: Claim) -> Metric:
    own = claim.picture.get("metric")
    if own is not None:
        return Metric(**({"of": own} if isinstance(own, str) else own))
    return next((number.metric for number in claim.numbers if number.statistic is None), Metric())


def label(claim: Claim, arm: str) -> str:
    """An arm as it is written beside its runs: what the claim calls it, or of a variant its own name, on a line of its own."""
    return claim.picture.get("called", {}).get(arm, arm).replace("~", "\n")


def _runs(ax: Axes, claim: Claim, env: str, results: Results, is_left: bool, is_first: bool) -> None:
    arms = _arms(claim, env)
    colours = {arm: PALETTE[k % len(PALETTE)] for k, arm in enumerate(_arms(claim, env))}
    ax.set_title(env.removeprefix("from_scratch/"), fontsize=8.5)
    if claim.picture.get("curves"):
        _curves(ax, claim, env, results, colours, is_left, is_first)
        return
    metric = _metric(claim)
    places: dict[str, float] = claim.picture.get("against") or {arm: float(k) for k, arm in enumerate(arms)}
    reach = (max(places.values()) - min(places.values())) or 1.0
    if claim.picture.get("log_x"):
        ax.set_xscale("log")
    for arm in (arm for arm in arms if arm in places):
        values = results.values(arm, env, metric)
        scatter = 0.0 if claim.picture.get("against") else 0.12
        x = places[arm] + scatter * np.linspace(-1, 1, len(values))
        ax.plot(x, values, "o", ms=3.2, mew=0, alpha=0.45, color=colours[arm])
        _mean(ax, places[arm] + (0.0 if claim.picture.get("against") else 0.27), values, colours[arm])
    if claim.picture.get("log_y"):
        ax.set_yscale("symlog")
    if claim.picture.get("against"):
        means = [(places[arm], results.values(arm, env, metric).mean()) for arm in arms if arm in places]
        ax.plot(*zip(*sorted(means), strict=True), color=FAINT, lw=1, zorder=0)
        ax.set_xlabel(claim.picture.get("label", ""))
    else:
        turned = bool(claim.picture.get("turned"))  # of many arms, the variants' own names upright
        names = [arm.rpartition("~")[2] if turned else label(claim, arm) for arm in places]
        ax.set_xticks(list(places.values()), names, fontsize=7.5, rotation=90 if turned else 0)
        ax.set_xlim(min(places.values()) - 0.45 * min(reach, 1), max(places.values()) + 0.55 * min(reach, 1))
        ax.grid(False, axis="x")
    if is_left:
        ax.set_ylabel(_wrapped(claim.picture.get("y") or words(metric)))


def _mean(ax: Axes, x: float, values: np.ndarray, colour: str) -> None:
    """The mean of runs with its 95 % t interval."""
    interval = t_interval(values)
    low, high = (interval.low, interval.high) if interval.is_claimed else (interval.point, interval.point)
    ax.plot([x, x], [low, high], color=colour, lw=1.6, solid_capstyle="butt")
    ax.plot([x], [interval.point], "D", ms=4, color=colour)


def _curves(ax: Axes, claim: Claim, env: str, results: Results, colours: dict[str, str], is_left: bool, is_first: bool) -> None:
    """Means over training with 95 % t bands."""
    of = claim.picture["curves"]
    for arm, colour in colours.items():
        series = list(results.series(arm, env, of).values())
        steps = series[0][0] if series else np.empty(0)
        whole = [values for at, values in series if len(at) == len(steps)]
        if not whole:
            continue
        mean = np.mean(whole, axis=0)
        half = np.array([_half(column) for column in np.transpose(whole)])
        ax.plot(steps, mean, color=colour, lw=1.6, label=label(claim, arm).replace("\n", " "))
        ax.fill_between(steps, mean - half, mean + half, color=colour, alpha=0.16, lw=0)
    if claim.picture.get("log_y"):
        ax.set_yscale("symlog")
    ax.set_xlabel("steps")
    if claim.picture.get("log_x"):
        ax.set_xscale("log")
    else:
        ax.ticklabel_format(axis="x", style="sci", scilimits=(0, 4))
    if is_left:
        ax.set_ylabel(_wrapped(claim.picture.get("y") or words(Metric(of))))
    if is_first:
        ax.legend(fontsize=7.5)


def _half(values: np.ndarray) -> float:
    interval = t_interval(values)
    return float(interval.high - interval.point) if interval.is_claimed else 0.0


def _wrapped(text: str, width: int = 30) -> str:
    lines = [""]
    for word in text.split():
        lines = [*lines[:-1], f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < width else [*lines, word]
    return "\n".join(lines)


def _numbers(ax: Axes, outcome: Outcome, is_quick: bool) -> None:
    """The claim's numbers on one scale: 0 is no effect, 1 the smallest that counts; of a null, ±1 is where it has to lie."""
    left, right, row = -2.5, 4.0, 0.0
    for judged in outcome.numbers:
        number, estimate = judged.number, judged.estimate
        row += _lines(number.says) * LINE  # its label stands above it
        colour = FAINT if is_quick else COLOURS[judged.verdict]
        if number.within is not None:
            unit = min(abs(bound - number.nothing) for bound in number.within if bound is not None)
            room = [edge if bound is None else (bound - number.nothing) / unit for bound, edge in zip(number.within, (left, right), strict=True)]
            ax.barh(row, width=room[1] - room[0], left=room[0], height=0.36, color=COLOURS[REPRODUCED], alpha=0.13, lw=0)
            ends = (estimate.low90, estimate.high90)
        else:
            assert number.enough is not None
            unit, ends = number.enough - number.nothing, (estimate.low, estimate.high)
            ax.plot([1, 1], [row - 0.18, row + 0.18], color=COLOURS[REPRODUCED], lw=1.4)
        low, point, high = (float(np.clip((value - number.nothing) / unit, left, right)) for value in (ends[0], estimate.point, ends[1]))
        ax.plot([0, 0], [row - 0.26, row + 0.26], color=INK, lw=0.9)
        ax.plot([low, high], [row, row], color=colour, lw=2.4, solid_capstyle="butt")
        ax.plot([point], [row], "D", ms=5, color=colour)
        ax.text(left, row - 0.28, _wrapped(number.says, LABEL), fontsize=7.5, va="bottom", color=INK, linespacing=1.1)
        row += 0.6
    ax.set_xlim(left - 0.1, right + 0.1)
    ax.set_ylim(row - 0.2, -0.05)
    ax.set_xticks([0, 1], ["no effect", "counts"])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines["left"].set_visible(False)


def _lines(says: str) -> int:
    return 1 + _wrapped(says, LABEL).count("\n")
