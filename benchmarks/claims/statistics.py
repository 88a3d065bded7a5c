"""Numbers of claims that are no contrast of arms: each a function of all results of the claim's study and of its settings.

    def NAME(results: Results, claim: Claim, number: Number) -> Estimate

The estimate's interval and p have to be those of a resampling, or of a model, that its docstring names; a function tested against numbers worked by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks import IntegrityError
from benchmarks.claims import estimates
from benchmarks.claims.claim import Claim, Number, cells_of
from benchmarks.claims.estimates import Estimate
from benchmarks.claims.metrics import Results

Statistic = Callable[[Results, Claim, Number], Estimate]


def growth(results: Results, claim: Claim, number: Number) -> Estimate:
    """What the metric's key has grown by between the last two of three steps, over what it grew by between the first two: means over the runs of a cell.

    settings: {cell, steps: [a, b, c]}. At steps ten times apart it is 1 of log t, √10 = 3.16 of √t, 10 of t. Fieller's interval; the test is that of a ratio.
    """
    cells = cells_of(claim, number.settings["cell"], number.envs)
    found = [series for cell in cells for series in results.series(*cell, number.metric.of).values()]
    steps = number.settings["steps"]
    lacking = [step for step in steps if not all(step in at for at, _ in found)]
    if lacking or not found:
        raise IntegrityError(f"{number.name}: no {number.metric.of} of {number.settings['cell']}{f' at step {lacking[0]}' if lacking else ''}")
    first, second, third = (np.array([values[at == step][0] for at, values in found]) for step in steps)
    return estimates.ratio(third - second, second - first, True, number.nothing)


def quotient(results: Results, claim: Claim, number: Number) -> Estimate:
    """The metric over that of another key of the same runs, mean over mean. settings: {cell, over: key}. Fieller's interval; the test is that of a ratio."""
    metric = number.metric
    cells = cells_of(claim, number.settings["cell"], number.envs)
    above, below = (np.mean([results.values(*cell, each) for cell in cells], axis=0) for each in (metric, replace(metric, of=number.settings["over"])))
    return estimates.ratio(above, below, True, number.nothing)


STATISTICS: dict[str, Statistic] = {
    "growth": growth,
    "quotient": quotient,
}
