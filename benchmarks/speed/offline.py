"""How fast each class that learns from a data set is: `python -m benchmarks.speed.offline`.

Gradient steps in a second of processor time, of one seed and of each of ten in lock-step: medians of rounds that take turns, on data sets that come with the
library, with two layers of 64 units where a class takes `net_arch`, and its own settings otherwise.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # NumPy and torch read these when they are imported
    os.environ[name] = "1"

import argparse  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from typing import Any  # noqa: E402

from from_scratch import registry  # noqa: E402

CLASSES = {entry.id: entry for entry in registry.ENTRIES.values() if entry.loop == "dataset"}
SMALL = {"net_arch": [64, 64]}
SEEDS = 10
SECONDS = 0.5  # of the processor, that one seed is timed for in a round, about
WARM_UP = 6  # gradient steps: programs are made, kernels compiled, and delayed steps taken


def model(entry: registry.Entry, seeds: int) -> Any:
    """That class on a data set of its actions."""
    data = "pendulum/medium-v0" if "Box" in (entry.actions or ()) else "cartpole/medium-v0"
    more: dict[str, Any] = {} if entry.id == "decision_transformer" else {"policy_kwargs": dict(SMALL)}
    if entry.id == "fqe":
        more["policy_to_evaluate"] = registry.load("bc")("MlpPolicy", None, dataset=data, seed=0, device="cpu").learn(10, log_interval=None)
    if entry.id == "brac":
        more["behaviour_steps"] = 0  # those of the whole method are timed, not those before
    return entry.load()(entry.policy, None, dataset=data, seeds=range(seeds), device="cpu", **more)


def seconds(model: Any, steps: int) -> float:
    """Of the processor, for so many gradient steps."""
    before = time.process_time()
    model.learn(steps, log_interval=None)
    return time.process_time() - before


def measured(entry: registry.Entry, rounds: int) -> tuple[float, float]:
    """Gradient steps per second: of one seed alone, and of each of ten."""
    models = [model(entry, n) for n in (1, SEEDS)]
    for each in models:
        each.learn(WARM_UP, log_interval=None)
    steps = max(2, round(SECONDS / (seconds(models[0], 4) / 4)))
    taken: list[list[float]] = [[], []]
    for _ in range(rounds):
        taken[0].append(seconds(models[0], steps) / steps)
        few = max(2, steps // 5)
        taken[1].append(seconds(models[1], few) / few)
    return 1 / statistics.median(taken[0]), 1 / statistics.median(taken[1])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.offline", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("ids", nargs="*", metavar="ID", help="classes by their ids; all of the family by default")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that the two take turns in, at least 1 (default: 5)")
    args = parser.parse_args(argv)
    unknown = [name for name in args.ids if name not in CLASSES]
    if unknown or args.rounds < 1:
        parser.error(f"no class {unknown[0]} learns from data here: {', '.join(CLASSES)}" if unknown else f"--rounds {args.rounds}: at least 1")
    sys.stdout.write("| class | one seed, steps per second | ten seeds, each | ten seeds cost, in runs of one |\n| --- | --- | --- | --- |\n")
    for name in args.ids or CLASSES:
        one, ten = measured(CLASSES[name], args.rounds)
        sys.stdout.write(f"| `{name}` | {one:.0f} | {ten:.3g} | {one / ten:.1f} |\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
