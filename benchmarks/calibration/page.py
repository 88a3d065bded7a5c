"""What was measured, as tables, a picture and a page: results/calibration."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.calibration.experiments import (
    AT_MARGIN,
    CORRECTED,
    CORRELATED,
    EXPERIMENTS,
    LOOKS,
    MARGIN,
    MIXED,
    NOISE,
    PLAIN,
    RARE,
    RUNS,
    SPREAD,
    Row,
)
from benchmarks.calibration.populations import POPULATIONS, REAL, REAL_SCORES
from benchmarks.stats.coverage import FALSE
from benchmarks.store.files import write_whole


def as_csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: _number(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _number(text: str) -> Any:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text or None


def select(rows: list[Row], **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def figure(tables: Mapping[str, list[Row]]) -> bytes:
    """Four panels: coverage, false claims, power, TOST; as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    colours = dict(zip(POPULATIONS, ("#0072B2", "#E69F00", "#D55E00", "#009E73"), strict=True))  # Okabe & Ito
    marks = dict(zip(POPULATIONS, "os^D", strict=True))
    with plt.rc_context({"svg.hashsalt": "calibration", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        canvas, axes = plt.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
        panels = [("task_t", 1, "t interval of one task"), ("task_bootstrap", 1, "bootstrap IQM of one task"), ("difference", 5, "difference of IQMs, 5 tasks")]
        for ax, (kind, tasks, title) in zip(axes[0], panels, strict=True):
            for population in POPULATIONS:
                rows = select(tables["coverage"], kind=kind, tasks=tasks, distribution=population, shift=0)
                ax.plot([r["n"] for r in rows], [r["share"] for r in rows], color=colours[population], marker=marks[population], label=population)
            ax.axhline(0.95, color="0.6", linewidth=0.8)
            ax.axhline(0.90, color="0.6", linewidth=0.8, linestyle=":")
            ax.set(title=f"Coverage: {title}", xlabel="runs per task and algorithm", ylabel="share that hold the truth", xscale="log", ylim=(0.45, 1.0))
            ax.set_xticks(RUNS, [str(n) for n in RUNS])
            ax.minorticks_off()
        axes[0, 0].legend(frameon=False, fontsize=8)
        for population in POPULATIONS:
            for what, style in (("tasks, Holm", "-"), ("tasks, uncorrected", ":")):
                rows = select(tables["false_claims"], kind=what, tasks=5, distribution=population)
                axes[1, 0].plot([r["n"] for r in rows], [r["share"] for r in rows], style, color=colours[population], marker=marks[population])
        axes[1, 0].axhline(0.05, color="0.6", linewidth=0.8)
        axes[1, 0].set(title="A/A: any of 15 tests claims a difference\n(solid: Holm, dotted: uncorrected)", xlabel="runs per task and algorithm",
                       ylabel="share of studies", ylim=(0, 0.7))
        for n, colour in zip((5, 10, 20, 30), ("#56B4E9", "#0072B2", "#CC79A7", "#000000"), strict=True):
            rows = select(tables["power"], kind="IQM", tasks=1, distribution="normal", n=n)
            axes[1, 1].plot([r["effect"] for r in rows], [r["share"] for r in rows], color=colour, marker="o", label=f"{n} runs a side")
        axes[1, 1].axhline(0.8, color="0.6", linewidth=0.8)
        axes[1, 1].legend(frameon=False, fontsize=8)
        axes[1, 1].set(title="Power: IQM, one task, normal scores", xlabel="true difference [sd of a run]", ylabel="share that find it", ylim=(0, 1))
        for population in POPULATIONS:
            for method, style in (("means", "-"), ("IQM", ":")):
                rows = select(tables["equivalence"], kind="at the margin", tasks=1, margin=1.0, distribution=population, method=method)
                axes[1, 2].plot([r["n"] for r in rows], [r["share"] for r in rows], style, color=colours[population], marker=marks[population])
        axes[1, 2].axhline(0.05, color="0.6", linewidth=0.8)
        axes[1, 2].set(title="TOST at the margin (1 sd): false claims\n(solid: means, dotted: IQM by bootstrap)", xlabel="runs a side",
                       ylabel="share of studies", ylim=(0, 0.2))
        for ax in (axes[1, 0], axes[1, 2]):
            ax.set_xticks([5, 10, 20], ["5", "10", "20"])
        drawn = tables["coverage"][0]["repetitions"]
        canvas.suptitle(f"{drawn:,} drawn studies per design; grey: nominal 95 %, 5 % and 80 %, dotted where a report begins to warn", fontsize=9)
        text = io.BytesIO()
        canvas.savefig(text, format="svg", metadata={"Date": None})
        plt.close(canvas)
    return text.getvalue()


def markdown(rows: list[Row], across: str, down: tuple[str, ...]) -> str:
    """A table of shares in percent; "–" where nothing was ever claimed."""
    columns = list(dict.fromkeys(row[across] for row in rows))
    lines = [f"| {' | '.join([*down, *(f'{across} = {c}' if isinstance(c, int) else str(c) for c in columns)])} |",
             f"|{' --- |' * len(down)}{' ---: |' * len(columns)}"]
    for key in dict.fromkeys(tuple(row[d] for d in down) for row in rows):
        cells = []
        for column in columns:
            found = [r for r in rows if tuple(r[d] for d in down) == key and r[across] == column]
            cells.append("–" if not found or found[0]["share"] is None else f"{100 * found[0]['share']:.1f}")
        lines.append(f"| {' | '.join([*map(str, key), *cells])} |")
    return "\n".join(lines)


def _false(rows: list[Row]) -> list[Row]:
    """Of the assumptions' table, what is false of each case, with and without the guards; and how often the IQM's interval holds it."""
    counted = lambda row: row["kind"].removesuffix(", tests alone") in (*FALSE.get(row["case"], ()), "interval of the IQM holds it")
    return [row for row in rows if counted(row)]


def _plain(rows: list[Row]) -> list[Row]:
    """What is true where nothing fails."""
    found = [row for row in rows if row["case"] == PLAIN]
    return [row for row in found if row["kind"].startswith("different" if row["effect"] else "equivalent")]


def _error(rows: list[Row]) -> float:
    return 100 * (0.05 * 0.95 / rows[0]["repetitions"]) ** 0.5


def readme(tables: Mapping[str, list[Row]], how: Row) -> str:
    """What was found, with every number taken from the tables."""
    claims, edge = tables["false_claims"], select(tables["equivalence"], kind="at the margin")
    corrected = [r for r in [*claims, *tables["split"]] if r["kind"] in CORRECTED and r["share"] is not None]
    worst, worst_edge = max(corrected, key=lambda r: r["share"]), max((r for r in edge if r["share"] is not None), key=lambda r: r["share"])
    spread_out = [r for r in tables["unequal"] if r["kind"] in ("tasks, Holm", "suite", "sequential")]
    most = {what: max((r for r in spread_out if what == (r["kind"] == "sequential")), key=lambda r: r["share"]) for what in (False, True)}
    error = 100 * (0.05 * 0.95 / how["repetitions"]) ** 0.5
    rows = tables["coverage"]
    fixed = [row for row in rows if row["shift"] == 0 and not row["kind"].endswith("_sequential") and row["kind"] != "task_tolerance"]
    stopped, many = [row for row in rows if row["kind"].endswith("_sequential")], select(rows, kind="task_tolerance")
    apart = [row for row in rows if row["shift"] and row not in stopped]
    sides, suites = [row for row in fixed if row["tasks"] == 1], [row for row in fixed if row["tasks"] > 1]
    where = lambda r: f"{r['kind']}; {r['distribution']}, n = {r['n']}{' and ' + str(r['n_y']) if 'n_y' in r else ''}, {r['tasks']} task(s)"
    return f"""# Calibration of the statistics

How often the intervals that a report prints hold the true value, and how often its claims are false, counted over {how["repetitions"]:,} drawn
studies per design, {how["resamples"]:,} resamples in each (a report takes 50,000). A share of 5 % has a standard error of {error:.1f} points.

Made by `{how["command"]}` ({how["seconds"] / 60:.0f} minutes on {how["jobs"]} process(es); Python {how["python"]}, NumPy {how["packages"]["numpy"]}).
`calibration.json` has the versions and the hash of the code and of the real scores; the same command makes the same numbers, whatever `--jobs` is.
Reports read `benchmarks/stats/coverage.csv` and `benchmarks/stats/assumptions.csv`, the same tables as here, and print a warning beside intervals of
95 % that held less than 90 % of the time, beside intervals of 90 % that held less than 85 %, and beside claims of which more than 10 % were false.
{how.get("note", "")}
Populations: **normal**; **skewed** (log-normal, σ = 0.75); **failing** (a fifth of the runs score 5 standard deviations less); **{REAL_SCORES}**:
the final scores of SB3's algorithms in `results/{REAL[0]}` and `results/{REAL[1]}`, ten real runs of each algorithm and task, from which the runs of
a study are drawn with replacement. These are resamples of ten runs, not new runs of SB3. Tasks differ in mean and spread.

![Calibration](calibration.svg)

## False claims
Four equal algorithms, three comparisons with the first: the share of studies in which **any** is called different. After correction the most is
{100 * worst["share"]:.1f} % ({where(worst)}). `sequential` may look four times, after n, 2n, 3n and 4n runs. Claims rest on the larger p of the
studentised permutation test and the t test, with Holm; the uncorrected rows show what they would be without it.

{markdown(claims, "n", ("kind", "distribution", "tasks"))}

SB3's real runs of {tables["split"][0]["tasks"]} tasks, ten of each, divided into five against five:

{markdown(tables["split"], "n", ("kind", "distribution"))}

## Equal on average, unequal in spread or number of runs
Two algorithms of which y has `spread` times the spread of x, about the same mean (`tasks`, `sequential`) or IQM (`suite`): the share of studies in
which they are called different, and in which intervals hold 0. Nothing holds 5 % for skewed scores of unequal spread and few runs. The most is
{100 * most[False]["share"]:.1f} % ({where(most[False])}, spread × {most[False]["spread"]:g}); of the sequential test, which is not
studentised, {100 * most[True]["share"]:.1f} % ({where(most[True])}).

{markdown(tables["unequal"], "distribution", ("kind", "tasks", "n", "n_y", "spread"))}

## Tasks that share their luck, and runs that fail
Two algorithms, and claims that are false of them, by the report's rule and by the tests alone, which take runs of one seed as independent and a sample
for what it shows. Scores from 0 (random) to 1 (expert). *{CORRELATED}*: equal algorithms on six tasks; *{MIXED}*: 0.9 always against 1 or 0;
*{RARE}*: 0.95 always against 1 or 0; *{AT_MARGIN}*: the margin is {MARGIN:g} and the true difference of means is that; runs vary by
{NOISE:g} besides. Bounds are known where a task has reference scores: then a claim must survive failures that were not seen. Without them it
cannot, and a report warns where more than 10 % of such claims are false: no rule without bounds can know better, since of algorithms that fail in 30 %
of runs one sample of five in six shows no failure, and of those that fail in 5 % three in four. {tables["assumptions"][0]["repetitions"]:,} studies per
design: a share of 5 % has a standard error of {_error(tables["assumptions"]):.1f} points.

{markdown(_false(tables["assumptions"]), "n", ("case", "kind", "correlation", "tasks", "bounds"))}

What the rule costs where nothing fails: a true difference is called different [%], by the rule and by the tests alone. "Or unlike": that the runs are
not of one distribution is said as often as before. Runs vary by {SPREAD:g} of the span, effects are in that unit; effect 0: equivalence claimed of equal
algorithms that vary by {NOISE:g}.

{markdown(_plain(tables["assumptions"]), "n", ("kind", "effect", "bounds"))}

## Coverage of nominal 95 % intervals of one task [%]
Of the studies in which an interval is claimed; `…_90` are the 90 % intervals that claims of equivalence rest on, `…_paired` of runs that share
what their seed makes. Differences, P and effect sizes: between equal algorithms. `difference`, `band` and `profile` are expanded;
`difference_percentile`, which no report prints, is what that replaces.

{markdown(sides, "n", ("kind", "distribution"))}

A tolerance interval needs more runs:

{markdown(many, "n", ("kind", "distribution"))}

## Coverage over suites [%]
{markdown(suites, "n", ("kind", "tasks", "distribution"))}

## Coverage where the algorithms differ by 1 or 2 standard deviations [%]
{markdown(apart, "n", ("kind", "tasks", "shift", "distribution"))}

## Coverage after a sequential test has stopped [%]
n runs a batch, at most {LOOKS} batches; intervals as if the number of runs had been fixed before.

{markdown(stopped, "n", ("kind", "tasks", "shift", "distribution"))}

## Equivalence (TOST)
False equivalence, the true difference being the margin itself [%]; nominal 5. The most is {100 * worst_edge["share"]:.1f} % ({worst_edge["method"]};
{worst_edge["distribution"]}, n = {worst_edge["n"]}, {worst_edge["tasks"]} task(s), margin {worst_edge["margin"]} sd). A margin in standard deviations of a run.

{markdown(edge, "n", ("method", "tasks", "margin", "distribution"))}

Equivalence claimed between equal algorithms (power) [%]:

{markdown(select(tables["equivalence"], kind="at no difference"), "n", ("method", "tasks", "margin", "distribution"))}

## Power
A true difference found at 5 % by the report's test of IQMs (and, for one task, of means) [%]; effects in standard deviations of a run.

{markdown(tables["power"], "effect", ("kind", "tasks", "distribution", "n"))}
"""


def write(out: Path, tables: Mapping[str, list[Row]], how: Row) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_whole(out / f"{name}.csv", as_csv(rows))
    write_whole(out / "calibration.json", json.dumps(how, indent=1) + "\n")
    write_whole(out / "calibration.svg", figure(tables))
    write_whole(out / "README.md", readme(tables, how))


def beside_older(out: Path, tables: Mapping[str, list[Row]], how: Row) -> tuple[dict[str, list[Row]], Row]:
    """The tables with those that were measured before, and how: of the older ones, with a note on these."""
    older = {name: read_csv(out / f"{name}.csv") for name in EXPERIMENTS if name not in tables}
    made = json.loads((out / "calibration.json").read_text(encoding="utf-8"))
    note = (f"\n**{', '.join(tables)}** {'was' if len(tables) == 1 else 'were'} measured later, by `{how['command']}`, the other tables by the code of then "
            "(`calibration.json` has the hashes of both).\n")  # fmt: skip
    again = {key: how[key] for key in ("command", "repetitions", "seconds", "source", "packages")}
    return {name: tables.get(name) or older[name] for name in EXPERIMENTS}, made | {"note": note, "later": {name: again for name in tables}}
