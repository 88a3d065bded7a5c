"""Data sets that tasks name: a task with one is for those who learn from data, and what else is compared there says so.

A task is an environment with a data set: `env: {Hopper-v5~medium: {dataset: hopper/medium-v0}}`. The study keeps the data set's name, its number of steps and
the hash of its arrays, so that a run says what it learnt from, and no other data set can take its place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from benchmarks import UserError
from from_scratch import registry
from from_scratch.core.datasets import BadDataset, Dataset, as_dataset


def described(name: Any, env: str) -> dict[str, Any]:
    """What a study keeps of the data set of a task: name, steps, hash. UserError if there is none of that name, or if it is broken."""
    data = _read(name, env)
    return {"name": name, "steps": len(data), "hash": data.hash}


def task_of(name: str) -> str:
    """The task of a data set that says its environment: Pendulum-v1~medium-v0 of pendulum/medium-v0. UserError if it does not say it."""
    env = _read(name, name).facts.get("env")
    if not isinstance(env, str):
        raise UserError(f"{name} does not say in which environment it was recorded: write a suite's file whose task names it, env.ENV~data.dataset={name}")
    return f"{env}{registry.VARIANT}{re.sub(r'[^A-Za-z0-9._+-]+', '-', name.rpartition('/')[2].removesuffix('.hdf5')).strip('-')}"


def arguments_of(name: str) -> dict[str, Any]:
    """Arguments of the environment in which a data set was recorded."""
    kwargs = _read(name, name).facts.get("env_kwargs")
    return dict(kwargs) if isinstance(kwargs, dict) else {}


def given(spec: Mapping[str, Any], env: str) -> Dataset | None:
    """The data set of a task, read; None where it has none. UserError if it is not the one that the study means."""
    wanted = spec.get("dataset")
    if not wanted:
        return None
    data = _read(wanted["name"], env)
    if data.hash != wanted["hash"]:
        raise UserError(f"{env}: the data set {wanted['name']} that is here has the hash {data.hash[:12]}, the study's has {wanted['hash'][:12]}: "
                        "the same name, other steps")  # fmt: skip
    return data


@functools.lru_cache(maxsize=4)
def _read(name: Any, env: str) -> Dataset:
    if not isinstance(name, str):
        raise UserError(f"env.{env}.dataset={name!r}: give a data set's name or path")
    try:
        return as_dataset(name)
    except BadDataset as error:
        raise UserError(f"{env}: {error}") from None


def references(name: str, env: str) -> dict[str, Any] | None:
    """The scores of a normalisation that a data set's maker measured, for an environment that has none: {random, expert, source}."""
    known = _read(name, env).facts.get("reference") or {}
    scores = {part: known[part].get("score") for part in ("random", "expert") if isinstance(known.get(part), dict)}
    if len(scores) < 2 or not all(isinstance(score, int | float) for score in scores.values()):
        return None
    return {**scores, "source": f"manifest of the data set {name}: a uniformly random policy, and its best policy"}


def refuse_mixtures(groups: list[dict[str, Any]], envs: Mapping[str, Mapping[str, Any]], protocol: Mapping[str, Any]) -> None:
    """UserError where a learner from data has none, or where steps of the environment would be compared with gradient steps in silence."""
    for group in groups:
        for env in group["envs"]:
            data = (envs[env] or {}).get("dataset")
            learners = {algo: registry.find(algo) for algo in group["algos"]}
            for algo, entry in learners.items():
                if entry.loop == "dataset" and not data:
                    way_out = f"env.{env}.dataset=NAME (sb3-course dataset list)"
                    raise UserError(f"{algo} learns from a data set, and {env} names none: {way_out}")
            players = ", ".join(algo for algo, entry in learners.items() if entry.loop not in ("dataset", "none"))
            if data and players and not protocol.get("mixed_budgets"):
                raise UserError(f"group {group['name']}: on {env}, {players} would count steps of the environment, and those who learn from the data set "
                                f"{data['name']} gradient steps: compare them apart, or say that you mean to: protocol.mixed_budgets=true")  # fmt: skip
