"""A study as marl-eval's JSON (benchmarks.stats.marl_eval): each group an environment, each environment a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import IncompleteData
from benchmarks.stats.marl_eval import run_of, step_of
from benchmarks.store.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.studies.study import Study

METRIC = "episode_return"


def document(study: Study, runs: pd.DataFrame, curves: pd.DataFrame) -> tuple[dict[str, Any], list[str]]:
    """The finished runs, and what must be known of them: the cells that marl-eval's own tools refuse, which need as many runs and steps in all.

    absolute_metrics are the run's last score, as in the report: no checkpoint is chosen for its score.
    """
    finished = runs[runs["status"] == "finished"]
    if not len(finished):
        raise IncompleteData("no run has finished: there is nothing to write")
    of_run = {key: curve.sort_values("step") for key, curve in curves.groupby(["algo", "env", "seed"])}
    several = len(study.groups) > 1
    made: dict[str, Any] = {}
    shapes: dict[str, set[tuple[int, tuple[int, ...]]]] = {}
    for (group, env, algo), cell in finished.groupby(["group", "env", "algo"], sort=False):
        name = f"{study.name}: {group}" if several else study.name
        logged = {}
        for seed in sorted(cell["seed"]):
            curve = of_run[algo, env, seed]
            steps = [step_of(step, METRIC, score, seconds) for step, score, seconds in zip(curve["step"], curve["score"], curve["seconds"], strict=True)]
            logged[f"seed_{seed}"] = run_of(steps, METRIC, curve["score"].iloc[-1])
        made.setdefault(name, {}).setdefault(env, {})[algo] = logged
        shapes.setdefault(name, set()).add((len(logged), tuple(sorted({len(run) - 1 for run in logged.values()}))))
    notes = [f"{name}: its algorithms and tasks have {_several({n for n, _ in found})} runs of {_several({k for _, ks in found for k in ks})} steps; "
             "marl-eval's own tools want as many in all" for name, found in shapes.items() if len(found) > 1]  # fmt: skip
    return made, notes


def _several(numbers: set[int]) -> str:
    return " or ".join(map(str, sorted(numbers)))


def write(path: Path, study: Study, runs: pd.DataFrame, curves: pd.DataFrame) -> list[str]:
    """`document` to a file, whole or not at all; its notes."""
    made, notes = document(study, runs, curves)
    write_whole(path, json.dumps(made, indent=1) + "\n")
    return notes
