"""From runs to the numbers of a claim: a contrast of arms' means, a ratio of two, with an interval and a test of "nothing".

Everything is a linear contrast Σ c_k mean_k of cells (an arm on a task). Its t interval has Welch and Satterthwaite's degrees of freedom, or where runs
of one seed belong together is that of the contrast of each seed. A ratio of two means is the r at which the contrast mean_x − r mean_y is 0, and its
interval holds every r whose contrast's interval holds 0 (Fieller 1954). Shares of runs, yes or no, have Newcombe's (1998) interval, from Wilson's.
The test is the report's: the larger p of the t test and of the permutation test where two arms are compared, or of sign flips of the contrast within
each seed where there are one, or more than two (runs that are independent are then paired as their seeds happen to be).

One run says nothing of its spread: its interval has no ends and its p is 1. Nor do runs that are all alike prove that none ever differs: their interval
is the point, and the test alone says how much so few of them are worth. Only where a claim is exact is a number that no seed changes simply known.

Two arms guard each other: runs that fail now and then, and did not in the sample, are missing on both sides. One arm against a constant has no such
guard: of ten runs of which a tenth to a fifth fail, its t interval lay beyond the smallest effect in 13 to 19 % of samples where the truth was just that
effect, and in 1 % where there was none (drawn by simulation). Where runs may fail, state such a number as a share of runs, or against another arm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special
from scipy import stats as distributions

from benchmarks import stats

Bounds = tuple[float, float]
OPEN: Bounds = (float("-inf"), float("inf"))


@dataclass(frozen=True)
class Effort:
    """How much a test of chance may cost. Everything that is published is judged with the whole of it."""

    divisions: int = 50_000  # of runs into sides, or flips of signs, drawn at random where all of them are more than `exact`
    exact: int = 1 << 16
    is_hurried: bool = False  # the permutation test is left out where the t test alone finds nothing at 5 %: it could only raise p, and no verdict changes


WHOLE = Effort()


@dataclass(frozen=True)
class Cells:
    """The metric of every run of some cells, and the coefficients with which their means enter: [cells][runs], [cells]."""

    values: tuple[np.ndarray, ...]
    coefficients: tuple[float, ...]
    paired: bool  # run i of every cell is of the same seed
    is_share: bool = False  # every value is 0, or `scale`
    scale: float = 1.0
    is_exact: bool = False  # nothing is left to chance: runs that do not vary are no sample, but the number itself

    @property
    def n(self) -> int:
        return min(map(len, self.values))

    @property
    def point(self) -> float:
        return float(sum(c * v.mean() for c, v in zip(self.coefficients, self.values, strict=True)))

    def of_seeds(self) -> np.ndarray:
        """The contrast within each seed, [seeds]."""
        return np.sum([c * v for c, v in zip(self.coefficients, self.values, strict=True)], axis=0)

    @property
    def spread(self) -> float:
        """The standard deviation that a single run a side would have: what the number of seeds is reckoned from. NaN of one run."""
        if self.n < 2:
            return float("nan")
        if self.paired:
            return float(self.of_seeds().std(ddof=1))
        return float(np.sqrt(sum(c**2 * v.var(ddof=1) for c, v in zip(self.coefficients, self.values, strict=True))))

    @property
    def is_known(self) -> bool:
        """Whether the number is known without an error: of an exact claim, and the same with every seed."""
        return self.is_exact and all(np.ptp(v) == 0 for v in self.values)


@dataclass(frozen=True)
class Estimate:
    """A number of a claim: where it is, between what it lies, how likely chance alone would bring it about."""

    point: float
    low: float  # of the interval at `confidence`
    high: float
    low90: float  # of the 90 % interval, within which two one-sided tests at 5 % place it
    high90: float
    p: float  # two-sided, of "nothing"
    method: str
    n: int  # runs of each cell
    settle: int | None = None  # how many runs of each cell would decide it; None if none of 10,000 do, or it is decided


def contrast(cells: Cells, nothing: float = 0.0, confidence: float = 0.95, effort: Effort = WHOLE) -> Estimate:
    """Σ c_k mean_k with its interval, and the test of its being `nothing`."""
    if cells.is_share:
        return _of_shares(cells, nothing, confidence, effort)
    p, method = _test(cells, nothing, effort)
    return Estimate(cells.point, *interval(cells, confidence), *interval(cells, 0.9), p, method, cells.n)


def interval(cells: Cells, confidence: float) -> Bounds:
    """The t interval of a contrast; its point alone where no run differs from another of its cell; without ends for a single run."""
    if cells.n < 2 and not cells.is_known:
        return OPEN
    error, freedom = _error(cells)
    if error == 0:
        return cells.point, cells.point
    half = float(special.stdtrit(freedom, (1 + confidence) / 2) * error)
    return cells.point - half, cells.point + half


def _error(cells: Cells) -> tuple[float, float]:
    """Standard error and degrees of freedom of a contrast; 0 and NaN where no run varies."""
    if cells.paired:
        apart = cells.of_seeds()
        return (0.0, float("nan")) if np.ptp(apart) == 0 else (float(apart.std(ddof=1) / np.sqrt(len(apart))), len(apart) - 1.0)
    parts = [(c**2 * v.var(ddof=1) / len(v), len(v) - 1) for c, v in zip(cells.coefficients, cells.values, strict=True) if np.ptp(v)]
    total = sum(part for part, _ in parts)
    return (0.0, float("nan")) if total == 0 else (float(np.sqrt(total)), float(total**2 / sum(part**2 / freedom for part, freedom in parts)))


def _test(cells: Cells, nothing: float, effort: Effort) -> tuple[float, str]:
    """The larger p of the t test and of the test by permutation or sign flips; of the latter alone where no run varies."""
    if cells.is_known:
        return float(np.isclose(cells.point, nothing, rtol=1e-12, atol=1e-12)), "exact: the same with every seed"
    error, freedom = _error(cells)
    t = float(2 * special.stdtr(freedom, -abs(cells.point - nothing) / error)) if error else float("nan")
    name = "Welch's t" if not cells.paired else "paired t" if len(cells.values) > 1 else "t"
    if effort.is_hurried and t > stats.ALPHA:
        return t, name
    if not cells.paired and sorted(np.sign(cells.coefficients)) == [-1, 1]:
        x, y = (abs(c) * v for _, c, v in sorted(zip(np.sign(cells.coefficients), cells.coefficients, cells.values, strict=True), key=lambda s: -s[0]))
        tested = stats.permutation_test([x - nothing], [y], "mean", reps=effort.divisions, most_exact=effort.exact)
        p, method = tested.p, tested.method
    else:
        p, method = sign_flips(cells.of_seeds() - nothing, effort=effort)
    return (t, name) if t > p else (p, method)


def sign_flips(apart: np.ndarray, seed: int = 0, effort: Effort = WHOLE) -> tuple[float, str]:
    """Is the mean of these 0? By how many standard errors it lies away when signs are drawn anew: all of them, or random ones. The p, and how."""
    n = len(apart)
    if not np.any(apart):
        return 1.0, "no difference in any seed"
    if 2**n <= effort.exact:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        method, extra = f"exact sign flips, {2**n:,}", 0
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(effort.divisions, n))
        method, extra = f"sign flips, {effort.divisions:,} random ones", 1
    flipped = signs * np.abs(apart)  # the statistic t is monotone in the mean, for the sum of squares stays
    far = np.abs(flipped.mean(axis=1)) >= abs(apart.mean()) * (1 - 1e-12)
    return float((far.sum() + extra) / (len(signs) + extra)), method


def ratio(
    x: np.ndarray, y: np.ndarray, paired: bool, nothing: float = 1.0, confidence: float = 0.95, is_exact: bool = False, effort: Effort = WHOLE
) -> Estimate:
    """mean(x) / mean(y) with Fieller's interval, and the test of mean(x) − nothing · mean(y). No number where a mean is not positive."""
    if not (y.mean() > 0 and x.mean() >= 0):
        nan = float("nan")
        return Estimate(nan, nan, nan, nan, nan, nan, "a ratio needs positive means", min(len(x), len(y)))

    def cells(r: float) -> Cells:
        return Cells((x, y), (1.0, -r), paired, is_exact=is_exact)

    point = float(x.mean() / y.mean())
    p, method = _test(cells(nothing), 0.0, effort)
    bounds = [_fieller(cells, point, level) for level in (confidence, 0.9)]
    return Estimate(point, *bounds[0], *bounds[1], p, method, min(len(x), len(y)))


def _fieller(cells: Callable[[float], Cells], point: float, confidence: float) -> Bounds:
    """The ratios whose contrast cannot be told from 0. Infinite on a side that the denominator's spread leaves open."""

    def beyond(r: float, upward: bool) -> float:
        low, high = interval(cells(r), confidence)
        return high if upward else low  # of mean_x − r mean_y: below 0 for r far above the point, above it for r far below

    def root(upward: bool) -> float:
        step = max(abs(point), 1e-12)
        far = point
        for _ in range(60):
            far = far + step if upward else far - step
            step *= 2
            if (beyond(far, True) < 0) if upward else (beyond(far, False) > 0):
                return float(optimize.brentq(lambda r: beyond(r, upward), point, far, xtol=1e-12, rtol=1e-10))
        return float("inf") if upward else float("-inf")

    if beyond(point, True) == beyond(point, False):
        return point, point
    return root(False), root(True)


# --------------------------------------------------------------------------------------------------------------- shares


def wilson(yes: int, n: int, confidence: float) -> Bounds:
    """Wilson's (1927) interval of a share."""
    z = float(special.ndtri((1 + confidence) / 2))
    middle, half = (yes + z**2 / 2) / (n + z**2), z * np.sqrt(yes * (n - yes) / n + z**2 / 4) / (n + z**2)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _of_shares(cells: Cells, nothing: float, confidence: float, effort: Effort) -> Estimate:
    """A contrast of shares: the intervals of the cells, put together by squares (Newcombe 1998; Zou & Donner 2008). Runs of one seed count as others do."""
    scale = cells.scale
    yes = [np.asarray(v != 0, dtype=bool) for v in cells.values]

    def bounds(level: float) -> Bounds:
        low = high = 0.0
        for c, v in zip(cells.coefficients, yes, strict=True):
            share, (below, above) = float(v.mean()), wilson(int(v.sum()), len(v), level)
            down, up = (share - below, above - share) if c * scale > 0 else (above - share, share - below)
            low, high = low + (c * scale * down) ** 2, high + (c * scale * up) ** 2
        return float(cells.point - np.sqrt(low)), float(cells.point + np.sqrt(high))

    p, method = _test_of_shares(cells, yes, nothing, effort)
    return Estimate(cells.point, *bounds(confidence), *bounds(0.9), p, method, cells.n)


def _test_of_shares(cells: Cells, yes: Sequence[np.ndarray], nothing: float, effort: Effort) -> tuple[float, str]:
    if len(yes) == 1:
        chance = nothing / cells.scale / cells.coefficients[0]
        return float(distributions.binomtest(int(yes[0].sum()), len(yes[0]), min(max(chance, 0.0), 1.0)).pvalue), "exact binomial"
    if len(yes) == 2 and nothing == 0 and cells.coefficients[0] == -cells.coefficients[1]:
        test = stats.solved_test(yes[0], yes[1], paired=False)  # runs of one seed are no more alike in this than others
        return test.p, test.method
    return _test(replace(cells, is_exact=False), nothing, effort)


# -------------------------------------------------------------------------------------------------------- how many seeds


def seeds_to_settle(spread: float, effect: float, is_null: bool, off: float = 0.0) -> int | None:
    """How many runs of each cell show an effect of this size, or that there is none beyond it, with 80 % power; None if none of 10,000 do.

    spread: of the contrast of single runs. It is that of two sides with a spread of spread/√2 each; a contrast within seeds is one side.
    off: of a null, how far from nothing it truly lies.
    """
    if not np.isfinite(spread) or spread == 0 or effect == 0:
        return None
    unit = spread / np.sqrt(2)
    return stats.runs_for_equivalence(abs(effect) / unit, effect=abs(off) / unit) if is_null else stats.runs_to_detect(abs(effect) / unit)
