"""Numbers of claims that are no contrast of arms: each a function of all results of the claim's study and of its settings.

    def NAME(results: Results, claim: Claim, number: Number) -> Estimate

The estimate's interval and p have to be those of a resampling, or of a model, that its docstring names; a function tested against numbers worked by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from scipy import special

from benchmarks import IntegrityError, UserError, stats
from benchmarks.claims import estimates
from benchmarks.claims.claim import Claim, Number, cells_of
from benchmarks.claims.estimates import Cells, Estimate, contrast
from benchmarks.claims.metrics import Results

Statistic = Callable[[Results, Claim, Number], Estimate]


def _settings(number: Number, **defaults: Any) -> dict[str, Any]:
    """A number's settings; a default of None has to be given."""
    for key in number.settings:
        if key not in defaults:
            raise UserError(f"number {number.name}: its settings have no '{key}': there are {', '.join(defaults)}")
    for key, value in defaults.items():
        if value is None and key not in number.settings:
            raise UserError(f"number {number.name}: its settings need {key}")
    return {**defaults, **number.settings}


def _by_t(point: float, error: float, nothing: float, n: int, method: str) -> Estimate:
    wide, narrow = (float(special.stdtrit(n - 1, (1 + level) / 2)) * error for level in (0.95, 0.9))
    p = float(2 * special.stdtr(n - 1, -abs(point - nothing) / error)) if error else float(point == nothing)
    return Estimate(point, point - wide, point + wide, point - narrow, point + narrow, p, method, n)


# ------------------------------------------------------------------------------------- two groups of runs of one algorithm


def splits_that_differ(results: Results, claim: Claim, number: Number) -> Estimate:
    """The share [%] of the ways to draw two groups from the runs of one arm that a rule calls different. IntegrityError of too few runs.

    settings: cell; runs of each group (5); rule: standard errors, standard deviations (bands of ±1 about the means that do not touch) or test (that of
    the claims, at 5 %); splits: so many random ones where there are more (20,000). The share is a U-statistic of degree 2·runs: its error is the
    jackknife's over the runs, of whose shares each is that of the splits without one of them (Efron & Stein 1981: on average no smaller than the truth), less
    what the draw of the splits adds to it (after Wager, Hastie & Efron 2014), and with the error that this draw has itself.
    """
    settings = _settings(number, cell=None, runs=5, rule=None, splits=20_000)
    rule = RULES.get(settings["rule"])
    if rule is None:
        raise UserError(f"number {number.name}: rule={settings['rule']}: one of {', '.join(RULES)}")
    (cell,) = cells_of(claim, settings["cell"])
    values, k = results.values(*cell, number.metric), settings["runs"]
    if len(values) <= 2 * k:
        raise IntegrityError(f"{number.name}: two groups of {k} need more than {len(values)} runs")
    chosen = _splits(len(values), k, settings["splits"])
    differ = rule(values[chosen[:, :k]], values[chosen[:, k:]])
    has = np.zeros((len(chosen), len(values)), dtype=bool)
    np.put_along_axis(has, chosen, True, axis=1)
    counts = differ.astype(float) @ has.astype(float)  # of the splits that differ, those with each run
    share, without = float(differ.mean()), (differ.sum() - counts) / (len(chosen) - has.sum(axis=0))
    n, is_all = len(values), len(chosen) < settings["splits"]
    squared = (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    if not is_all:
        drawn = share * (1 - share) / len(chosen)
        squared = max(squared - (n - 1) * drawn * 2 * k / (n - 2 * k), 0.0) + drawn
    method = f"{len(chosen):,} {'' if is_all else 'random '}splits, jackknife over {n} runs"
    return _by_t(100 * share, 100 * squared**0.5, number.nothing, n, method)


def _splits(n: int, k: int, most: int, seed: int = 0) -> np.ndarray:
    """Pairs of groups of k of n runs, [splits, 2k]: every one of them where they are fewer than `most`, else random ones."""
    if comb(n, 2 * k) * comb(2 * k, k) // 2 < most:
        drawn = []
        for both in combinations(range(n), 2 * k):
            first, *rest = both
            drawn += [[first, *one, *(run for run in rest if run not in one)] for one in combinations(rest, k - 1)]
        return np.array(drawn)
    return np.random.default_rng(seed).random((most, n)).argsort(axis=1)[:, : 2 * k]


def _bands(x: np.ndarray, y: np.ndarray, per: float) -> np.ndarray:
    """Whether bands of ±1 standard deviation / `per` about the means do not touch, [splits]; x, y: [splits, runs]."""
    return np.abs(x.mean(axis=1) - y.mean(axis=1)) > (x.std(axis=1, ddof=1) + y.std(axis=1, ddof=1)) / per


def _tested(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the claims' own test finds a difference, [splits]. That may only be where its t test does, which is reckoned for all splits at once."""
    k = x.shape[1]
    errors = [side.var(axis=1, ddof=1) / k for side in (x, y)]
    total = errors[0] + errors[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(x.mean(axis=1) - y.mean(axis=1))
        t = apart / np.sqrt(total)
        p = 2 * special.stdtr(total**2 * (k - 1) / (errors[0] ** 2 + errors[1] ** 2), -t)
    differ = np.zeros(len(x), dtype=bool)
    for split in np.flatnonzero(~(p > stats.ALPHA + 1e-9) & (apart > 0)):  # NaN too: runs that do not vary have no t
        differ[split] = contrast(Cells((x[split], y[split]), (1.0, -1.0), paired=False)).p <= stats.ALPHA
    return differ


RULES: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "standard errors": lambda x, y: _bands(x, y, x.shape[1] ** 0.5),
    "standard deviations": lambda x, y: _bands(x, y, 1.0),
    "test": _tested,
}


# ------------------------------------------------------------------------------------------------------- few runs of a suite


def median_over_iqm(results: Results, claim: Claim, number: Number) -> Estimate:
    """How many times the error of the median over tasks is that of the IQM, when only a few of the runs had been made.

    The error: root mean square distance of the aggregate of n runs of each task, drawn with replacement, from that of all runs; the geometric mean of the
    ratio over the arms and over n. settings: arms; runs: the n's; resamples of each (2000); outer (200): bootstrap samples of the runs of each task, from
    which all is reckoned again, whose spread of the logarithm is the error of the t interval. envs of the number: the tasks, all by default. Scores of the
    tasks have to be on one scale: they are those of the study's `normalise`, from random (0) to expert (1).
    """
    settings = _settings(number, arms=None, runs=None, resamples=2000, outer=200)
    scales, suites = claim.study().normalise or {}, []
    for arm in settings["arms"]:
        cells = cells_of(claim, arm, number.envs)
        if len(cells) < 2:
            raise UserError(f"number {number.name}: '{arm}' has {len(cells)} tasks: a median over tasks needs more")
        suites.append(np.stack([_on_scale(results.values(*cell, number.metric), scales, cell[1]) for cell in cells]))
    rng = np.random.default_rng(0)
    point = _log_ratio(suites, settings["runs"], settings["resamples"], rng)
    again = []
    for _ in range(settings["outer"]):
        drawn = [np.take_along_axis(suite, rng.integers(0, suite.shape[1], suite.shape), axis=1) for suite in suites]
        again.append(_log_ratio(drawn, settings["runs"], settings["resamples"], rng))
    n = suites[0].shape[1]
    found = _by_t(point, float(np.std(again, ddof=1)), float(np.log(number.nothing)), n, f"bootstrap of {n} runs of each task, {settings['outer']} samples")
    low, high, low90, high90 = np.exp([found.low, found.high, found.low90, found.high90]).tolist()
    return Estimate(float(np.exp(point)), low, high, low90, high90, found.p, found.method, n)


def _on_scale(values: np.ndarray, scales: Mapping[str, Mapping[str, Any]], env: str) -> np.ndarray:
    span = scales.get(env)
    if not span:
        raise UserError(f"{env} has no normalise, so its scores cannot stand beside those of other tasks")
    return (values - span["random"]) / (span["expert"] - span["random"])


def _log_ratio(suites: list[np.ndarray], sizes: list[int], resamples: int, rng: np.random.Generator) -> float:
    """Mean logarithm of error(median) / error(IQM) over suites [tasks, runs] and numbers of runs."""
    found = []
    for suite in suites:
        for n in sizes:
            drawn = np.take_along_axis(suite[None], rng.integers(0, suite.shape[1], (resamples, len(suite), n)), axis=2)  # [resamples, tasks, n]
            apart = [aggregate(drawn) - aggregate(suite[None]) for aggregate in (medians, iqms)]
            median, iqm = (float(np.mean(distance**2)) for distance in apart)
            found.append(0.5 * np.log(median / iqm) if median > 0 and iqm > 0 else float("nan"))
    return float(np.mean(found))


def medians(scores: np.ndarray) -> np.ndarray:
    """The median of the tasks' means, [resamples]; scores: [resamples, tasks, runs]. That of benchmarks.stats, of many samples at once."""
    return np.median(scores.mean(axis=2), axis=1)


def iqms(scores: np.ndarray) -> np.ndarray:
    """The mean of the middle half of all runs, [resamples]; scores: [resamples, tasks, runs]. That of benchmarks.stats, of many samples at once."""
    ordered = np.sort(scores.reshape(len(scores), -1), axis=1)
    cut = int(0.25 * ordered.shape[1])
    return ordered[:, cut : ordered.shape[1] - cut].mean(axis=1)


# ------------------------------------------------------------------------------------------------------------- one arm's runs


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


# ------------------------------------------------------------------------------------------------------------------- against a size
def slopes(results: Results, claim: Claim, number: Number) -> Estimate:
    """How steeply the metric rises, over how steeply another key of the same runs does: least squares of each seed, mean over mean, as in `quotient`.

    settings: {cells: {cell: x}, over: key}: each cell stands at its x.
    """
    at = {cell: float(x) for named, x in number.settings["cells"].items() for cell in cells_of(claim, named, number.envs)}
    x = np.array(list(at.values())) - np.mean(list(at.values()))
    of = lambda metric: (x / (x @ x)) @ np.array([results.values(*cell, metric) for cell in at])
    return estimates.ratio(of(number.metric), of(replace(number.metric, of=number.settings["over"])), True, number.nothing)


STATISTICS: dict[str, Statistic] = {
    "growth": growth,
    "median_over_iqm": median_over_iqm,
    "quotient": quotient,
    "slopes": slopes,
    "splits_that_differ": splits_that_differ,
}
