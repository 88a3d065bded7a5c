"""Which hyper-parameters decided: Optuna's PED-ANOVA over the trials that have a score, with intervals over resampled trials.

PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv:2304.10255) asks how differently a hyper-parameter is distributed among the best trials and among all. Trials
that a sampler drew are no experiment: where it looked little, little is known, and the intervals say only what other trials of the same kind could have said.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.tuning import samplers
from benchmarks.tuning.record import Record
from benchmarks.tuning.tuning import Tuning

LEAST = 10  # trials with a score
REPS, SEED, LEVEL = 200, 0, 0.95


@dataclass(frozen=True)
class Importance:
    """Of a hyper-parameter: its share, all shares being 1 together, with the percentile interval over resampled trials."""

    name: str
    share: float
    low: float
    high: float


def importances(asked: Tuning, found: Record) -> tuple[list[Importance], str]:
    """(importances, the greatest first; why there are none, or nothing)."""
    trials = [one for one in found.complete if set(one["drawn"]) >= {p.name for p in asked.drawn_from if p.is_drawn}]
    if len(trials) < LEAST:
        return [], f"importances need {LEAST} trials with a score; there are {len(trials)}"
    try:
        point = _shares(asked, trials)
    except UserError as error:
        return [], str(error)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        return [], f"Optuna has no importances of these trials: {str(error)[:200]}"
    rng = np.random.Generator(np.random.PCG64(SEED))
    again: list[dict[str, float]] = []
    for _ in range(REPS):
        sample = [trials[k] for k in rng.integers(len(trials), size=len(trials))]
        try:
            again.append(_shares(asked, sample))
        except (ValueError, RuntimeError, ZeroDivisionError):  # a sample in which nothing differs
            continue
    tail = 100 * (1 - LEVEL) / 2
    rows = []
    for name, share in point.items():
        values = [shares.get(name, 0.0) for shares in again] or [share]
        low, high = np.percentile(values, [tail, 100 - tail])
        rows.append(Importance(name, share, float(low), float(high)))
    return sorted(rows, key=lambda row: -row.share), ""


def _shares(asked: Tuning, trials: Sequence[dict[str, Any]]) -> dict[str, float]:
    from benchmarks.tuning.search import distributions

    optuna = samplers.optuna()
    own = distributions(asked)
    study = optuna.create_study(direction="maximize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = [{name: one["drawn"][name] for name in own} for one in trials]
        study.add_trials([optuna.trial.create_trial(params=p, distributions=own, value=one["value"]) for p, one in zip(params, trials, strict=True)])
        return dict(optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()))
