"""The data sets that a study's runs learnt from: are they here, with the steps that the study means? Whoever has others can train none of its runs again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from benchmarks import UserError
from benchmarks.reproduction.findings import Finding
from benchmarks.studies import recorded
from benchmarks.studies.study import Study

WHAT = "data set "  # and its name: what such a finding is called


def data_sets(level: int, study: Study, envs: Collection[str]) -> tuple[list[Finding], set[str]]:
    """What is found of each data set of these tasks, and the tasks whose data set is not here: that nobody can train their runs again is no fault of theirs."""
    found: dict[str, Finding] = {}
    absent = set()
    for env in study.envs:
        said: dict[str, Any] = study.envs[env].get("dataset") or {}
        if not said or env not in envs:
            continue
        try:
            recorded.given(study.envs[env], env)
            finding = Finding(level, f"{WHAT}{said['name']}", "pass", f"{said['steps']} steps with the study's hash, {said['hash'][:12]}")
        except UserError as error:
            finding = Finding(level, f"{WHAT}{said['name']}", "unverified", f"{str(error).rstrip('.')}; runs that learn from it are not trained again")
            absent.add(env)
        found.setdefault(said["name"], finding)
    return list(found.values()), absent
