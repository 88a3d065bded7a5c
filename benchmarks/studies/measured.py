"""What may be measured of models while they train, beyond their scores: overestimation, the variance of a gradient, how often an action is taken.

A study names measures in `protocol.measures`; a measure is a class of `benchmarks.measures`, one per file, whose file decides the version of the runs it is
taken of. Its values stand in training.parquet, at every checkpoint, under `measure/NAME`.
"""

from __future__ import annotations

import difflib
import importlib

from benchmarks import UserError

WHERE = "benchmarks.measures"
MEASURES: dict[str, str] = {  # name -> "module:Class" within it
    "asked_return": "asked_return:AskedReturn",
    "continuity_cost": "continuity_cost:ContinuityCost",
    "expected_gap": "expected_gap:ExpectedGap",
    "gradient_variance": "gradient_variance:GradientVariance",
    "greedy_policy": "greedy_policy:GreedyPolicy",
    "idle_cores": "idle_cores:IdleCores",
    "left_share": "left_share:LeftShare",
    "objective": "objective:Objective",
    "overestimation": "overestimation:Overestimation",
    "processor_seconds": "processor_seconds:ProcessorSeconds",
    "q_error": "q_error:QError",
    "q_gap": "q_gap:QGap",
    "regret": "regret:Regret",
    "return_distribution": "return_distribution:ReturnDistribution",
    "sine_gap": "sine_gap:SineGap",
    "shifted_score": "shifted_score:ShiftedScore",
    "soft_overestimation": "soft_overestimation:SoftOverestimation",
    "state_value_bias": "value_bias:StateValueBias",
    "success_rate": "success_rate:SuccessRate",
    "unscaled_score": "unscaled_score:UnscaledScore",
    "updates_to_exact": "updates_to_exact:UpdatesToExact",
    "value_bias": "value_bias:ValueBias",
}


def named(name: str) -> type:
    """The measure of this name, a `benchmarks.measures.measure.Measure`, imported now."""
    return getattr(importlib.import_module(module_of(name)), MEASURES[name].partition(":")[2])


def module_of(name: str) -> str:
    """The module in which a measure is written. UserError, with the nearest name, where there is no such measure."""
    if name not in MEASURES:
        near = difflib.get_close_matches(name, MEASURES, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(MEASURES) or 'none'}"
        raise UserError(f"unknown measure '{name}': {hint}")
    return f"{WHERE}.{MEASURES[name].partition(':')[0]}"
