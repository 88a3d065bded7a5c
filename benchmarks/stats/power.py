"""How many seeds? Power by simulation, with the very tests that the report makes: studies of n runs a side are drawn again and again.

Runs are drawn from a population: the runs of a finished study (with replacement, shifted so that the true difference is known; pairs stay
together), or normal scores of a given spread, of which a share fails. A comparison that is one of k is held against α/k, Holm's first step: the
power where the others find nothing, and the least where they do. A sequential study is drawn batch by batch, by its own test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.stats.bootstrap import BadScores, BySeed, aggregate
from benchmarks.stats.comparisons import ALPHA, POWER, difference_test, equivalence, minimal_detectable_effect, reweighted, run_sd
from benchmarks.stats.sequential import SequentialTest

Draw = Callable[[np.random.Generator, int], list[np.ndarray]]  # n runs of every task: one array [n] each, BySeed if their seeds are shared


@dataclass(frozen=True)
class PowerAt:
    """What n runs a side would show. Shares of the simulated studies; `error` is the standard error of a share at worst."""

    n: int
    finds: float  # that claim a difference where the true one is `effect`
    equivalent: float | None  # that claim equivalence where the true difference is 0; None without a margin
    detectable: float  # the smallest difference found with the power asked for, by the t test's formula, in the scores' unit
    error: float
    used: float  # runs a side on average where there is `effect`: fewer than n if a sequential test stops before


def of_runs(scores: Sequence[np.ndarray], shift: float = 0.0) -> Draw:
    """Runs drawn with replacement from those of each task, all shifted."""
    kept = [np.asarray(task, dtype=np.float64) for task in scores]
    if isinstance(scores, BySeed):  # a seed's runs are drawn together where all tasks have it, and what is drawn is a new seed
        together = [set(seeds) for seeds in scores.seeds]
        rows = [np.argsort(seeds) for seeds in scores.seeds] if all(seeds == together[0] for seeds in together) else None

        def draw(rng: np.random.Generator, n: int) -> BySeed:
            drawn = rng.integers(0, len(kept[0]), n) if rows else None
            chosen = [row[drawn] for row in rows] if rows else [rng.integers(0, len(task), n) for task in kept]
            return BySeed([task[of_task] + shift for task, of_task in zip(kept, chosen, strict=True)], [list(range(n))] * len(kept))

        return draw
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
    comparisons: int = 1,
    paired: bool = False,
    batch: int | None = None,
    bounds: tuple[float, float] | None = None,
) -> list[PowerAt]:
    """The share of `reps` simulated studies in which the report's tests find `effect`, and show equivalence where there is no difference.

    x, y: populations whose metric is equal; paired: drawn by the same random numbers. sd: of one run, for `detectable`. comparisons: of the table
    that this one stands in. batch: of a sequential study, n then being the stated maximum. resamples: permutations, and bootstrap repetitions, of each study.
    bounds: of the score of a run, where they are known: then what is found must survive failures that were not seen.
    """
    if effect == 0 or not math.isfinite(effect):
        raise ValueError(f"effect={effect:g}: give the difference that should be found, which is not 0")
    if margin is not None and not margin > 0:
        raise ValueError(f"margin={margin:g} must be positive: the largest difference that would still count as none")
    if comparisons < 1:
        raise ValueError(f"comparisons={comparisons}: there is at least this one")
    alpha = ALPHA / comparisons
    how: dict[str, Any] = {"paired": paired, "reps": max(resamples, math.ceil(20 / alpha)), "most_exact": max(resamples, math.ceil(20 / alpha))}
    found = []
    for k, n in enumerate(sizes):
        if n < 2:
            raise BadScores(f"n = {n}: no test is possible with fewer than 2 runs a side")
        hits, same, used = 0, 0, 0
        for study in range(reps):
            one, other = (draw(np.random.default_rng([seed, k, study, 0 if paired else side]), n) for side, draw in enumerate((x, y)))
            ahead = _like(one, [task + effect for task in one])
            if batch is None or batch >= n:
                hit, runs = difference_test(ahead, other, metric, seed=study, **how).p < alpha, n
            else:
                hit, runs = _in_batches(ahead, other, batch, alpha, study, how)
            if hit:
                cut = [_part(side, slice(0, runs)) for side in (ahead, other)]
                shape = reweighted(cut[0], cut[1], metric, bounds, seed=study, paired=paired, reps=1000)
                hit = shape is None or not shape.undoes_difference(aggregate(cut[0], metric) - aggregate(cut[1], metric))
            hits, used = hits + hit, used + runs
            if margin is not None:
                same += equivalence(one, other, margin, metric, seed=study, bounds=bounds, **{**how, "reps": resamples}).tier in ("C", "identical")
        least = minimal_detectable_effect(n, n, power=power, alpha=alpha) * sd
        found.append(PowerAt(n, hits / reps, same / reps if margin is not None else None, least, 0.5 / reps**0.5, used / reps))
    return found


def _like(scores: Sequence[np.ndarray], changed: list[np.ndarray]) -> list[np.ndarray]:
    """The changed scores, with the seeds of those that they were."""
    return BySeed(changed, scores.seeds) if isinstance(scores, BySeed) else changed


def _part(scores: Sequence[np.ndarray], runs: slice) -> list[np.ndarray]:
    cut = [task[runs] for task in scores]
    return BySeed(cut, [seeds[runs] for seeds in scores.seeds]) if isinstance(scores, BySeed) else cut


def _in_batches(x: Sequence[np.ndarray], y: Sequence[np.ndarray], batch: int, alpha: float, seed: int, how: dict[str, Any]) -> tuple[bool, int]:
    """Whether a sequential test finds a difference, and after how many runs a side it stops."""
    n = len(x[0])
    looks = math.ceil(n / batch)
    test = SequentialTest(["x against y"], looks, alpha, max(how["reps"], math.ceil(2 * looks / alpha)), seed, how["paired"])
    while not test.is_finished:
        now = slice(test.taken * batch, (test.taken + 1) * batch)
        test.look({"x against y": (_part(x, now), _part(y, now))})
    return bool(test.decisions["x against y"].look), min(test.taken * batch, n)


def of_study(x: Sequence[np.ndarray], y: Sequence[np.ndarray], metric: str = "iqm", seed: int = 0, paired: bool = False) -> tuple[Draw, Draw, float]:
    """Both sides of a finished comparison as populations with the same metric, and the spread of a run. BadScores where runs do not vary."""
    sd = run_sd(x, y, metric, reps=10_000, seed=seed, paired=paired)
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
