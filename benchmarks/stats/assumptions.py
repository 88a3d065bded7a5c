"""What the tests assume of the runs, measured: whether tasks share their luck over seeds, and how many runs solved the task.

A seed gives a run its weights at the start and its random numbers on every task. Where that makes the scores of different tasks rise and fall
together, runs of n seeds on T tasks are not nT independent ones. `correlation_over_seeds` measures it; `BySeed` scores need not know it.

A mean mixes how often runs succeed with how well. `solved_test` asks the first alone, with an exact test that needs no shape at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from scipy import stats as distributions

from benchmarks.stats.bootstrap import BadScores, BySeed
from benchmarks.stats.comparisons import Test


@dataclass(frozen=True)
class Correlation:
    """Pearson's correlation over seeds of the scores on two tasks, averaged over all pairs of tasks of all algorithms."""

    mean: float  # NaN where there is no pair of tasks with scores that vary
    by_chance: float  # the standard deviation of `mean` if all tasks were independent
    pairs: int  # of tasks, over all algorithms

    @property
    def is_found(self) -> bool:
        """Whether it lies more than two such standard deviations from 0."""
        return bool(abs(self.mean) > 2 * self.by_chance)


def correlation_over_seeds(scores: Mapping[str, BySeed]) -> Correlation:
    """Of each algorithm's final scores; two tasks count if at least 3 seeds have run on both and vary on both."""
    found, variance = [], 0.0
    for tasks in scores.values():
        for one, other in combinations(range(len(tasks)), 2):
            shared = sorted(set(tasks.seeds[one]) & set(tasks.seeds[other]))
            a, b = (np.asarray([tasks[m][tasks.seeds[m].index(seed)] for seed in shared], dtype=np.float64) for m in (one, other))
            if len(shared) >= 3 and np.ptp(a) > 0 and np.ptp(b) > 0:
                found.append(float(np.corrcoef(a, b)[0, 1]))
                variance += 1 / (len(shared) - 1)
    if not found:
        return Correlation(float("nan"), float("nan"), 0)
    return Correlation(float(np.mean(found)), variance**0.5 / len(found), len(found))


def solved_test(x: np.ndarray, y: np.ndarray, *, paired: bool = False) -> Test:
    """Is one side's share of solved runs larger? x, y: [runs] of true and false. Boschloo's (1970) exact test; paired runs: McNemar's (1947)."""
    x, y = np.asarray(x, dtype=bool), np.asarray(y, dtype=bool)
    if not len(x) or not len(y):
        raise BadScores("a test of solved runs needs a run on either side")
    if paired:
        if len(x) != len(y):
            raise BadScores(f"paired runs: x has {len(x)} runs, y has {len(y)}; keep the seeds that both have")
        apart = int((x != y).sum())
        return Test(float(distributions.binomtest(int((x & ~y).sum()), apart).pvalue) if apart else 1.0, "McNemar's exact")
    return Test(_boschloo(int(x.sum()), len(x), int(y.sum()), len(y)), "Boschloo's exact")


@cache
def _boschloo(x: int, n_x: int, y: int, n_y: int) -> float:
    if x * n_y == y * n_x:
        return 1.0
    return float(min(1.0, distributions.boschloo_exact([[x, y], [n_x - x, n_y - y]]).pvalue))
