"""Numbers of claims that are no contrast of arms: each a function of all results of the claim's study and of its settings.

    def NAME(results: Results, claim: Claim, number: Number) -> Estimate

The estimate's interval and p have to be those of a resampling, or of a model, that its docstring names; a function tested against numbers worked by hand.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.claims.claim import Claim, Number
from benchmarks.claims.estimates import Estimate
from benchmarks.claims.metrics import Results

Statistic = Callable[[Results, Claim, Number], Estimate]

STATISTICS: dict[str, Statistic] = {}
