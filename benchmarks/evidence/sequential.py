"""Sequential studies: seeds in batches until the comparisons are decided, or the stated maximum is reached (`compare --sequential`).

study.sequential = {maximum: seeds, batch: seeds, alpha, reps, seed} is part of the study, fixed before its first run;
study.seeds holds the seeds used so far. The decisions are computed from the stored scores, here, whenever they are needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import IncompleteData, UserError, stats
from benchmarks.stats.sequential import Decision, SequentialTest
from benchmarks.studies.study import Study

DEFAULT_BATCH = 5


def settings(seeds: list[int], batch: int) -> dict[str, Any]:
    """What a study with these seeds at most, in batches of so many, declares. UserError if that is no sequence."""
    if not 2 <= batch < len(seeds):
        raise UserError(f"--batch {batch} of --seeds {len(seeds)}: a batch needs at least 2 seeds, and fewer than the maximum")
    return {"maximum": seeds, "batch": batch, "alpha": 0.05, "reps": 10_000, "seed": 0}


def _rule(study: Study) -> dict[str, Any]:
    assert study.sequential is not None, "asked of sequential studies only"
    return study.sequential


def batches(study: Study) -> list[list[int]]:
    """The seeds of each look, as planned."""
    how = _rule(study)
    seeds, size = how["maximum"], how["batch"]
    return [seeds[k : k + size] for k in range(0, len(seeds), size)]


def hypotheses(study: Study) -> dict[str, tuple[str, str, list[str], bool]]:
    """Name -> (x, y, environments, whether they share a scale): a pair over all tasks of its group, or task by task where those share no unit."""
    found = {}
    for group in study.groups:
        references = [(study.normalise or {}).get(env) or {} for env in group["envs"]]
        shared = all(ref.get("random") is not None and ref.get("expert") is not None for ref in references)
        for x, y in group["comparisons"]:
            if shared or len(group["envs"]) == 1:
                found[f"{group['name']}: {x} against {y}"] = (x, y, list(group["envs"]), shared)
            else:
                found |= {f"{group['name']}: {x} against {y} on {env}": (x, y, [env], False) for env in group["envs"]}
    if not found:
        raise UserError("a sequential study needs comparisons: name at least two algorithms")
    return found


def decide(study: Study, curves: pd.DataFrame) -> SequentialTest:
    """The test after all looks that the study's seeds allow. IncompleteData where a run of such a batch has no score."""
    how, asked = _rule(study), hypotheses(study)
    paired = bool((study.statistics or {}).get("paired"))  # the runs of a seed then change sides together
    try:
        test = SequentialTest(list(asked), len(batches(study)), how["alpha"], how["reps"], how["seed"], paired)
    except ValueError as error:  # such as too few permutations for its alpha
        raise UserError(f"the study's sequence: {error}") from None
    last = curves.sort_values("step").groupby(["algo", "env", "seed"])["score"].last()
    for seeds in batches(study):
        if test.is_finished or not set(seeds) <= set(study.seeds):
            break
        batch = {}
        for name in test.open:
            x, y, envs, shared = asked[name]
            sides = []
            for algo in (x, y):
                lost = [(env, seed) for env in envs for seed in seeds if (algo, env, seed) not in last.index]
                if lost:
                    raise IncompleteData(f"{algo} on {lost[0][0]}, seed {lost[0][1]} has no score: a sequential comparison needs whole batches "
                                         "(sb3-course retry runs failed and missing runs again)")
                sides.append([_in_unit(study, env, np.array([last[algo, env, seed] for seed in seeds]), shared) for env in envs])
            batch[name] = (stats.BySeed(sides[0], [seeds] * len(envs)), stats.BySeed(sides[1], [seeds] * len(envs)))
        test.look(batch)
    return test


def _in_unit(study: Study, env: str, scores: np.ndarray, shared: bool) -> np.ndarray:
    if not shared:
        return scores
    reference = (study.normalise or {})[env]
    return (scores - reference["random"]) / (reference["expert"] - reference["random"])


def described(name: str, decision: Decision, test: SequentialTest, study: Study) -> str:
    """One comparison's state in words."""
    used = sum(len(seeds) for seeds in batches(study)[: decision.look or test.taken])
    if decision.look:
        return f"{name}: {decision.verdict}, decided at look {decision.look} of {test.looks} ({used} seeds each)"
    state = "undecided at the stated maximum" if test.taken == test.looks else f"undecided after look {test.taken} of {test.looks}"
    return f"{name}: {state} ({used} seeds each)"


def error_per_study(study: Study) -> str:
    how = _rule(study)
    looks = math.ceil(len(how["maximum"]) / how["batch"])
    return f"at most {len(how['maximum'])} seeds in {looks} batches of {how['batch']}; error of any false difference at any look at most {how['alpha']:g}"
