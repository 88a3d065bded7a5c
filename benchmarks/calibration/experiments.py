"""What is counted: each experiment analyses one drawn study by the functions that the report uses, and says {what: 1 or 0, or NaN where nothing was claimed}.

    coverage        how often each kind of interval holds the true value, by number of runs and of tasks: of equal algorithms, of ones that
                    differ by 1 or 2 sd, of pairs, and after a sequential test has stopped
    false claims    A/A studies: four equal algorithms, three comparisons; how often any is called different, with and without correction
    unequal         two algorithms with the same mean or IQM, but another spread or number of runs: how often they are called different
    equivalence     how often TOST claims equivalence at the margin's edge (an error), and at no difference (its power)
    power           how often a true difference is found
    assumptions     equal algorithms on tasks whose scores are correlated over seeds; one that fails in some of its runs beside one that does not, with the
                    same mean or IQM, or apart by the margin; unequal spreads: how often they are called different, or equivalent, by the report's
                    rule and by the tests alone; and what the rule costs where nothing fails
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import stats
from benchmarks.calibration.populations import (
    POPULATIONS,
    REAL_SCORES,
    SYNTHETIC,
    areas_of,
    curves,
    draw,
    equally_likely,
    improvement_of,
    moved,
    of_seeds,
    plus,
    profile_of,
    real_scores,
    spread,
    truth,
)
from benchmarks.stats import sequential
from benchmarks.stats.comparisons import judge
from benchmarks.stats.coverage import FALSE

RUNS = (3, 5, 10, 20)
TASKS = (1, 5, 20)
TAUS = 101  # as many as the report's profiles have
LOOKS = 4  # of a sequential study
PERMUTATIONS = 400  # of its test
Row = dict[str, Any]


def holds(interval: stats.Interval, value: Any) -> float:
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
    found = {kind: holds(stats.interval_estimates({"x": x}, metric, kind="expanded", **how)["x"], true[metric]) for kind, metric in kinds.items()}
    learning = [curves(side, rng) for side in (x, y)]
    found["band"] = holds(stats.interval_estimates({"x": learning[0]}, "iqm", simultaneous=True, kind="expanded", **how)["x"], true["band"])
    areas = [areas_of(side) for side in learning]
    found["area"] = holds(stats.interval_estimates({"x": areas[0]}, "iqm", kind="expanded", **how)["x"], true["area"])
    found["area_difference"] = holds(stats.difference(areas[0], areas[1], **how), 0.0)
    every = np.concatenate([*x, *y])
    pad = 0.05 * (np.ptp(every) or 1.0)
    taus = np.linspace(every.min() - pad, every.max() + pad, TAUS)  # as benchmarks.evidence.analysis spreads them
    found["profile"] = holds(stats.performance_profile({"x": x}, taus, kind="expanded", **how)["x"], profile_of(true, taus))
    found |= _of_pair(x, y, how, 0.5, 0.0) | {"rank": holds(stats.ranks({"x": x, "y": y, "z": z}, **how)["x"].mean, 2.0)}
    found["difference_percentile"] = holds(stats.difference(x, y, kind="percentile", **how), 0.0)
    pairs = [plus(side, shared) for side in (x, y)]
    found |= _of_pair(pairs[0], pairs[1], how | {"paired": True}, 0.5, 0.0)
    return found | (_of_one_task(x[0], y[0], areas[0][0], shared[0], design, seed) if tasks == 1 else {})


def _of_pair(x: list[np.ndarray], y: list[np.ndarray], how: Mapping[str, Any], p: float, apart: float) -> dict[str, float]:
    suffix = "_paired" if how.get("paired") else ""
    improvement = holds(stats.probability_of_improvement(x, y, **how), p)
    found = {"improvement": improvement, "cliffs": improvement}  # Cliff's δ is 2 P − 1, and so is its interval
    found["difference"] = holds(stats.difference(x, y, **how), apart)
    found = {kind + suffix: held for kind, held in found.items()}
    return found | {f"difference{suffix}_90": holds(stats.difference(x, y, confidence=0.90, **how), apart)}


def _of_one_task(x: np.ndarray, y: np.ndarray, areas: np.ndarray, shared: np.ndarray, design: Row, seed: int) -> dict[str, float]:
    whole = equally_likely(design["distribution"], 0)
    found = {
        "task_t": holds(stats.t_interval(x), whole.mean()),
        "task_bootstrap": holds(stats.task_summary(x, reps=design["resamples"], seed=seed).bootstrap, stats.aggregate([whole])),
        "task_area": holds(stats.t_interval(areas), truth(design["distribution"], 1)["task_area"]),
        "hedges": holds(stats.hedges_g(x, y), 0.0),
    }
    for suffix, confidence in (("", 0.95), ("_90", 0.90)):
        found["welch" + suffix] = holds(stats.welch_difference(x, y, confidence=confidence), 0.0)
        found["paired" + suffix] = holds(stats.paired_difference(x + shared, y + shared, confidence=confidence), 0.0)
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
    found = _of_pair(x, y, {"reps": design["resamples"], "seed": seed}, improvement_of(true, shift), apart)
    if tasks == 1:
        found |= {"hedges": holds(stats.hedges_g(x[0], y[0]), shift), "welch": holds(stats.welch_difference(x[0], y[0]), shift * true["sds"][0])}
    return found


def _after_stopping(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """At most four batches of n runs, until a sequential test has decided; then the intervals, as if n had been fixed."""
    population, n, tasks, shift = design["distribution"], design["n"], design["tasks"], design["shift"]
    test, batches = sequential.SequentialTest(["x against y"], LOOKS, reps=PERMUTATIONS, seed=seed), []
    while not test.is_finished:
        batches.append((moved(draw(population, n, tasks, rng), population, shift), draw(population, n, tasks, rng)))
        test.look({"x against y": batches[-1]})
    x, y = (of_seeds([np.concatenate(task) for task in zip(*(batch[side] for batch in batches), strict=True)]) for side in (0, 1))
    true, how = truth(population, tasks), {"reps": design["resamples"], "seed": seed}
    moved_iqm = stats.aggregate(moved(true["sorted"], population, shift))
    found = _of_pair(x, y, how, improvement_of(true, shift), moved_iqm - true["iqm"])
    found["aggregate"] = holds(stats.interval_estimates({"x": x}, "iqm", kind="expanded", **how)["x"], moved_iqm)
    if tasks == 1:
        found["task_t"] = holds(stats.t_interval(x[0]), true["mean"] + shift * true["sds"][0])
        for suffix, confidence in (("", 0.95), ("_90", 0.90)):
            found["welch" + suffix] = holds(stats.welch_difference(x[0], y[0], confidence=confidence), shift * true["sds"][0])
    return {f"{kind}_sequential": held for kind, held in found.items()}


def _of_many(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """What only many runs allow."""
    found, whole = stats.tolerance_interval(draw(design["distribution"], design["n"], 1, rng)[0]), equally_likely(design["distribution"], 0)
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
    halves = [of_seeds([pool[o[side]] for pool, o in zip(real_scores(), order, strict=True)]) for side in (slice(0, 5), slice(5, 10))]
    return _claims(halves, design, seed)


def unequal(design: Row, rng: np.random.Generator, seed: int) -> dict[str, float]:
    """Two algorithms whose means (or whose IQM) are equal, y with `spread` times the spread of x: is a difference claimed, do intervals hold 0?"""
    population, tasks, true = design["distribution"], design["tasks"], truth(design["distribution"], design["tasks"])
    x, y = draw(population, design["n"], tasks, rng), draw(population, design["n_y"], tasks, rng)
    wider = lambda scores, centre: of_seeds([design["spread"] * (task - c) + c for task, c in zip(scores, centre, strict=True)])
    means, iqm = wider(y, [whole.mean() for whole in true["sorted"]]), wider(y, [true["iqm"]] * tasks)
    how: dict[str, Any] = {"reps": design["resamples"], "seed": seed}
    by_task = [_p([a], [b], "mean", design["resamples"], seed) for a, b in zip(x, means, strict=True)]
    found = {"tasks, Holm": _any(stats.holm(by_task)), "suite": float(_p(x, iqm, "iqm", design["resamples"], seed) < stats.ALPHA)}
    found["interval of the difference of IQMs holds 0"] = holds(stats.difference(x, iqm, **how), 0.0)
    if tasks == 1:
        found["Welch's interval holds 0"] = holds(stats.welch_difference(x[0], means[0]), 0.0)
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
    return {where: float(_is_equivalent(of_seeds([task + ahead for task in x]), y, margin, design, seed, paired))
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
    x, y = of_seeds([scores + effect for scores in draw(population, n, tasks, rng)]), draw(population, n, tasks, rng)
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
        held = holds(stats.interval_estimates({"x": one}, "iqm", kind=kind, reps=design["resamples"], seed=seed)["x"], truth("normal", tasks)["iqm"])
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
