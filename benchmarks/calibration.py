"""`python -m benchmarks.calibration`: how often the report's intervals hold, and how often its claims are false, measured.

Studies are drawn from populations whose truth is known, analysed by the functions that the report uses, and counted:
    coverage        how often each kind of interval holds the true value, by number of runs and of tasks
    false claims    A/A studies: four equal algorithms, three comparisons; how often any is called different, with and without correction
    equivalence     how often TOST claims equivalence at the margin's edge (an error), and at no difference (its power)
    power           how often a true difference is found
Populations: normal, skewed (log-normal) and failing (a fifth of the runs score 5 standard deviations less) scores, and Stable-Baselines3's
own final scores in the published studies, resampled (SB3 against itself).
Every study has a random stream of its own, made from the seed, its design and its number: the result does not depend on --jobs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from scipy import stats as distributions

from benchmarks import stats
from benchmarks.stats import sequential

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "results" / "calibration"
READ_BY_REPORTS = Path(stats.__file__).with_name("coverage.csv")
REAL = ("quickstart", "parity")  # published studies whose SB3 runs are a population

RUNS = (3, 5, 10, 20)
TASKS = (1, 5, 20)
CHUNK = 50  # studies in one piece of work
CHECKPOINTS = 10
TAUS = 21
Row = dict[str, Any]


# ------------------------------------------------------------------------------------------------------------------- populations


def _normal(u: np.ndarray) -> np.ndarray:
    return distributions.norm.ppf(u)


def _skewed(u: np.ndarray) -> np.ndarray:
    sigma = 0.75
    return (np.exp(sigma * distributions.norm.ppf(u)) - np.exp(sigma**2 / 2)) / np.sqrt((np.exp(sigma**2) - 1) * np.exp(sigma**2))


def _failing(u: np.ndarray) -> np.ndarray:
    low, high = u < 0.2, np.clip((u - 0.2) / 0.8, 1e-12, 1 - 1e-12)
    return np.where(low, distributions.norm.ppf(np.clip(u / 0.2, 1e-12, 1 - 1e-12)) - 5, distributions.norm.ppf(high))


SYNTHETIC: dict[str, Callable[[np.ndarray], np.ndarray]] = {"normal": _normal, "skewed": _skewed, "failing": _failing}  # quantile functions
REAL_SCORES = "SB3's own"
POPULATIONS = (*SYNTHETIC, REAL_SCORES)


@cache
def real_scores() -> tuple[np.ndarray, ...]:
    """The final scores of each of SB3's algorithms on each task of the published studies, in standard deviations; those that vary."""
    cells: dict[tuple[str, str], list[float]] = {}
    for study in REAL:
        path = ROOT / "results" / study / "report" / "scores.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["algo"].startswith("sb3/"):
                    cells.setdefault((row["algo"], row["env"]), []).append(float(row["score"]))
    found = [np.array(scores) for _, scores in sorted(cells.items())]
    return tuple((x - x.mean()) / x.std() for x in found if np.ptp(x) > 0)


def quantiles(population: str, task: int, u: np.ndarray) -> np.ndarray:
    """The scores at these quantiles: of the task's own mean and spread, so that a suite is not one task many times."""
    if population == REAL_SCORES:
        pool = np.sort(real_scores()[task % len(real_scores())])
        values = pool[np.minimum((u * len(pool)).astype(int), len(pool) - 1)]
    else:
        values = SYNTHETIC[population](u)
    return 0.15 * (task % 7) + (0.6 + 0.2 * (task % 5)) * values


def draw(population: str, n: int, tasks: int, rng: np.random.Generator) -> list[np.ndarray]:
    """n runs of each task."""
    return [quantiles(population, m, rng.random(n)) for m in range(tasks)]


def spread(population: str) -> float:
    """The standard deviation of a run on the first task."""
    return float(np.std(_whole(population, 0)))


def _whole(population: str, task: int) -> np.ndarray:
    """The population of one task, as equally likely values."""
    return quantiles(population, task, (np.arange(10_000) + 0.5) / 10_000)


def curves(final: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Learning curves [runs, checkpoints] that end near these scores: a run's checkpoints belong together."""
    rise = (np.arange(CHECKPOINTS) + 1) / CHECKPOINTS
    return [scores[:, None] * rise + 0.3 * rng.standard_normal((len(scores), CHECKPOINTS)) for scores in final]


@cache
def truth(population: str, tasks: int) -> dict[str, Any]:
    """The true values that intervals should hold."""
    whole = [_whole(population, m) for m in range(tasks)]
    everything = np.concatenate(whole)
    taus = np.quantile(everything, np.linspace(0.05, 0.95, TAUS))
    rng = np.random.default_rng([7, crc32(population.encode()), tasks])
    return {
        **{metric: stats.aggregate(whole, metric) for metric in ("iqm", "mean", "median", "optimality_gap")},
        "band": stats.aggregate(curves(whole, rng), "iqm"),
        "taus": taus,
        "profile": np.mean([(scores[:, None] > taus).mean(axis=0) for scores in whole], axis=0),
    }


# -------------------------------------------------------------------------------------------------------------------- experiments
# Each analyses one drawn study and returns {what: 1 or 0, or NaN where nothing was claimed}.


def _held(interval: stats.Interval, value: Any) -> float:
    """Whether the interval (the whole band, where it claims something) holds the value."""
    if not interval.is_claimed:
        return float("nan")
    claimed = np.isfinite(np.asarray(interval.low))
    return float(np.all(((np.asarray(interval.low) <= value) & (value <= np.asarray(interval.high)))[claimed]))


def coverage(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    x, y, true = draw(population, n, tasks, rng), draw(population, n, tasks, rng), truth(population, tasks)
    how: dict[str, Any] = {"reps": design["resamples"], "seed": seed}
    kinds = {"aggregate": "iqm", "aggregate_mean": "mean", "aggregate_median": "median", "aggregate_gap": "optimality_gap"}
    found = {kind: _held(stats.interval_estimates({"x": x}, metric, **how)["x"], true[metric]) for kind, metric in kinds.items()}
    curve = curves(x, rng)
    for kind, suffix in (("expanded", ""), ("percentile", "_percentile")):
        found["band" + suffix] = _held(stats.interval_estimates({"x": curve}, "iqm", simultaneous=True, kind=kind, **how)["x"], true["band"])
        found["profile" + suffix] = _held(stats.performance_profile({"x": x}, true["taus"], kind=kind, **how)["x"], true["profile"])
    found["improvement"] = _held(stats.probability_of_improvement(x, y, **how), 0.5)
    found["difference"] = _held(stats.difference(x, y, **how), 0.0)
    found["difference_percentile"] = _held(stats.difference(x, y, kind="percentile", **how), 0.0)
    if tasks <= 5:
        z = draw(population, n, tasks, rng)
        found["rank"] = _held(stats.ranks({"x": x, "y": y, "z": z}, **how)["x"].mean, 2.0)
    if tasks == 1:
        found |= _of_one_task(x[0], y[0], design, rng, how)
    return found


def _of_one_task(x: np.ndarray, y: np.ndarray, design: Row, rng: np.random.Generator, how: Mapping) -> dict[str, float]:
    population, whole = design["distribution"], _whole(design["distribution"], 0)
    shared = draw(population, len(x), 1, rng)[0]  # what runs of the same seed have in common
    tolerance = stats.tolerance_interval(x)
    inside = np.mean((tolerance.low <= whole) & (whole <= tolerance.high)) if tolerance.is_claimed else float("nan")
    found = {
        "task_t": _held(stats.t_interval(x), whole.mean()),
        "task_bootstrap": _held(stats.interval_estimates({"x": [x]}, "iqm", **how)["x"], truth(population, 1)["iqm"]),
        "task_tolerance": float(inside >= 0.9) if tolerance.is_claimed else float("nan"),
        "welch": _held(stats.welch_difference(x, y), 0.0),
        "paired": _held(stats.paired_difference(x + shared, y + shared), 0.0),
        "hedges": _held(stats.hedges_g(x, y), 0.0),
        "cliffs": _held(stats.cliffs_delta([x], [y], **how), 0.0),
    }
    steps = np.arange(1, 21.0)  # the better a run's score, the sooner it is there; a run far below never is
    arrival = lambda scores: np.where(scores < -2, np.inf, np.clip(np.ceil(10 - 4 * scores), 1, 30))
    reached = (arrival(x)[:, None] <= steps).astype(float)
    timed, median = stats.steps_to_threshold(reached, steps, 0.5), np.median(arrival(whole))
    low, high = timed.low, timed.high if np.isfinite(timed.high) else np.inf
    found["threshold"] = float(low <= median <= high) if np.isfinite(low) else float("nan")
    return found


def false_claims(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Four equal algorithms, the first against the others: is any comparison, on any task or over all, called different?"""
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    algos = [draw(population, n, tasks, rng) for _ in range(4)]
    return _claims(algos, design, seed) | {"sequential": _sequential(population, n, tasks, rng, seed)}


def _claims(algos: list[list[np.ndarray]], design: Row, seed: int) -> dict[str, float]:
    how: dict[str, Any] = {"reps": design["resamples"], "seed": seed}
    first, others = algos[0], algos[1:]
    by_task = [stats.permutation_test([a], [b], "mean", most_exact=design["resamples"], **how).p for other in others for a, b in zip(first, other, strict=True)]
    welch = [stats.welch_test(a, b).p for other in others for a, b in zip(first, other, strict=True)]
    overall = [stats.permutation_test(first, other, "iqm", most_exact=design["resamples"], **how).p for other in others]
    apart = [stats.difference(first, other, kind="percentile", **how).excludes_zero for other in others]
    least = lambda p: float(np.nanmin(p, initial=1.0) < stats.ALPHA)
    return {
        "tasks, Holm": least(stats.holm(by_task)), "tasks, uncorrected": least(by_task),
        "tasks, Welch and Holm": least(stats.holm(welch)), "tasks, Welch uncorrected": least(welch),
        "suite, Holm": least(stats.holm(overall)), "suite, uncorrected": least(overall),
        "suite, percentile interval excludes 0": float(any(apart)),
    }  # fmt: skip


def _sequential(population: str, n: int, tasks: int, rng: np.random.Generator, seed: int) -> float:
    """At most 4n runs in batches of n, until all three comparisons are decided."""
    test = sequential.SequentialTest(["1", "2", "3"], looks=4, reps=1000, seed=seed)
    while not test.is_finished:
        batch = [draw(population, n, tasks, rng) for _ in range(4)]
        test.look({name: (batch[0], batch[int(name)]) for name in test.names})
    return float(len(test.open) < 3)


def split(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """SB3's ten real runs of every task, divided at random into five against five: two studies that were really made."""
    order = [rng.permutation(len(pool)) for pool in real_scores()]
    halves = [[pool[o[side]] for pool, o in zip(real_scores(), order, strict=True)] for side in (slice(0, 5), slice(5, 10))]
    return _claims(halves, design, seed)


def equivalence(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Is equivalence claimed where the true difference is the margin itself (an error), or 0 (right)?"""
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    margin = design["margin"] * spread(population)
    x, y = draw(population, n, tasks, rng), draw(population, n, tasks, rng)
    edge = [scores + margin for scores in x]
    found = {}
    for where, ahead in (("at the margin", edge), ("at no difference", x)):
        found[where] = float(_tost(ahead, y, margin, design, seed))
    return found


def _tost(x: list[np.ndarray], y: list[np.ndarray], margin: float, design: Row, seed: int) -> bool:
    if design["method"] == "welch":
        narrow = stats.welch_difference(x[0], y[0], confidence=0.90)
    else:
        narrow = stats.difference(x, y, confidence=0.90, reps=design["resamples"], seed=seed)
    return narrow.n >= stats.FEWEST_RUNS_FOR_EQUIVALENCE and narrow.is_claimed and -margin < narrow.low and narrow.high < margin


def power(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    effect = design["effect"] * spread(population)
    x, y = [scores + effect for scores in draw(population, n, tasks, rng)], draw(population, n, tasks, rng)
    found = {"permutation": float(stats.permutation_test(x, y, "iqm", reps=design["resamples"], seed=seed, most_exact=design["resamples"]).p < stats.ALPHA)}
    if tasks == 1:
        found["welch"] = float(stats.welch_test(x[0], y[0]).p < stats.ALPHA)
    return found


EXPERIMENTS = {"coverage": coverage, "false_claims": false_claims, "split": split, "equivalence": equivalence, "power": power}


def designs(resamples: int) -> dict[str, list[Row]]:
    """Every design of each table."""
    base = {"resamples": resamples}
    everywhere: list[Row] = [{"distribution": p, "n": n, "tasks": t, **base} for p in POPULATIONS for n in RUNS for t in TASKS]
    edges = [{"distribution": p, "n": n, "tasks": t, "method": method, "margin": margin, **base} for p in POPULATIONS for n in (5, 10, 20)
             for t, method in ((1, "welch"), (1, "bootstrap"), (5, "bootstrap")) for margin in (0.5, 1.0, 2.0)]
    effects = [{"distribution": p, "n": n, "tasks": t, "effect": e, **base} for p in SYNTHETIC for t in (1, 5) for n in (3, 5, 10, 20, 30)
               for e in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)]
    return {
        "coverage": everywhere,
        "false_claims": [d for d in everywhere if d["n"] in (5, 10, 20) and d["tasks"] <= 5],
        "split": [{"distribution": f"{REAL_SCORES}, halved", "n": 5, "tasks": len(real_scores()), **base}],
        "equivalence": edges,
        "power": effects,
    }


# ------------------------------------------------------------------------------------------------------------------ carrying out


def _name(experiment: str, design: Row) -> str:
    return experiment + json.dumps(design, sort_keys=True)


def work(experiment: str, design: Row, first: int, last: int, seed: int) -> dict[str, list[float]]:
    """Studies first … last−1 of a design: for each thing counted, the number of studies that claimed something, and the sum."""
    counted: dict[str, list[float]] = {}
    for study in range(first, last):
        key = crc32(_name(experiment, design).encode())
        found = EXPERIMENTS[experiment](design, np.random.default_rng([seed, key, study]), seed=study)
        for what, value in found.items():
            entry = counted.setdefault(what, [0, 0.0, 0])
            entry[0] += not np.isnan(value)
            entry[1] += 0.0 if np.isnan(value) else value
            entry[2] += 1
    return counted


def _pieces(table: list[Row], experiment: str, repetitions: int) -> Iterator[tuple[str, int, Row, int, int]]:
    for k, design in enumerate(table):
        for first in range(0, repetitions, CHUNK):
            yield experiment, k, design, first, min(first + CHUNK, repetitions)


def measure(repetitions: int, resamples: int, jobs: int, seed: int, only: tuple[str, ...] = tuple(EXPERIMENTS)) -> dict[str, list[Row]]:
    """Every table, as rows: the design, what was counted, in how many studies, how many of them claimed something, and the share."""
    tables = {name: table for name, table in designs(resamples).items() if name in only}
    pieces = [piece for name, table in tables.items() for piece in _pieces(table, name, repetitions)]
    pieces.sort(key=lambda piece: -piece[2]["n"] * piece[2]["tasks"])  # the dearest first
    sums: dict[tuple[str, int], dict[str, list[float]]] = {}
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):  # the spawned processes read them
        os.environ[threads] = "1"
    begin = time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(work, name, design, first, last, seed): (name, k) for name, k, design, first, last in pieces}
        for done, future in enumerate(as_completed(waiting), start=1):
            entry = sums.setdefault(waiting[future], {})
            for what, numbers in future.result().items():
                entry[what] = [a + b for a, b in zip(entry.get(what, [0, 0.0, 0]), numbers, strict=True)]
            if done % max(1, len(pieces) // 40) == 0 or done == len(pieces):
                passed = time.monotonic() - begin
                left = passed / done * (len(pieces) - done)
                print(f"{done} of {len(pieces)} pieces, {passed:.0f} s, less than {left:.0f} s left", file=sys.stderr, flush=True)
    found: dict[str, list[Row]] = {}
    for name, table in tables.items():
        found[name] = []
        for k, design in enumerate(table):
            for what, (claimed, total, studies) in sorted(sums[name, k].items()):
                row = {key: value for key, value in design.items() if key != "resamples"}
                found[name].append({"kind": what, **row, "repetitions": int(studies), "claimed": int(claimed),
                                    "share": round(total / claimed, 4) if claimed else None})
    return found


# ------------------------------------------------------------------------------------------------------------------------ writing


def write_whole(path: Path, content: str | bytes) -> None:
    """The old file or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(temporary, path)


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


def source_hash() -> str:
    """sha256 over the code that was calibrated."""
    files = [Path(__file__), *sorted(Path(stats.__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


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
                rows = select(tables["coverage"], kind=kind, tasks=tasks, distribution=population)
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
            rows = select(tables["power"], kind="permutation", tasks=1, distribution="normal", n=n)
            axes[1, 1].plot([r["effect"] for r in rows], [r["share"] for r in rows], color=colour, marker="o", label=f"{n} runs a side")
        axes[1, 1].axhline(0.8, color="0.6", linewidth=0.8)
        axes[1, 1].legend(frameon=False, fontsize=8)
        axes[1, 1].set(title="Power: IQM, one task, normal scores", xlabel="true difference [sd of a run]", ylabel="share that find it", ylim=(0, 1))
        for population in POPULATIONS:
            for method, style in (("welch", "-"), ("bootstrap", ":")):
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


def readme(tables: Mapping[str, list[Row]], how: Row) -> str:
    """What was found, with every number taken from the tables."""
    claims, edge = tables["false_claims"], select(tables["equivalence"], kind="at the margin")
    corrected = [r for r in [*claims, *tables["split"]] if r["kind"] in ("tasks, Holm", "suite, Holm", "sequential") and r["share"] is not None]
    worst, worst_edge = max(corrected, key=lambda r: r["share"]), max((r for r in edge if r["share"] is not None), key=lambda r: r["share"])
    error = 100 * (0.05 * 0.95 / how["repetitions"]) ** 0.5
    sides = [row for row in tables["coverage"] if row["tasks"] == 1]
    suites = [row for row in tables["coverage"] if row["tasks"] > 1]
    return f"""# Calibration of the statistics

How often the intervals that a report prints hold the true value, and how often its claims are false, counted over {how["repetitions"]:,} drawn
studies per design, {how["resamples"]:,} resamples in each. A share of 5 % has a standard error of {error:.1f} points.

Made by `{how["command"]}` ({how["seconds"] / 60:.0f} minutes on {how["jobs"]} processes; Python {how["python"]}, NumPy {how["packages"]["numpy"]}).
`calibration.json` has the versions and the hash of the code; the same command makes the same numbers, whatever `--jobs` is. Reports read
`benchmarks/stats/coverage.csv`, the same table as `coverage.csv` here, and print a warning beside intervals that held less than 90 % of the time.

Populations: **normal**; **skewed** (log-normal, σ = 0.75); **failing** (a fifth of the runs score 5 standard deviations less); **{REAL_SCORES}**
(final scores of SB3's algorithms in `results/{REAL[0]}` and `results/{REAL[1]}`, resampled). Tasks differ in mean and spread.

![Calibration](calibration.svg)

## False claims
Four equal algorithms, three comparisons with the first: the share of studies in which **any** is called different. After correction the most is
{100 * worst["share"]:.1f} % ({worst["kind"]}; {worst["distribution"]}, n = {worst["n"]}, {worst["tasks"]} task(s)). `sequential` may look four times,
after n, 2n, 3n and 4n runs. Claims rest on the permutation test with Holm; the uncorrected rows show what they would be without it.

{markdown(claims, "n", ("kind", "distribution", "tasks"))}

SB3's real runs of {tables["split"][0]["tasks"]} tasks, ten of each, divided into five against five:

{markdown(tables["split"], "n", ("kind", "distribution"))}

## Coverage of nominal 95 % intervals of one task [%]
Of the studies in which an interval is claimed. `task_tolerance` needs more runs than 20. `hedges`, `cliffs`, `welch`, `paired`, `difference`:
between equal algorithms. `difference`, `band` and `profile` are expanded, `…_percentile` is what that replaces.

{markdown(sides, "n", ("kind", "distribution"))}

## Coverage over suites [%]
{markdown(suites, "n", ("kind", "tasks", "distribution"))}

## Equivalence (TOST)
False equivalence, the true difference being the margin itself [%]; nominal 5. The most is {100 * worst_edge["share"]:.1f} % ({worst_edge["method"]},
{worst_edge["distribution"]}, n = {worst_edge["n"]}, {worst_edge["tasks"]} task(s), margin {worst_edge["margin"]} sd). A margin in standard deviations of a run.

{markdown(edge, "n", ("method", "tasks", "margin", "distribution"))}

Equivalence claimed between equal algorithms (power) [%]:

{markdown(select(tables["equivalence"], kind="at no difference"), "n", ("method", "tasks", "margin", "distribution"))}

## Power
A true difference found at 5 %, permutation test of IQMs (and Welch's test of means for one task) [%]; effects in standard deviations of a run.

{markdown(tables["power"], "effect", ("kind", "tasks", "distribution", "n"))}
"""


def write(out: Path, tables: Mapping[str, list[Row]], how: Row) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_whole(out / f"{name}.csv", as_csv(rows))
    write_whole(out / "calibration.json", json.dumps(how, indent=1) + "\n")
    write_whole(out / "calibration.svg", figure(tables))
    write_whole(out / "README.md", readme(tables, how))


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description="How often the report's intervals hold, and its claims are false.")
    top.add_argument("--repetitions", type=int, default=2000, metavar="N", help="studies per design (default 2000)")
    top.add_argument("--resamples", type=int, default=1000, metavar="N", help="bootstrap and permutation resamples per analysis (default 1000)")
    top.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)")
    top.add_argument("--seed", type=int, default=0)
    top.add_argument("--out", type=Path, default=PUBLISHED, metavar="DIR")
    top.add_argument("--install", action="store_true", help="also make it the table from which reports take their warnings")
    args = top.parse_args(arguments)
    if min(args.repetitions, args.resamples, args.jobs) < 1:
        top.error("--repetitions, --resamples and --jobs must be at least 1")
    begin = time.monotonic()
    tables = measure(args.repetitions, args.resamples, args.jobs, args.seed)
    command = f"python -m benchmarks.calibration --repetitions {args.repetitions} --resamples {args.resamples} --seed {args.seed} --install"
    how = {
        "command": command, "repetitions": args.repetitions, "resamples": args.resamples, "seed": args.seed, "jobs": args.jobs,
        "seconds": round(time.monotonic() - begin), "source": source_hash(), "python": platform.python_version(), "system": platform.system(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba")},
        "populations": {REAL_SCORES: [f"results/{study}/report/scores.csv" for study in REAL]},
    }  # fmt: skip
    write(args.out, tables, how)
    if args.install:
        write_whole(READ_BY_REPORTS, as_csv(tables["coverage"]))
    print(args.out / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
