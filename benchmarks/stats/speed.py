"""`python -m benchmarks.stats.speed`: the statistics of a large study, timed beside rliable's in one run, in CPU seconds of one thread.

20 tasks × 10 seeds × 5 algorithms × 100 checkpoints, 50,000 repetitions: IQM curves with simultaneous bands, performance profiles, and
P(improvement) for the ten pairs. rliable's own functions run the same on a few repetitions, and its time is scaled: it is proportional to
them (each repetition draws and computes anew; what it does once is measured with one repetition and taken off before scaling).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks import stats

TASKS, SEEDS, ALGORITHMS, CHECKPOINTS, TAUS = 20, 10, 5, 100, 101


def study(seed: int = 0) -> dict[str, np.ndarray]:
    """Invented learning curves [runs, tasks, checkpoints]."""
    rng = np.random.default_rng(seed)
    rise = 1 - np.exp(-np.arange(1, CHECKPOINTS + 1) / 30)
    level = lambda: rng.normal(0.8, 0.2, (SEEDS, TASKS, 1))
    return {f"algorithm {k}": level() * rise + rng.normal(0, 0.05, (SEEDS, TASKS, CHECKPOINTS)) for k in range(ALGORITHMS)}


def cpu_seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def ours(scores: dict[str, np.ndarray], reps: int) -> dict[str, float]:
    final = {name: s[:, :, -1] for name, s in scores.items()}
    taus = np.linspace(0, 1.5, TAUS)
    return {
        "curves": cpu_seconds(lambda: stats.interval_estimates(scores, "iqm", reps=reps, simultaneous=True)),
        "profiles": cpu_seconds(lambda: stats.performance_profile(final, taus, reps=reps)),
        "improvement": cpu_seconds(lambda: [stats.probability_of_improvement(final[x], final[y], reps=reps) for x, y in itertools.combinations(final, 2)]),
    }


def rliables(scores: dict[str, np.ndarray], reps: int) -> dict[str, float]:
    """The same by rliable, as its documentation shows it, with so many repetitions."""
    from rliable import library, metrics

    final = {name: s[:, :, -1] for name, s in scores.items()}
    pairs = {f"{x},{y}": (final[x], final[y]) for x, y in itertools.combinations(final, 2)}
    curve = lambda s: np.array([metrics.aggregate_iqm(s[..., c]) for c in range(s.shape[-1])])
    return {
        "curves": cpu_seconds(lambda: library.get_interval_estimates(scores, curve, reps=reps)),
        "profiles": cpu_seconds(lambda: library.create_performance_profile(final, np.linspace(0, 1.5, TAUS), reps=reps)),
        "improvement": cpu_seconds(lambda: library.get_interval_estimates(pairs, metrics.probability_of_improvement, reps=reps)),
    }


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.stats.speed", description="Time the statistics of a large study beside rliable's.")
    top.add_argument("--reps", type=int, default=50_000, metavar="N", help="ours (default 50,000, to which rliable's time is scaled)")
    top.add_argument("--rliable-reps", type=int, default=40, metavar="N", help="rliable's (default 40)")
    top.add_argument("--json", metavar="FILE", help="also write the times there")
    args = top.parse_args(arguments)
    if args.rliable_reps < 2 or args.reps < 2:
        top.error("--reps and --rliable-reps must be at least 2")
    scores = study()
    ours({name: s[:, :2, :2] for name, s in scores.items()}, 10)  # numba compiles, or reads what it compiled before
    mine = ours(scores, args.reps)
    fixed, some = rliables(scores, 1), rliables(scores, args.rliable_reps)
    theirs = {what: (some[what] - fixed[what]) / (args.rliable_reps - 1) * args.reps for what in mine}
    print(f"{TASKS} tasks x {SEEDS} seeds x {ALGORITHMS} algorithms x {CHECKPOINTS} checkpoints, {args.reps:,} repetitions; CPU seconds of one thread\n")
    print(f"{'':14}{'ours':>10}{'rliable':>14}{'times':>10}")
    for what, a, b in [*((w, mine[w], theirs[w]) for w in mine), ("all", sum(mine.values()), sum(theirs.values()))]:
        print(f"{what:14}{a:10.2f}{b:14,.0f}{b / a:10,.0f}")
    print(f"\nrliable: measured on {args.rliable_reps} repetitions ({sum(some.values()):.1f} s) and scaled")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            document = {"ours": mine, "rliable_scaled": theirs, "reps": args.reps, "rliable_reps": args.rliable_reps, "load": os.getloadavg()[0]}
            json.dump(document, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
