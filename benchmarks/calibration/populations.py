"""What studies are drawn from: populations of scores whose truth is known.

Normal, skewed (log-normal) and failing (a fifth of the runs score 5 standard deviations less) scores, and Stable-Baselines3's own final scores in the
published studies: ten real runs of each algorithm and task, drawn again with replacement (SB3 against itself).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from scipy import stats as distributions

from benchmarks import stats
from from_scratch import registry

ROOT = Path(__file__).parents[2]
REAL = ("quickstart", "parity")  # published studies whose SB3 runs are a population
CHECKPOINTS = 10


def score_files() -> list[Path]:
    """The files with SB3's real scores."""
    return [ROOT / "results" / study / "report" / "scores.csv" for study in REAL]


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
    for path in score_files():
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
        return of_seeds([quantiles(population, m, rng.random(n)) for m in range(tasks)])
    shared = rng.standard_normal(n)
    own = [correlation**0.5 * shared + (1 - correlation) ** 0.5 * rng.standard_normal(n) for _ in range(tasks)]
    return of_seeds([quantiles(population, m, distributions.norm.cdf(z)) for m, z in enumerate(own)])


def of_seeds(scores: list[np.ndarray]) -> stats.BySeed:
    return stats.BySeed(scores, [list(range(len(task))) for task in scores])


def plus(one: list[np.ndarray], other: list[np.ndarray]) -> stats.BySeed:
    """The sums, run by run."""
    return of_seeds([a + b for a, b in zip(one, other, strict=True)])


def spread(population: str) -> float:
    """The standard deviation of a run on the first task."""
    return float(np.std(equally_likely(population, 0)))


def equally_likely(population: str, task: int) -> np.ndarray:
    """The population of one task, as equally likely values."""
    return quantiles(population, task, (np.arange(10_000) + 0.5) / 10_000)


def curves(final: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Learning curves [runs, checkpoints] that end near these scores: a run's checkpoints belong together."""
    rise = (np.arange(CHECKPOINTS) + 1) / CHECKPOINTS
    return of_seeds([scores[:, None] * rise + 0.3 * rng.standard_normal((len(scores), CHECKPOINTS)) for scores in final])


@cache
def truth(population: str, tasks: int) -> dict[str, Any]:
    """The true values that intervals should hold."""
    whole = [equally_likely(population, m) for m in range(tasks)]
    learning = curves(whole, np.random.default_rng([7, crc32(population.encode()), tasks]))
    areas = areas_of(learning)
    return {
        **{metric: stats.aggregate(whole, metric) for metric in ("iqm", "mean", "median", "optimality_gap")},
        "sorted": [np.sort(scores) for scores in whole],
        "sds": [float(scores.std()) for scores in whole],
        "band": stats.aggregate(learning, "iqm"),
        "area": stats.aggregate(areas, "iqm"),
        "task_area": float(areas[0].mean()),
    }


def areas_of(learning: list[np.ndarray]) -> list[np.ndarray]:
    return of_seeds([stats.area_under_curve(scores, np.arange(1.0, CHECKPOINTS + 1)) for scores in learning])


def profile_of(true: Mapping[str, Any], taus: np.ndarray) -> np.ndarray:
    """The true share of runs above each τ."""
    return np.mean([1 - np.searchsorted(scores, taus, side="right") / len(scores) for scores in true["sorted"]], axis=0)


def improvement_of(true: Mapping[str, Any], shift: float) -> float:
    """The true P(X > Y) where X is `shift` standard deviations of each task ahead."""
    parts = []
    for scores, sd in zip(true["sorted"], true["sds"], strict=True):
        ahead = scores + shift * sd
        parts.append((np.searchsorted(scores, ahead, side="left") + np.searchsorted(scores, ahead, side="right")).mean() / 2 / len(scores))
    return float(np.mean(parts))


def moved(scores: list[np.ndarray], population: str, shift: float) -> list[np.ndarray]:
    """The same runs, `shift` standard deviations of each task better."""
    return of_seeds([task + shift * sd for task, sd in zip(scores, truth(population, len(scores))["sds"], strict=True)]) if shift else scores
