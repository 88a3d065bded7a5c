"""How often the intervals hold what they claim, as measured by `python -m benchmarks.calibration`, and the warning where that is too seldom.

coverage.csv, beside this file, is the measurement: no number of it is typed in here.
    kind            which interval: KINDS below; "_90" the 90 % interval that a claim of equivalence rests on, "_paired" of paired runs,
                    "_sequential" after a sequential test has stopped
    distribution    of the scores: normal, skewed, a fifth of the runs fail, or real scores, resampled
    n, tasks        runs per task and algorithm, and tasks ("_sequential": n runs a batch, of four at most)
    shift           the true difference, in standard deviations of a run
    repetitions, claimed    drawn studies, and those that claimed an interval
    share           the share of the repetitions in which the interval held the true value, of those in which there was an interval

assumptions.csv is the other measurement: how often a claim is made that is false, where runs fail, spread unequally, or rise and fall over tasks.
    kind            the claim: "different IQMs", "different means", "different, sequential", "equivalent means"; ", tests alone": without the guards
    case, bounds    the population, and whether the scores of a run that fails and of one that succeeds are "known"
    n, tasks, correlation, effect, repetitions, claimed, share      as above; share: of the repetitions that made the claim
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib import resources

CALIBRATED = 0.95  # the confidence of every kind without "_90"
ENOUGH = {0.95: 0.90, 0.90: 0.85}  # nominal coverage -> where a warning begins
KINDS = {  # every interval that a report prints
    "aggregate": "the IQM over tasks", "aggregate_mean": "the mean over tasks", "aggregate_median": "the median over tasks",
    "aggregate_gap": "the optimality gap", "band": "the learning curve", "profile": "the performance profile", "rank": "the mean rank",
    "improvement": "P(X > Y)", "improvement_paired": "P(X > Y), paired", "cliffs": "Cliff's δ", "cliffs_paired": "Cliff's δ, paired",
    "difference": "the difference of IQMs", "difference_90": "the 90 % interval of the difference of IQMs",
    "difference_paired": "the difference of IQMs, paired", "difference_paired_90": "the 90 % interval of the difference of IQMs, paired",
    "welch": "the difference of means", "welch_90": "the 90 % interval of the difference of means",
    "paired": "the mean difference of pairs", "paired_90": "the 90 % interval of the mean difference of pairs", "hedges": "Hedges' g",
    "task_t": "the mean (t)", "task_bootstrap": "the IQM (bootstrap)", "task_tolerance": "runs to come (tolerance)", "task_area": "the area (t)",
    "area": "the IQM of the areas", "area_difference": "the difference of areas", "threshold": "the median of steps to the threshold",
}  # fmt: skip


FALSE = {  # case -> the claims that are false there
    "tasks correlated over seeds": ("different IQMs", "different, sequential"),
    "equal IQMs, one fails in 30 % of runs": ("different IQMs",),
    "equal means, one fails in 5 % of runs": ("different means",),
    "apart by the margin, one fails in 5 % of runs": ("equivalent means",),
    "equal means of skewed scores, one spreads 5 times as much": ("different means",),
}
UNEQUAL = "equal means of skewed scores, one spreads 5 times as much"
MOST_FALSE = 0.10  # of claims, where a warning begins


@cache
def measured() -> tuple[dict[str, str], ...]:
    """The rows of coverage.csv."""
    text = (resources.files("benchmarks.stats") / "coverage.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def nearest(kind: str, n: int, tasks: int = 1) -> tuple[int, int] | None:
    """The nearest design that is not easier: the most runs up to n, and the most tasks up to `tasks`; the least where all are more. None without any."""
    designs = {(int(row["n"]), int(row["tasks"])) for row in measured() if row["kind"] == kind and row["share"]}
    if not designs:
        return None
    runs = max((k for k, _ in designs if k <= n), default=min(k for k, _ in designs))
    suites = [t for k, t in designs if k == runs]
    return runs, max((t for t in suites if t <= tasks), default=min(suites))


def covered(kind: str, n: int, tasks: int = 1) -> dict[str, float]:
    """The measured coverage by distribution at the nearest design; of several true differences, at the worst."""
    found: dict[str, float] = {}
    at = nearest(kind, n, tasks)
    for row in measured():
        if row["kind"] == kind and row["share"] and (int(row["n"]), int(row["tasks"])) == at:
            found[row["distribution"]] = min(float(row["share"]), found.get(row["distribution"], 1.0))
    return found


def nominal_of(kind: str, confidence: float) -> float:
    return 0.90 if kind.endswith("_90") else confidence


def coverage_warning(kind: str, n: int, tasks: int = 1, confidence: float = CALIBRATED) -> str:
    """What to print beside an interval that was found to hold too seldom, or was never measured; empty where it holds, or where there is none.

    Too seldom: a nominal 95 % interval less than 90 % of the time, a nominal 90 % interval less than 85 %.
    """
    nominal, at = nominal_of(kind, confidence), nearest(kind, n, tasks)
    if n < 2:
        return ""
    if nominal not in ENOUGH or at is None or (nominal != CALIBRATED and not kind.endswith("_90")):
        return f"n = {n}: at {100 * nominal:g} % such an interval has not been calibrated"
    low = {name: share for name, share in covered(kind, n, tasks).items() if share < ENOUGH[nominal]}
    if not low:
        return ""
    found = ", ".join(f"{100 * share:.0f} % for {name} scores" for name, share in low.items())
    where = (f" at n = {at[0]}" if at[0] != n else "") + (f" on {at[1]} task{'s' if at[1] > 1 else ''}" if at[1] != tasks else "")
    return f"n = {n}: in calibration{where} such an interval held the true value not {100 * nominal:g} % of the time, but {found}"


def coverage_note(n: int, confidence: float = CALIBRATED) -> str:
    """What a reader should know of the intervals of one task from n runs."""
    if n < 2:
        return "n = 1: no interval"
    if confidence != CALIBRATED:
        return f"n = {n}: intervals at {100 * confidence:g} % have not been calibrated"
    shares = {kind: covered(kind, n) for kind in ("task_t", "task_bootstrap")}
    parts = [f"{what} {100 * found.get('normal', float('nan')):.0f} % for normal scores and {100 * min(found.values()):.0f} % in the worst case measured"
             for what, found in (("the t interval", shares["task_t"]), ("the bootstrap interval", shares["task_bootstrap"])) if found]
    return f"n = {n}: of nominal 95 % intervals of one task, {'; '.join(parts)} held the true value in calibration" if parts else f"n = {n}"


@cache
def measured_claims() -> tuple[dict[str, str], ...]:
    """The rows of assumptions.csv that count false claims by the report's rule: the pairs of case and claim that FALSE holds."""
    text = (resources.files("benchmarks.stats") / "assumptions.csv").read_text(encoding="utf-8")
    return tuple(row for row in csv.DictReader(text.splitlines()) if row["kind"] in FALSE.get(row["case"], ()))


def rate_warning(claim: str, n: int, tasks: int, *, known: bool, cases: Iterable[str] = tuple(FALSE)) -> str:
    """What to print beside a claim that was found to be false too often: at the nearest n that is not easier, with or without known bounds.

    Empty where each of the cases was called so in at most MOST_FALSE of the studies drawn.
    """
    said = []
    for case in cases:
        rows = [row for row in measured_claims() if row["kind"] == claim and row["case"] == case]
        rows = [row for row in rows if row["bounds"] == "known"] if known and "known" in {row["bounds"] for row in rows} else \
            [row for row in rows if row["bounds"] == "none"]
        sizes = [int(row["n"]) for row in rows]
        if not rows:
            continue
        at = max((k for k in sizes if k <= n), default=min(sizes))
        suites = {int(row["tasks"]) for row in rows if int(row["n"]) == at}
        many = max((t for t in suites if t <= tasks), default=min(suites))
        worst = max(float(row["share"]) for row in rows if (int(row["n"]), int(row["tasks"])) == (at, many))
        if worst > MOST_FALSE:
            where = [case, *([f"n = {at}"] if at != n else []), *([f"on one of {many} tasks at least"] if many > 1 and case == UNEQUAL else [])]
            said.append(f"{100 * worst:.0f} % where it is false ({'; '.join(where)})")
    return f"n = {n}: “{claim}” was claimed in calibration in {', '.join(said)}" if said else ""
