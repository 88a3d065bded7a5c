"""What the numbers of a claim allow to say.

reproduced          the interval lies beyond the smallest effect that counts, in the claimed direction, and the test agrees
weaker              beyond nothing, not beyond that effect
not distinguished   neither: with the number of seeds that would settle it
contradicted        beyond nothing on the other side; of a null, wholly outside of where it has to lie
void                a control failed, or a run is missing or has no such number

A null is claimed by equivalence alone: two one-sided tests at 5 %, that is, the 90 % interval lies where it has to, of five runs of each arm at least
(stats.FEWEST_RUNS_FOR_EQUIVALENCE), unless the claim is exact. p-values are corrected by Holm over the numbers of the claim that are no nulls. A claim
is as good as the worst of its numbers, and contradicted if one of them is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks import IntegrityError, stats
from benchmarks.claims import estimates
from benchmarks.claims.claim import Claim, Control, Number, cells_of
from benchmarks.claims.estimates import WHOLE, Cells, Effort, Estimate
from benchmarks.claims.metrics import Results
from benchmarks.claims.statistics import STATISTICS

REPRODUCED, WEAKER, NOT_DISTINGUISHED, CONTRADICTED, VOID = "reproduced", "weaker", "not distinguished", "contradicted", "void"
VERDICTS = (REPRODUCED, WEAKER, NOT_DISTINGUISHED, CONTRADICTED, VOID)  # the better first
ALPHA = 0.05

Runs = Mapping[tuple[str, str], np.ndarray]  # (arm, task) -> a metric of each run, [seeds]


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
    if missing or not seeds:
        return Outcome(VOID, f"{len(missing)} of {len(seeds)} seeds have not finished", (), ())
    try:
        controls = tuple(_held(claim, control, results) for control in claim.controls)
        runs = [runs_of(claim, number, results) for number in claim.numbers]
        found = [
            estimate_of(claim, number, values) if number.statistic is None else STATISTICS[number.statistic](results, claim, number)
            for number, values in zip(claim.numbers, runs, strict=True)
        ]
    except IntegrityError as error:
        return Outcome(VOID, str(error), (), ())
    numbers = []
    for number, values, estimate, (p, verdict) in zip(claim.numbers, runs, found, judged(claim, found), strict=True):
        settle = _seeds_to_settle(claim, number, values, estimate) if values and verdict == NOT_DISTINGUISHED else estimate.settle
        arms = {f"{algo} on {env}": [float(v) for v in of_cell] for (algo, env), of_cell in values.items()}
        numbers.append(Judged(number, replace(estimate, settle=settle), p, verdict, arms))
    failed = [held for held in controls if not held.holds]
    lacking = [one.number.name for one in numbers if not np.isfinite(one.estimate.point)]
    if failed:
        return Outcome(VOID, "; ".join(f"a control failed: {held.control.says} ({held.mean:.4g})" for held in failed), tuple(numbers), controls)
    if lacking:
        return Outcome(VOID, f"no number: {', '.join(lacking)}", tuple(numbers), controls)
    return Outcome(of_all([one.verdict for one in numbers]), "", tuple(numbers), controls)


def of_all(verdicts: Sequence[str]) -> str:
    """A claim is contradicted if one of its numbers is, and else as good as the worst of them."""
    return CONTRADICTED if CONTRADICTED in verdicts else max(verdicts, key=VERDICTS.index)


def judged(claim: Claim, found: Sequence[Estimate]) -> list[tuple[float, str]]:
    """(p corrected by Holm, verdict) of each of a claim's numbers; p is NaN of a null."""
    holm = stats.holm([float("nan") if number.is_null else estimate.p for number, estimate in zip(claim.numbers, found, strict=True)])
    return [(p, _verdict(claim, number, estimate, p)) for number, estimate, p in zip(claim.numbers, found, holm, strict=True)]


def _verdict(claim: Claim, number: Number, estimate: Estimate, p_holm: float) -> str:
    if not np.isfinite(estimate.point):
        return VOID
    if number.within is not None:
        low, high = (bound if bound is not None else side * np.inf for bound, side in zip(number.within, (-1, 1), strict=True))
        is_enough = claim.badge == "exact" or estimate.n >= stats.FEWEST_RUNS_FOR_EQUIVALENCE
        if is_enough and low <= estimate.low90 and estimate.high90 <= high:
            return REPRODUCED
        return CONTRADICTED if is_enough and (estimate.low > high or estimate.high < low) else NOT_DISTINGUISHED
    assert number.enough is not None
    sign = number.direction
    near, far = (estimate.low, estimate.high) if sign > 0 else (-estimate.high, -estimate.low)  # in the claimed direction
    is_sure = p_holm <= ALPHA
    if is_sure and near >= sign * number.enough:
        return REPRODUCED
    if is_sure and near > sign * number.nothing:
        return WEAKER
    return CONTRADICTED if is_sure and far < sign * number.nothing else NOT_DISTINGUISHED


def coefficients_of(claim: Claim, number: Number) -> dict[tuple[str, str], float]:
    """With which coefficient the mean of each (arm, task) enters a contrast; of a ratio, 1 for each of its cells."""
    coefficients: dict[tuple[str, str], float] = {}
    words = number.contrast or dict.fromkeys(number.ratio or (), 1.0)
    for word, coefficient in words.items():
        found = cells_of(claim, word, number.envs)
        for cell in found:
            coefficients[cell] = coefficients.get(cell, 0.0) + coefficient / len(found)
    return coefficients


def runs_of(claim: Claim, number: Number, results: Results) -> Runs:
    """The metric of every run that a number is of; none of a statistic. IntegrityError where a run has none, or one that is not finite."""
    runs = {cell: results.values(*cell, number.metric) for cell in coefficients_of(claim, number)}
    infinite = [cell for cell, values in runs.items() if not np.isfinite(values).all()]
    if infinite:
        raise IntegrityError(f"{number.name}: {infinite[0][0]} on {infinite[0][1]} has runs without a finite value")
    return runs


def estimate_of(claim: Claim, number: Number, runs: Runs, effort: Effort = WHOLE) -> Estimate:
    """The estimate of a number that is a contrast or a ratio, from the runs of its cells."""
    cells = _cells(claim, number, runs)
    if number.ratio is not None:
        x, y = cells.values
        return estimates.ratio(x, y, claim.paired, number.nothing, is_exact=cells.is_exact, effort=effort)
    return estimates.contrast(cells, number.nothing, effort=effort)


def _cells(claim: Claim, number: Number, runs: Runs) -> Cells:
    """What a number is a contrast of; of a ratio, both sides, each averaged over its tasks, as the contrast that is 0 where there is no effect."""
    is_exact = claim.badge == "exact"
    if number.ratio is not None:
        x, y = (np.mean([runs[cell] for cell in cells_of(claim, word, number.envs)], axis=0) for word in number.ratio)
        return Cells((x, y), (1.0, -number.nothing), claim.paired, is_exact=is_exact)
    coefficients = coefficients_of(claim, number)
    values = tuple(runs[cell] for cell in coefficients)
    return Cells(values, tuple(coefficients.values()), claim.paired, number.metric.is_share, number.metric.scale, is_exact)


def _seeds_to_settle(claim: Claim, number: Number, runs: Runs, estimate: Estimate) -> int | None:
    """How many runs of each cell would decide a number that these did not.

    If it is as large as what counts (a null: if there is nothing); where as many runs as that were not enough, if it is as large as it was found to be.
    """
    cells = _cells(claim, number, runs)
    unit = float(cells.values[1].mean()) if number.ratio is not None else 1.0
    seen = abs(estimate.point - number.nothing) * unit
    if number.within is not None:
        room = min(abs(bound - number.nothing) for bound in number.within if bound is not None) * unit
        guesses = [estimates.seeds_to_settle(cells.spread, room, True, off) for off in (0.0, seen)]
    else:
        assert number.enough is not None
        guesses = [estimates.seeds_to_settle(cells.spread, effect, False) for effect in (abs(number.enough - number.nothing) * unit, seen)]
    return next((runs for runs in guesses if runs is not None and runs > estimate.n), None)


def _held(claim: Claim, control: Control, results: Results) -> Held:
    cells = cells_of(claim, control.cell)
    mean = float(np.mean([results.values(*cell, control.metric).mean() for cell in cells]))
    holds = (control.at_least is None or mean >= control.at_least) and (control.at_most is None or mean <= control.at_most)
    return Held(control, mean, bool(holds))
