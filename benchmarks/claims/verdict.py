"""What the numbers of a claim allow to say.

reproduced          the interval lies beyond the smallest effect that counts, in the claimed direction, and the test agrees
weaker              beyond nothing, not beyond that effect
not distinguished   neither: with the number of seeds that would settle it
contradicted        beyond nothing on the other side; of a null, wholly outside of where it has to lie
void                a control failed, or a run is missing or has no such number

A null is claimed by equivalence alone: two one-sided tests at 5 %, that is, the 90 % interval lies where it has to. p-values are corrected by Holm over the
numbers of the claim. A claim is as good as the worst of its numbers, and contradicted if one of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import IntegrityError, stats
from benchmarks.claims import estimates
from benchmarks.claims.claim import Claim, Control, Number, cells_of
from benchmarks.claims.estimates import Cells, Estimate
from benchmarks.claims.metrics import Results
from benchmarks.claims.statistics import STATISTICS

REPRODUCED, WEAKER, NOT_DISTINGUISHED, CONTRADICTED, VOID = "reproduced", "weaker", "not distinguished", "contradicted", "void"
VERDICTS = (REPRODUCED, WEAKER, NOT_DISTINGUISHED, CONTRADICTED, VOID)  # the better first
ALPHA = 0.05


@dataclass(frozen=True)
class Judged:
    """A number of a claim with its estimate and what it says."""

    number: Number
    estimate: Estimate
    p_holm: float  # of "nothing"; NaN of a null, which no test of nothing decides
    verdict: str
    arms: dict[str, list[float]]  # "arm on task" -> the metric of each run, in the order of the seeds


@dataclass(frozen=True)
class Held:
    """A control: the mean of its arm, and whether it is where it has to be."""

    control: Control
    mean: float
    holds: bool


@dataclass(frozen=True)
class Outcome:
    """All of a claim's numbers, and its verdict."""

    verdict: str
    why: str  # of a verdict that is not the numbers' alone: what is missing, which control failed
    numbers: tuple[Judged, ...]
    controls: tuple[Held, ...]


def judge(claim: Claim, results: Results, seeds: Sequence[int]) -> Outcome:
    """The verdict on these results. seeds: those that the claim's study has planned, on fewer than which there is none."""
    missing = [seed for seed in seeds if seed not in results.seeds]
    if missing:
        return Outcome(VOID, f"{len(missing)} of {len(seeds)} seeds have not finished", (), ())
    try:
        controls = tuple(_held(claim, control, results) for control in claim.controls)
        found = [(number, *_estimate(claim, number, results)) for number in claim.numbers]
    except IntegrityError as error:
        return Outcome(VOID, str(error), (), ())
    holm = stats.holm([float("nan") if number.is_null else estimate.p for number, estimate, _ in found])
    numbers = tuple(
        Judged(number, estimate, p, _verdict(number, estimate, p), arms) for (number, estimate, arms), p in zip(found, holm, strict=True)
    )
    failed = [held for held in controls if not held.holds]
    if failed:
        return Outcome(VOID, "; ".join(f"a control failed: {held.control.says} ({held.mean:.4g})" for held in failed), numbers, controls)
    lacking = [judged.number.name for judged in numbers if not np.isfinite(judged.estimate.point)]
    if lacking:
        return Outcome(VOID, f"no number: {', '.join(lacking)}", numbers, controls)
    return Outcome(of_all([judged.verdict for judged in numbers]), "", numbers, controls)


def of_all(verdicts: Sequence[str]) -> str:
    """A claim is contradicted if one of its numbers is, and else as good as the worst of them."""
    return CONTRADICTED if CONTRADICTED in verdicts else max(verdicts, key=VERDICTS.index)


def _verdict(number: Number, estimate: Estimate, p_holm: float) -> str:
    if not np.isfinite(estimate.point):
        return VOID
    if number.within is not None:
        low, high = (bound if bound is not None else side * np.inf for bound, side in zip(number.within, (-1, 1), strict=True))
        if low <= estimate.low90 and estimate.high90 <= high:
            return REPRODUCED
        return CONTRADICTED if estimate.low > high or estimate.high < low else NOT_DISTINGUISHED
    assert number.enough is not None
    sign = number.direction
    near, far = (estimate.low, estimate.high) if sign > 0 else (-estimate.high, -estimate.low)  # in the claimed direction
    is_sure = p_holm <= ALPHA
    if is_sure and near >= sign * number.enough:
        return REPRODUCED
    if is_sure and near > sign * number.nothing:
        return WEAKER
    return CONTRADICTED if is_sure and far < sign * number.nothing else NOT_DISTINGUISHED


def _estimate(claim: Claim, number: Number, results: Results) -> tuple[Estimate, dict[str, list[float]]]:
    """A number's estimate, and the runs that it is of."""
    if number.statistic is not None:
        return STATISTICS[number.statistic](results, claim, number), {}
    coefficients: dict[tuple[str, str], float] = {}
    words = number.contrast or dict.fromkeys(number.ratio or (), 1.0)
    for word, coefficient in words.items():
        found = cells_of(claim, word, number.envs)
        for cell in found:
            coefficients[cell] = coefficients.get(cell, 0.0) + coefficient / len(found)
    values = {cell: results.values(*cell, number.metric) for cell in coefficients}
    arms = {f"{algo} on {env}": [float(v) for v in runs] for (algo, env), runs in values.items()}
    infinite = [cell for cell, runs in values.items() if not np.isfinite(runs).all()]
    if infinite:
        raise IntegrityError(f"{number.name}: {infinite[0][0]} on {infinite[0][1]} has runs without a finite value")
    if number.ratio is not None:
        x, y = (np.mean([values[cell] for cell in cells_of(claim, word, number.envs)], axis=0) for word in number.ratio)
        estimate = estimates.ratio(x, y, claim.paired, number.nothing)
        apart = Cells((x, y), (1.0, -number.nothing), claim.paired)
        size = abs((number.enough or 0.0) - number.nothing) * float(y.mean())
    else:
        apart = Cells(tuple(values.values()), tuple(coefficients.values()), claim.paired, number.metric.is_share, number.metric.scale)
        estimate = estimates.contrast(apart, number.nothing)
        size = abs((number.enough or 0.0) - number.nothing)
    if number.within is not None:
        size = min(abs(bound - number.nothing) for bound in number.within if bound is not None) * (float(y.mean()) if number.ratio is not None else 1.0)
    settle = estimates.seeds_to_settle(apart.spread, size, number.is_null)
    return estimates.settled(estimate, settle), arms


def _held(claim: Claim, control: Control, results: Results) -> Held:
    cells = cells_of(claim, control.cell)
    mean = float(np.mean([results.values(*cell, control.metric).mean() for cell in cells]))
    holds = (control.at_least is None or mean >= control.at_least) and (control.at_most is None or mean <= control.at_most)
    return Held(control, mean, bool(holds))
