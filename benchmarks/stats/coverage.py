"""How often the intervals hold what they claim, as measured by `python -m benchmarks.calibration`, and the warning where that is too seldom.

coverage.csv, beside this file, is the measurement: no number of it is typed in here.
    kind            which interval: task_t, task_bootstrap, task_tolerance, aggregate, band, profile, improvement, welch, difference, ...
    distribution    of the scores: normal, skewed, a fifth of the runs fail, or real scores, resampled
    n, tasks        runs per task and algorithm, and tasks; repetitions, claimed: drawn studies, and those that claimed an interval
    share           the share of the repetitions in which the interval held the true value, of those in which there was an interval
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

ENOUGH = 0.90  # below, a nominal 95 % interval is printed with a warning


@cache
def measured() -> tuple[dict[str, str], ...]:
    """The rows of coverage.csv."""
    text = (resources.files("benchmarks.stats") / "coverage.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def covered(kind: str, n: int, tasks: int = 1) -> dict[str, float]:
    """The measured coverage by distribution, at the nearest design that is not easier: the most runs up to n, and the most tasks up to `tasks`."""
    rows = [row for row in measured() if row["kind"] == kind]
    designs = {(int(row["n"]), int(row["tasks"])) for row in rows}
    runs = max((k for k, _ in designs if k <= n), default=min((k for k, _ in designs), default=0))
    suite = max((t for k, t in designs if k == runs and t <= tasks), default=min((t for k, t in designs if k == runs), default=0))
    return {row["distribution"]: float(row["share"]) for row in rows if int(row["n"]) == runs and int(row["tasks"]) == suite and row["share"]}


def coverage_warning(kind: str, n: int, tasks: int = 1, confidence: float = 0.95) -> str:
    """What to print beside an interval that was found to hold less than 90 % of the time; empty where it holds, or where there is no interval."""
    if n < 2 or confidence != 0.95:
        return ""
    low = {name: share for name, share in covered(kind, n, tasks).items() if share < ENOUGH}
    if not low:
        return ""
    found = ", ".join(f"{100 * share:.0f} % for {name} scores" for name, share in low.items())
    return f"n = {n}: in calibration such an interval held the true value not 95 % of the time, but {found}"


def coverage_note(n: int) -> str:
    """What a reader should know of the intervals of one task from n runs."""
    if n < 2:
        return "n = 1: no interval"
    shares = {kind: covered(kind, n) for kind in ("task_t", "task_bootstrap")}
    parts = [f"{what} {100 * found.get('normal', float('nan')):.0f} % for normal scores and {100 * min(found.values()):.0f} % in the worst case measured"
             for what, found in (("the t interval", shares["task_t"]), ("the bootstrap interval", shares["task_bootstrap"])) if found]
    return f"n = {n}: of nominal 95 % intervals of one task, {'; '.join(parts)} held the true value in calibration" if parts else f"n = {n}"
