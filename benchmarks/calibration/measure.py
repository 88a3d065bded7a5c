"""`python -m benchmarks.calibration`: how often the report's intervals hold, and how often its claims are false, measured.

Studies are drawn from populations whose truth is known, analysed by the functions that the report uses, and counted:
    coverage        how often each kind of interval holds the true value, by number of runs and of tasks: of equal algorithms, of ones that
                    differ by 1 or 2 sd, of pairs, and after a sequential test has stopped
    false claims    A/A studies: four equal algorithms, three comparisons; how often any is called different, with and without correction
    unequal         two algorithms with the same mean or IQM, but another spread or number of runs: how often they are called different
    equivalence     how often TOST claims equivalence at the margin's edge (an error), and at no difference (its power)
    power           how often a true difference is found
    assumptions     equal algorithms on tasks whose scores are correlated over seeds; one that fails in some of its runs beside one that does not, with the
                    same mean or IQM, or apart by the margin; unequal spreads: how often they are called different, or equivalent, by the report's
                    rule and by the tests alone; and what the rule costs where nothing fails
Populations: normal, skewed (log-normal) and failing (a fifth of the runs score 5 standard deviations less) scores, and Stable-Baselines3's
own final scores in the published studies: ten real runs of each algorithm and task, drawn again with replacement (SB3 against itself).
Every study has a random stream of its own, made from the seed, its design and its number: the result does not depend on --jobs. What is
done is kept in progress.jsonl of --out until the end: started again, the same command goes on.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from benchmarks.stats.comparisons import judge
from benchmarks.stats.coverage import FALSE
from from_scratch import registry

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "calibration"
READ_BY_REPORTS = Path(stats.__file__).with_name("coverage.csv")
RATES_READ_BY_REPORTS = Path(stats.__file__).with_name("assumptions.csv")
REAL = ("quickstart", "parity")  # published studies whose SB3 runs are a population

RUNS = (3, 5, 10, 20)
TASKS = (1, 5, 20)
CHUNK = 50  # studies in one piece of work
CHECKPOINTS = 10
TAUS = 101  # as many as the report's profiles have
LOOKS = 4  # of a sequential study
PERMUTATIONS = 400  # of its test
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
    for path in populations():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if registry.find(row["algo"]).base == "stable_baselines3":
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


def draw(population: str, n: int, tasks: int, rng: np.random.Generator, correlation: float = 0.0) -> stats.BySeed:
    """n runs of each task, of n seeds that all tasks share, as a report has them; correlation: of the normal scores whose quantiles they are."""
    if not correlation:
        return _of_seeds([quantiles(population, m, rng.random(n)) for m in range(tasks)])
    shared = rng.standard_normal(n)
    own = [correlation**0.5 * shared + (1 - correlation) ** 0.5 * rng.standard_normal(n) for _ in range(tasks)]
    return _of_seeds([quantiles(population, m, distributions.norm.cdf(z)) for m, z in enumerate(own)])


def _of_seeds(scores: list[np.ndarray]) -> stats.BySeed:
    return stats.BySeed(scores, [list(range(len(task))) for task in scores])


def plus(one: list[np.ndarray], other: list[np.ndarray]) -> stats.BySeed:
    """The sums, run by run."""
    return _of_seeds([a + b for a, b in zip(one, other, strict=True)])


def spread(population: str) -> float:
    """The standard deviation of a run on the first task."""
    return float(np.std(_whole(population, 0)))


def _whole(population: str, task: int) -> np.ndarray:
    """The population of one task, as equally likely values."""
    return quantiles(population, task, (np.arange(10_000) + 0.5) / 10_000)


def curves(final: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Learning curves [runs, checkpoints] that end near these scores: a run's checkpoints belong together."""
    rise = (np.arange(CHECKPOINTS) + 1) / CHECKPOINTS
    return _of_seeds([scores[:, None] * rise + 0.3 * rng.standard_normal((len(scores), CHECKPOINTS)) for scores in final])


@cache
def truth(population: str, tasks: int) -> dict[str, Any]:
    """The true values that intervals should hold."""
    whole = [_whole(population, m) for m in range(tasks)]
    learning = curves(whole, np.random.default_rng([7, crc32(population.encode()), tasks]))
    areas = _areas(learning)
    return {
        **{metric: stats.aggregate(whole, metric) for metric in ("iqm", "mean", "median", "optimality_gap")},
        "sorted": [np.sort(scores) for scores in whole],
        "sds": [float(scores.std()) for scores in whole],
        "band": stats.aggregate(learning, "iqm"),
        "area": stats.aggregate(areas, "iqm"),
        "task_area": float(areas[0].mean()),
    }


def _areas(learning: list[np.ndarray]) -> list[np.ndarray]:
    return _of_seeds([stats.area_under_curve(scores, np.arange(1.0, CHECKPOINTS + 1)) for scores in learning])


def _profile(true: Mapping[str, Any], taus: np.ndarray) -> np.ndarray:
    """The true share of runs above each τ."""
    return np.mean([1 - np.searchsorted(scores, taus, side="right") / len(scores) for scores in true["sorted"]], axis=0)


def _improvement(true: Mapping[str, Any], shift: float) -> float:
    """The true P(X > Y) where X is `shift` standard deviations of each task ahead."""
    parts = []
    for scores, sd in zip(true["sorted"], true["sds"], strict=True):
        ahead = scores + shift * sd
        parts.append((np.searchsorted(scores, ahead, side="left") + np.searchsorted(scores, ahead, side="right")).mean() / 2 / len(scores))
    return float(np.mean(parts))


def moved(scores: list[np.ndarray], population: str, shift: float) -> list[np.ndarray]:
    """The same runs, `shift` standard deviations of each task better."""
    return _of_seeds([task + shift * sd for task, sd in zip(scores, truth(population, len(scores))["sds"], strict=True)]) if shift else scores


# -------------------------------------------------------------------------------------------------------------------- experiments
# Each analyses one drawn study and returns {what: 1 or 0, or NaN where nothing was claimed}.


def _held(interval: stats.Interval, value: Any) -> float:
    """Whether the interval (the whole band, where it claims something) holds the value."""
    if not interval.is_claimed:
        return float("nan")
    claimed = np.isfinite(np.asarray(interval.low))
    return float(np.all(((np.asarray(interval.low) <= value) & (value <= np.asarray(interval.high)))[claimed]))


def coverage(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    return {"equal": _of_equal, "shifted": _of_shifted, "sequential": _after_stopping, "many": _of_many}[design["study"]](design, rng, seed)


def _of_equal(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Every interval of a study of equal algorithms."""
    population, n, tasks = design["distribution"].partition(",")[0], design["n"], design["tasks"]
    x, y, z, shared = (draw(population, n, tasks, rng, design.get("correlation", 0.0)) for _ in range(4))  # shared: what runs of the same seed have in common
    true, how = truth(population, tasks), {"reps": design["resamples"], "seed": seed}
    kinds = {"aggregate": "iqm", "aggregate_mean": "mean", "aggregate_median": "median", "aggregate_gap": "optimality_gap"}
    found = {kind: _held(stats.interval_estimates({"x": x}, metric, kind="expanded", **how)["x"], true[metric]) for kind, metric in kinds.items()}
    learning = [curves(side, rng) for side in (x, y)]
    found["band"] = _held(stats.interval_estimates({"x": learning[0]}, "iqm", simultaneous=True, kind="expanded", **how)["x"], true["band"])
    areas = [_areas(side) for side in learning]
    found["area"] = _held(stats.interval_estimates({"x": areas[0]}, "iqm", kind="expanded", **how)["x"], true["area"])
    found["area_difference"] = _held(stats.difference(areas[0], areas[1], **how), 0.0)
    every = np.concatenate([*x, *y])
    pad = 0.05 * (np.ptp(every) or 1.0)
    taus = np.linspace(every.min() - pad, every.max() + pad, TAUS)  # as benchmarks.evidence.analysis spreads them
    found["profile"] = _held(stats.performance_profile({"x": x}, taus, kind="expanded", **how)["x"], _profile(true, taus))
    found |= _of_pair(x, y, how, 0.5, 0.0) | {"rank": _held(stats.ranks({"x": x, "y": y, "z": z}, **how)["x"].mean, 2.0)}
    found["difference_percentile"] = _held(stats.difference(x, y, kind="percentile", **how), 0.0)
    pairs = [plus(side, shared) for side in (x, y)]
    found |= _of_pair(pairs[0], pairs[1], how | {"paired": True}, 0.5, 0.0)
    return found | (_of_one_task(x[0], y[0], areas[0][0], shared[0], design, seed) if tasks == 1 else {})


def _of_pair(x: list[np.ndarray], y: list[np.ndarray], how: Mapping[str, Any], p: float, apart: float) -> dict[str, float]:
    suffix = "_paired" if how.get("paired") else ""
    improvement = _held(stats.probability_of_improvement(x, y, **how), p)
    found = {"improvement": improvement, "cliffs": improvement}  # Cliff's δ is 2 P − 1, and so is its interval
    found["difference"] = _held(stats.difference(x, y, **how), apart)
    found = {kind + suffix: held for kind, held in found.items()}
    return found | {f"difference{suffix}_90": _held(stats.difference(x, y, confidence=0.90, **how), apart)}


def _of_one_task(x: np.ndarray, y: np.ndarray, areas: np.ndarray, shared: np.ndarray, design: Row, seed: int) -> dict[str, float]:
    whole = _whole(design["distribution"], 0)
    found = {
        "task_t": _held(stats.t_interval(x), whole.mean()),
        "task_bootstrap": _held(stats.task_summary(x, reps=design["resamples"], seed=seed).bootstrap, stats.aggregate([whole])),
        "task_area": _held(stats.t_interval(areas), truth(design["distribution"], 1)["task_area"]),
        "hedges": _held(stats.hedges_g(x, y), 0.0),
    }
    for suffix, confidence in (("", 0.95), ("_90", 0.90)):
        found["welch" + suffix] = _held(stats.welch_difference(x, y, confidence=confidence), 0.0)
        found["paired" + suffix] = _held(stats.paired_difference(x + shared, y + shared, confidence=confidence), 0.0)
    steps = np.arange(1, 21.0)  # the better a run's score, the sooner it is there; a run far below never is
    arrival = lambda scores: np.where(scores < -2, np.inf, np.clip(np.ceil(10 - 4 * scores), 1, 30))
    reached = (arrival(x)[:, None] <= steps).astype(float)
    timed, median = stats.steps_to_threshold(reached, steps, 0.5), np.median(arrival(whole))
    low, high = timed.low, timed.high if np.isfinite(timed.high) else np.inf
    found["threshold"] = float(low <= median <= high) if np.isfinite(low) else float("nan")
    return found


def _of_shifted(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Two algorithms, the first of which is some standard deviations ahead on every task."""
    population, n, tasks, shift = design["distribution"], design["n"], design["tasks"], design["shift"]
    x, y, true = moved(draw(population, n, tasks, rng), population, shift), draw(population, n, tasks, rng), truth(population, tasks)
    apart = stats.aggregate(moved(true["sorted"], population, shift)) - true["iqm"]
    found = _of_pair(x, y, {"reps": design["resamples"], "seed": seed}, _improvement(true, shift), apart)
    if tasks == 1:
        found |= {"hedges": _held(stats.hedges_g(x[0], y[0]), shift), "welch": _held(stats.welch_difference(x[0], y[0]), shift * true["sds"][0])}
    return found


def _after_stopping(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """At most four batches of n runs, until a sequential test has decided; then the intervals, as if n had been fixed."""
    population, n, tasks, shift = design["distribution"], design["n"], design["tasks"], design["shift"]
    test, batches = sequential.SequentialTest(["x against y"], LOOKS, reps=PERMUTATIONS, seed=seed), []
    while not test.is_finished:
        batches.append((moved(draw(population, n, tasks, rng), population, shift), draw(population, n, tasks, rng)))
        test.look({"x against y": batches[-1]})
    x, y = (_of_seeds([np.concatenate(task) for task in zip(*(batch[side] for batch in batches), strict=True)]) for side in (0, 1))
    true, how = truth(population, tasks), {"reps": design["resamples"], "seed": seed}
    moved_iqm = stats.aggregate(moved(true["sorted"], population, shift))
    found = _of_pair(x, y, how, _improvement(true, shift), moved_iqm - true["iqm"])
    found["aggregate"] = _held(stats.interval_estimates({"x": x}, "iqm", kind="expanded", **how)["x"], moved_iqm)
    if tasks == 1:
        found["task_t"] = _held(stats.t_interval(x[0]), true["mean"] + shift * true["sds"][0])
        for suffix, confidence in (("", 0.95), ("_90", 0.90)):
            found["welch" + suffix] = _held(stats.welch_difference(x[0], y[0], confidence=confidence), shift * true["sds"][0])
    return {f"{kind}_sequential": held for kind, held in found.items()}


def _of_many(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """What only many runs allow."""
    found, whole = stats.tolerance_interval(draw(design["distribution"], design["n"], 1, rng)[0]), _whole(design["distribution"], 0)
    return {"task_tolerance": float(np.mean((found.low <= whole) & (whole <= found.high)) >= 0.9) if found.is_claimed else float("nan")}


def _p(x: list[np.ndarray], y: list[np.ndarray], metric: str, resamples: int, seed: int, paired: bool = False, t: float | None = None) -> float:
    """The p-value of the report's test, or, where its t test alone finds nothing at α, that test's: the whole one's can only be larger."""
    t = stats.t_test(x, y, metric, paired=paired).p if t is None else t
    return t if t >= stats.ALPHA else stats.difference_test(x, y, metric, reps=resamples, most_exact=resamples, seed=seed, paired=paired).p


def _any(p: list[float]) -> float:
    return float(np.nanmin(p, initial=1.0) < stats.ALPHA)


def false_claims(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Four equal algorithms, the first against the others: is any comparison, on any task or over all, called different?"""
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    algos = [draw(population, n, tasks, rng) for _ in range(4)]
    found = _claims(algos, design, seed)
    if tasks > 5:
        return found
    shared = draw(population, n, tasks, rng)
    pairs = [plus(algo, shared) for algo in algos]
    paired = [_p(pairs[0], other, "iqm", design["resamples"], seed, paired=True) for other in pairs[1:]]
    return found | {"suite, paired, Holm": _any(stats.holm(paired)), "sequential": _sequential(population, n, tasks, rng, seed)}


def _claims(algos: Sequence[stats.BySeed], design: Row, seed: int) -> dict[str, float]:
    first, others, resamples = algos[0], algos[1:], design["resamples"]
    cells = [(a, b) for other in others for a, b in zip(first, other, strict=True)]
    welch = [stats.welch_test(a, b).p for a, b in cells]  # of one task and the mean, the report's t test
    enough = max(resamples, 100 * len(cells))  # for the first step of Holm's
    by_task = [_p([a], [b], "mean", enough, seed, t=t) for (a, b), t in zip(cells, welch, strict=True)]
    overall = [_p(first, other, "iqm", resamples, seed) for other in others]
    apart = [stats.difference(first, other, kind="percentile", reps=resamples, seed=seed).excludes_zero for other in others] if len(first) <= 5 else []
    found = {
        "tasks, Holm": _any(stats.holm(by_task)), "tasks, uncorrected": _any(by_task),
        "tasks, Welch and Holm": _any(stats.holm(welch)), "tasks, Welch uncorrected": _any(welch),
        "suite, Holm": _any(stats.holm(overall)), "suite, uncorrected": _any(overall),
    }  # fmt: skip
    return found | ({"suite, percentile interval excludes 0": float(any(apart))} if apart else {})


def _sequential(population: str, n: int, tasks: int, rng: np.random.Generator, seed: int) -> float:
    """At most 4n runs in batches of n, until all three comparisons are decided."""
    test = sequential.SequentialTest(["1", "2", "3"], looks=LOOKS, reps=PERMUTATIONS, seed=seed)
    while not test.is_finished:
        batch = [draw(population, n, tasks, rng) for _ in range(4)]
        test.look({name: (batch[0], batch[int(name)]) for name in test.names})
    return float(len(test.open) < 3)


def split(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """SB3's ten real runs of every task, divided at random into five against five: two studies that were really made."""
    order = [rng.permutation(len(pool)) for pool in real_scores()]
    halves = [_of_seeds([pool[o[side]] for pool, o in zip(real_scores(), order, strict=True)]) for side in (slice(0, 5), slice(5, 10))]
    return _claims(halves, design, seed)


def unequal(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Two algorithms whose means (or whose IQM) are equal, y with `spread` times the spread of x: is a difference claimed, do intervals hold 0?"""
    population, tasks, true = design["distribution"], design["tasks"], truth(design["distribution"], design["tasks"])
    x, y = draw(population, design["n"], tasks, rng), draw(population, design["n_y"], tasks, rng)
    wider = lambda scores, centre: _of_seeds([design["spread"] * (task - c) + c for task, c in zip(scores, centre, strict=True)])
    means, iqm = wider(y, [whole.mean() for whole in true["sorted"]]), wider(y, [true["iqm"]] * tasks)
    how: dict[str, Any] = {"reps": design["resamples"], "seed": seed}
    by_task = [_p([a], [b], "mean", design["resamples"], seed) for a, b in zip(x, means, strict=True)]
    found = {"tasks, Holm": _any(stats.holm(by_task)), "suite": float(_p(x, iqm, "iqm", design["resamples"], seed) < stats.ALPHA)}
    found["interval of the difference of IQMs holds 0"] = _held(stats.difference(x, iqm, **how), 0.0)
    if tasks == 1:
        found["Welch's interval holds 0"] = _held(stats.welch_difference(x[0], means[0]), 0.0)
    if design["n"] == design["n_y"] and tasks == 1:
        test = sequential.SequentialTest(["x against y"], LOOKS, reps=PERMUTATIONS, seed=seed)
        while not test.is_finished:
            batch = (draw(population, design["n"], tasks, rng), draw(population, design["n"], tasks, rng))
            test.look({"x against y": (batch[0], wider(batch[1], [whole.mean() for whole in true["sorted"]]))})
        found["sequential"] = float(not test.open)
    return found


def equivalence(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Is equivalence claimed where the true difference is the margin itself (an error), or 0 (right)?"""
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    margin, paired = design["margin"] * spread(population), design["method"].endswith("paired")
    x, y, shared = (draw(population, n, tasks, rng) for _ in range(3))
    if paired:
        x, y = plus(x, shared), plus(y, shared)
    return {where: float(_is_equivalent(_of_seeds([task + ahead for task in x]), y, margin, design, seed, paired))
            for where, ahead in (("at the margin", margin), ("at no difference", 0.0))}


def _is_equivalent(x: list[np.ndarray], y: list[np.ndarray], margin: float, design: Row, seed: int, paired: bool) -> bool:
    if design["method"].startswith("means"):
        narrow = (stats.paired_difference if paired else stats.welch_difference)(x[0], y[0], confidence=0.90)
    else:
        narrow = stats.difference(x, y, confidence=0.90, reps=design["resamples"], seed=seed, paired=paired)
    return judge(narrow, narrow, margin, stats.Test(float("nan"), ""), float("nan"), is_identical=False).tier == "C"


def power(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    population, n, tasks = design["distribution"], design["n"], design["tasks"]
    effect = design["effect"] * spread(population)
    x, y = _of_seeds([scores + effect for scores in draw(population, n, tasks, rng)]), draw(population, n, tasks, rng)
    found = {"IQM": float(_p(x, y, "iqm", design["resamples"], seed) < stats.ALPHA)}
    if tasks == 1:
        found["mean"] = float(_p(x, y, "mean", design["resamples"], seed) < stats.ALPHA)
    return found


NOISE = 0.02  # the spread of a run that does not fail, of the span from random to expert
SPREAD = 0.1  # of algorithms that are apart and do not fail
MARGIN = 0.05


def assumptions(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """What is claimed of two algorithms: by the report's rule, and (", tests alone") without seeds as units and without `stats.Reweighted`."""
    case, n, tasks = design["case"], design["n"], design["tasks"]
    if case == CORRELATED:
        return _of_correlated(design, rng, seed)
    noise = lambda sd: sd * rng.standard_normal(n)
    if case == MIXED:  # IQM 0.9 twice
        x, y = 0.9 + noise(NOISE), np.where(rng.random(n) < 0.7, 1.0, 0.0) + noise(NOISE)
    elif case == RARE:  # mean 0.95 twice
        x, y = 0.95 + noise(NOISE), np.where(rng.random(n) < 0.05, 0.0, 1.0) + noise(NOISE)
    elif case == AT_MARGIN:
        x, y = 1.0 + noise(NOISE), np.where(rng.random(n) < MARGIN, 0.0, 1.0) + noise(NOISE)
    elif case == WIDER:
        return _of_wider(n, tasks, rng, design, seed)
    elif not design["effect"]:
        x, y = 0.9 + noise(NOISE), 0.9 + noise(NOISE)
    else:  # of 0.5 on average, as far apart as `effect` standard deviations of a run
        x, y = 0.5 + design["effect"] * SPREAD + noise(SPREAD), 0.5 + noise(SPREAD)
    bounds = (0.0, 1.0) if design["bounds"] == "known" else None
    found: dict[str, float] = {}
    how: dict[str, Any] = {"reps": design["resamples"], "seed": seed, "most_exact": design["resamples"], "bounds": bounds}
    for name, test in (("IQMs", stats.equivalence([x], [y], MARGIN, **how)), ("means", stats.equivalence(x, y, MARGIN, method="welch", **how))):
        inside = test.narrow.is_claimed and test.narrow.low > -MARGIN and test.narrow.high < MARGIN
        found |= {f"different {name}": float(test.tier == "different"), f"different {name}, tests alone": float(test.p < stats.ALPHA and not inside),
                  f"different or unlike {name}": float(test.tier in ("different", "unlike")),
                  f"equivalent {name}": float(test.tier == "C"), f"equivalent {name}, tests alone": float(inside)}
    return found


def _of_correlated(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Equal algorithms whose scores on the tasks are correlated over seeds."""
    n, tasks, rho = design["n"], design["tasks"], design["correlation"]
    x, y, found = draw("normal", n, tasks, rng, rho), draw("normal", n, tasks, rng, rho), {}
    for name, one, other in (("", x, y), (", tests alone", list(x), list(y))):
        found[f"different IQMs{name}"] = float(_p(one, other, "iqm", design["resamples"], seed) < stats.ALPHA)
        kind = "percentile" if name else "expanded"
        held = _held(stats.interval_estimates({"x": one}, "iqm", kind=kind, reps=design["resamples"], seed=seed)["x"], truth("normal", tasks)["iqm"])
        found[f"interval of the IQM holds it{name}"] = held
    if n <= 10:
        both = {name: sequential.SequentialTest(["x against y"], LOOKS, reps=PERMUTATIONS, seed=seed) for name in ("", ", tests alone")}
        for _ in range(LOOKS):
            batch = (draw("normal", n, tasks, rng, rho), draw("normal", n, tasks, rng, rho))
            for name, test in both.items():
                if not test.is_finished:
                    test.look({"x against y": (list(batch[0]), list(batch[1])) if name else batch})
        found |= {f"different, sequential{name}": float(not test.open) for name, test in both.items()}
    return found


def _of_wider(n: int, tasks: int, rng: np.random.Generator, design: Row, seed: int) -> dict[str, float]:
    """Equal means of skewed scores, of which y's spread five times as much; is any task called different after Holm?"""
    x, true = draw("skewed", n, tasks, rng), truth("skewed", tasks)
    y = [5 * (task - whole.mean()) + whole.mean() for task, whole in zip(draw("skewed", n, tasks, rng), true["sorted"], strict=True)]
    resamples = max(design["resamples"], 100 * tasks)
    tests = [stats.equivalence(a, b, None, method="welch", reps=resamples, most_exact=resamples, seed=seed) for a, b in zip(x, y, strict=True)]
    p = stats.holm([test.p for test in tests])
    return {"different means": float(any(test.adjusted(q).tier == "different" for test, q in zip(tests, p, strict=True))),
            "different means, tests alone": _any(p)}


CORRELATED, MIXED, RARE, AT_MARGIN, WIDER = FALSE  # the cases in which some claim is false
PLAIN = "normal, nothing fails"
EXPERIMENTS = {"coverage": coverage, "false_claims": false_claims, "split": split, "unequal": unequal, "equivalence": equivalence, "power": power,
               "assumptions": assumptions}
CORRECTED = ("tasks, Holm", "suite, Holm", "suite, paired, Holm", "sequential")  # what a report claims, of what is counted


def designs(resamples: int) -> dict[str, list[Row]]:
    """Every design of each table."""
    base = {"resamples": resamples}
    everywhere: list[Row] = [{"distribution": p, "n": n, "tasks": t} for p in POPULATIONS for n in RUNS for t in TASKS]
    some = [d for d in everywhere if d["tasks"] <= 5]
    intervals = [{**d, "shift": 0, "study": "equal", **base} for d in everywhere]
    intervals += [{"distribution": f"normal, correlated {rho} over seeds", "n": n, "tasks": 5, "shift": 0, "study": "equal", "correlation": rho, **base}
                  for n in RUNS for rho in (0.5, 0.9)]
    intervals += [{**d, "shift": shift, "study": "shifted", **base} for d in some for shift in (1, 2) if shift == 1 or d["tasks"] == 1]
    intervals += [{**d, "shift": shift, "study": "sequential", **base} for d in some if d["n"] in (5, 10) and d["n"] * d["tasks"] <= 25 for shift in (0, 1)]
    intervals += [{"distribution": p, "n": 50, "tasks": 1, "shift": 0, "study": "many", **base} for p in POPULATIONS]
    sides = [(5, 5, 5.0), (5, 10, 1.0), (5, 10, 0.2), (5, 10, 5.0), (10, 10, 5.0), (10, 20, 0.2), (20, 20, 5.0)]
    margins = (0.5, 1.0)
    ways = [(1, "means", margins), (1, "IQM", margins), (5, "IQM", margins), (1, "means, paired", (1.0,)), (5, "IQM, paired", (0.5, 1.0))]
    edges = [{"distribution": p, "n": n, "tasks": t, "method": method, "margin": margin, **base} for p in POPULATIONS for n in (5, 10, 20)
             for t, method, some_margins in ways for margin in some_margins]
    again: Row = {"correlation": 0.0, "effect": 0.0, "bounds": "none"}
    shapes = [{"case": CORRELATED, "n": n, "tasks": 6, **again, "correlation": rho, **base} for n in (5, 10, 20) for rho in (0.9, 0.5, 0.2, 0.0)]
    shapes += [{"case": case, "n": n, "tasks": 1, **again, "bounds": known, **base} for case in (MIXED, RARE, AT_MARGIN) for n in (5, 10, 20)
               for known in ("known", "none")]
    shapes += [{"case": WIDER, "n": n, "tasks": t, **again, **base} for n in (5, 10, 20) for t in (1, 5)]
    shapes += [{"case": PLAIN, "n": n, "tasks": 1, **again, "effect": e, "bounds": known, **base} for n in (5, 10, 20) for e in (0.0, 1.0, 1.5, 2.0)
               for known in ("known", "none")]
    effects = [{"distribution": p, "n": n, "tasks": t, "effect": e, **base} for p in SYNTHETIC for t in (1, 5) for n in (3, 5, 10, 20, 30)
               for e in (0.5, 1.0, 1.5, 2.0) if t == 1 or e <= 1]
    return {
        "coverage": intervals,
        "false_claims": [{**d, **base} for d in everywhere if d["n"] in (5, 10, 20)],
        "split": [{"distribution": f"{REAL_SCORES}, halved", "n": 5, "tasks": len(real_scores()), **base}],
        "unequal": [{"distribution": p, "n": n, "n_y": n_y, "spread": ratio, "tasks": t, **base} for p in POPULATIONS for t in (1, 5)
                    for n, n_y, ratio in sides],
        "equivalence": edges,
        "power": effects,
        "assumptions": shapes,
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


def measure(
    repetitions: int, resamples: int, jobs: int, seed: int, only: tuple[str, ...] = tuple(EXPERIMENTS), progress: Path | None = None
) -> dict[str, list[Row]]:
    """Every table, as rows: the design, what was counted, in how many studies, how many of them claimed something, and the share.

    progress: a file that keeps each piece of work that is done, so that the same measurement can go on if it is cut short.
    """
    tables = {name: table for name, table in designs(resamples).items() if name in only}
    pieces = [piece for name, table in tables.items() for piece in _pieces(table, name, repetitions)]
    pieces.sort(key=lambda piece: -piece[2]["n"] * piece[2]["tasks"])  # the dearest first
    named = {f"{_name(piece[0], piece[2])} {piece[3]}-{piece[4]}, seed {seed}, source {source_hash()}": piece for piece in pieces}
    done = {key: counted for key, counted in _kept(progress) if key in named}
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):  # the spawned processes read them
        os.environ[threads] = "1"
    begin, before = time.monotonic(), len(done)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(work, name, design, first, last, seed): key for key, (name, _, design, first, last) in named.items() if key not in done}
        for future in as_completed(waiting):
            key = waiting[future]
            done[key] = future.result()
            if progress is not None:
                with progress.open("a", encoding="utf-8") as file:
                    file.write("\n" + json.dumps([key, done[key]]))  # on a line of its own, after one that may have been cut short
            if len(done) % max(1, len(pieces) // 40) == 0 or len(done) == len(pieces):
                passed = time.monotonic() - begin
                left = passed / (len(done) - before) * (len(pieces) - len(done))
                print(f"{len(done)} of {len(pieces)} pieces, {passed:.0f} s, less than {left:.0f} s left", file=sys.stderr, flush=True)
    sums: dict[tuple[str, int], dict[str, list[float]]] = {}
    for key, (name, k, *_) in named.items():
        entry = sums.setdefault((name, k), {})
        for what, numbers in done[key].items():
            entry[what] = [a + b for a, b in zip(entry.get(what, [0, 0.0, 0]), numbers, strict=True)]
    found: dict[str, list[Row]] = {}
    for name, table in tables.items():
        found[name] = []
        for k, design in enumerate(table):
            for what, (claimed, total, studies) in sorted(sums[name, k].items()):
                row = {key: value for key, value in design.items() if key not in ("resamples", "study") and (key != "correlation" or name == "assumptions")}
                found[name].append({"kind": what, **row, "repetitions": int(studies), "claimed": int(claimed),
                                    "share": round(total / claimed, 4) if claimed else None})
    return found


def _kept(progress: Path | None) -> list[tuple[str, dict[str, list[float]]]]:
    """The pieces that an earlier, unfinished measurement has done; a line that was cut short is left out."""
    found = []
    for line in progress.read_text(encoding="utf-8").splitlines() if progress is not None and progress.is_file() else []:
        try:
            key, counted = json.loads(line)
        except ValueError:  # empty, or cut short
            continue
        found.append((key, counted))
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


@cache
def source_hash() -> str:
    """sha256 over the code that was calibrated, and over the real scores that are a population."""
    files = [Path(__file__), *sorted(Path(stats.__file__).parent.glob("*.py")), *populations()]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def populations() -> list[Path]:
    """The files with SB3's real scores."""
    return [ROOT / "results" / study / "report" / "scores.csv" for study in REAL]


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


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description="How often the report's intervals hold, and its claims are false.")
    top.add_argument("--repetitions", type=int, default=1000, metavar="N", help="studies per design (default 1000)")
    top.add_argument("--resamples", type=int, default=400, metavar="N", help="bootstrap and permutation resamples per analysis (default 400)")
    top.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)")
    top.add_argument("--seed", type=int, default=0)
    top.add_argument("--out", type=Path, default=PUBLISHED, metavar="DIR")
    top.add_argument("--only", choices=tuple(EXPERIMENTS), action="append", metavar="TABLE",
                     help=f"measure this table alone (again for another), and keep the others of --out: {', '.join(EXPERIMENTS)}")
    top.add_argument("--install", action="store_true", help="also make it the table from which reports take their warnings")
    args = top.parse_args(arguments)
    if min(args.repetitions, args.resamples, args.jobs) < 1:
        top.error("--repetitions, --resamples and --jobs must be at least 1")
    begin = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    progress = args.out / "progress.jsonl"
    tables = measure(args.repetitions, args.resamples, args.jobs, args.seed, tuple(args.only or EXPERIMENTS), progress)
    only = "".join(f" --only {name}" for name in args.only or [])
    command = f"python -m benchmarks.calibration --repetitions {args.repetitions} --resamples {args.resamples} --seed {args.seed}{only} --install"
    how = {
        "command": command, "repetitions": args.repetitions, "resamples": args.resamples, "seed": args.seed, "jobs": args.jobs,
        "seconds": round(time.monotonic() - begin), "source": source_hash(), "python": platform.python_version(), "system": platform.system(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba")},
        "populations": {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in populations()},
    }  # fmt: skip
    if args.only:
        tables, how = beside_older(args.out, tables, how)
    write(args.out, tables, how)
    if args.install:
        write_whole(READ_BY_REPORTS, as_csv(tables["coverage"]))
        write_whole(RATES_READ_BY_REPORTS, as_csv(tables["assumptions"]))
    progress.unlink(missing_ok=True)
    print(args.out / "README.md")
    return 0

