"""How many seeds? Power by simulation, with the very tests that the report makes: studies of n runs a side are drawn again and again.

Runs are drawn from a population: the runs of a finished study (with replacement, shifted so that the true difference is known), or normal
scores of a given spread, of which a share fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.stats.bootstrap import BadScores, aggregate, stream
from benchmarks.stats.comparisons import ALPHA, POWER, equivalence, minimal_detectable_effect, permutation_test, run_sd

Draw = Callable[[np.random.Generator, int], list[np.ndarray]]  # n runs of every task: one array [n] each


@dataclass(frozen=True)
class PowerAt:
    """What n runs a side would show. Shares of the simulated studies; `error` is the standard error of a share at worst."""

    n: int
    finds: float  # that claim a difference where the true one is `effect`
    equivalent: float | None  # that claim equivalence where the true difference is 0; None without a margin
    detectable: float  # the smallest difference found with the power asked for, by the t test's formula, in the scores' unit
    error: float


def of_runs(scores: Sequence[np.ndarray], shift: float = 0.0) -> Draw:
    """Runs drawn with replacement from those of each task, all shifted."""
    kept = [np.asarray(task, dtype=np.float64) for task in scores]
    return lambda rng, n: [task[rng.integers(0, len(task), n)] + shift for task in kept]


def of_spread(sd: float, mean: float = 0.0, failing: float = 0.0, depth: float = 5.0, tasks: int = 1) -> Draw:
    """Normal scores; a share `failing` of the runs scores `depth` standard deviations less."""
    if not sd > 0 or not 0 <= failing < 1:
        raise ValueError(f"sd={sd}, failing={failing}: the spread must be positive, and the share of failing runs at least 0 and less than 1")
    return lambda rng, n: [mean + sd * (rng.standard_normal(n) - depth * (rng.random(n) < failing)) for _ in range(tasks)]


def power_curve(
    x: Draw,
    y: Draw,
    *,
    effect: float,
    margin: float | None,
    sizes: Sequence[int],
    sd: float,
    reps: int = 1000,
    resamples: int = 400,
    seed: int = 0,
    power: float = POWER,
    metric: str = "iqm",
) -> list[PowerAt]:
    """The share of `reps` simulated studies in which the report's tests find `effect`, and find no difference where there is none.

    x, y: populations whose metric is equal. sd: of one run, for `detectable`. resamples: permutations, and bootstrap repetitions, of each study.
    """
    if effect == 0:
        raise ValueError("effect=0: give the difference that should be found")
    found = []
    for k, n in enumerate(sizes):
        if n < 2:
            raise BadScores(f"n = {n}: no test is possible with fewer than 2 runs a side")
        rng = stream(seed, k)
        hits, same = 0, 0
        for study in range(reps):
            one, other = x(rng, n), y(rng, n)
            ahead = [task + effect for task in one]
            hits += permutation_test(ahead, other, metric, reps=resamples, seed=study, most_exact=resamples).p < ALPHA
            same += margin is not None and equivalence(one, other, margin, metric, reps=resamples, seed=study, most_exact=resamples).tier in ("C", "identical")
        found.append(PowerAt(n, hits / reps, same / reps if margin is not None else None, minimal_detectable_effect(n, n, power=power) * sd, 0.5 / reps**0.5))
    return found


def of_study(x: Sequence[np.ndarray], y: Sequence[np.ndarray], metric: str = "iqm", seed: int = 0) -> tuple[Draw, Draw, float]:
    """Both sides of a finished comparison as populations with the same metric, and the spread of a run. BadScores where runs do not vary."""
    sd = run_sd(x, y, metric, reps=10_000, seed=seed)
    if not sd > 0:
        raise BadScores("the runs do not vary (or there is one a side), so they cannot say how many are needed")
    return of_runs(x), of_runs(y, aggregate(x, metric) - aggregate(y, metric)), sd


def enough(curve: Sequence[PowerAt], share: Callable[[PowerAt], float | None], power: float = POWER) -> int | None:
    """The smallest n of the curve from which on the power is reached; None where it is not."""
    reached = None
    for point in reversed(curve):
        value = share(point)
        if value is None or value < power:
            break
        reached = point.n
    return reached
