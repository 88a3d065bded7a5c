"""Making a data set: its models, its steps, and a manifest that says how they came to be."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks.datasets import tables, training
from benchmarks.datasets.recipes import Recipe, find
from benchmarks.datasets.training import Show
from benchmarks.studies import environments, provenance
from from_scratch.core.datasets import Dataset, places, record

LICENCE = "MIT, as the library"


def silent(what: str, done: int, total: int) -> None:
    """Tells nothing."""


def place_of(recipe: Recipe, out: Path, pack: bool = False) -> Path:
    """Where it is made: a folder in Minari's form, or one packed file."""
    return out / places.packed_name(recipe.name) if pack else out / recipe.name


def make(recipe: Recipe, out: Path | None = None, pack: bool = False, show: Show = silent) -> Path:
    """The folder (or packed file) of this data set, made unless it is there. Models are kept in .models of the library's folder, for the family's other sets.

    UserError where an environment's package is not installed.
    """
    path = place_of(recipe, places.cache() if out is None else out, pack)
    if not os.path.lexists(path):
        data = made(recipe, places.cache(), show)
        places.write(data, path, joined=recipe.parts if pack else None)
    return path


def made(recipe: Recipe, root: Path, show: Show = silent) -> Dataset:
    """The data set, made now, with its manifest as `facts`. root: where models are kept."""

    def of(**more: Any) -> gym.Env:
        return environments.make_env(recipe.env, {"kwargs": {**recipe.env_kwargs, **more}}, monitor=False)

    facts: dict[str, Any] = {"env": recipe.env, "env_kwargs": recipe.env_kwargs, "description": f"{recipe.env}, {recipe.of_family['about']}"}
    if recipe.training:
        data, more = _played(recipe, root, of, show)
    else:
        data, more = tables.play(recipe, of), {**tables.exact(of(), recipe), "behaviour": {"algorithm": "table", **recipe.own}}
    facts |= {
        **more, "recipe": {"family": recipe.of_family, "set": recipe.own, "hash": recipe.digest},
        "source": training.source(), "machine": provenance.machine(), "packages": packages(recipe), "licence": LICENCE,
    }  # fmt: skip
    return dataclasses.replace(data, name=recipe.name, facts=facts)


def packages(recipe: Recipe) -> dict[str, Any]:
    """The packages that decide a data set's steps, by their versions: those of every study, and the simulator of its environment."""
    entry_point = str(gym.spec(recipe.env).entry_point)
    simulator = {"mujoco": importlib.metadata.version("mujoco")} if ".mujoco." in entry_point else {}
    return {**provenance.packages()["main"], **simulator}


def _played(recipe: Recipe, root: Path, of: Callable[..., gym.Env], show: Show) -> tuple[Dataset, dict[str, Any]]:
    """The steps of a trained family's set, and what is to be said of them."""
    models, own = training.models(recipe, root, of, show), recipe.own
    trained = {key: recipe.training[key] for key in ("algorithm", "seed", "hyperparameters")}
    said: dict[str, Any] = {"reference": models.facts["reference"], "trained_at": models.facts["source"]}
    if recipe.parts:
        first, *others = [made(find(part), root, show) for part in recipe.parts]
        return sum(others, first), {**said, "behaviour": {**trained, "joined": recipe.parts}}
    if "replay" in own:
        return models.replay(), {**said, "behaviour": {**trained, "replay": f"all steps of training until step {models.facts['trained_for']['medium']}"}}
    env = of()
    env.action_space.seed(own["seed"])
    rng, epsilon = np.random.default_rng(own["seed"]), own.get("epsilon", 0.0)
    if own["by"] == "random":
        random = {"algorithm": "random", "seed": own["seed"]}
        return record(env, lambda obs: env.action_space.sample(), own["steps"], own["seed"]), {**said, "behaviour": random}
    model = models.load(own["by"])
    model.set_random_seed(own["seed"])
    done = 0

    def act(obs: Any) -> Any:
        nonlocal done
        done += 1
        if done % 1000 == 0:
            show(f"playing {recipe.name}", done, own["steps"])
        return env.action_space.sample() if epsilon and rng.random() < epsilon else model.predict(obs, deterministic=bool(epsilon))[0]

    data = record(env, act, own["steps"], own["seed"])
    policy = {"model": own["by"], "trained_for": models.facts["trained_for"][own["by"]], "weights": models.facts["weights"][own["by"]]}
    how = {"epsilon": epsilon, "deterministic": True} if epsilon else {"deterministic": False}
    return data, {**said, "behaviour": {**trained, **policy, **how, "seed_of_play": own["seed"]}}


