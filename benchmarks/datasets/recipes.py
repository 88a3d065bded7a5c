"""Which data sets of ours there are, and how each is made: recipes.yaml, read."""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import UserError

FILE = Path(__file__).with_name("recipes.yaml")
RECORDED = Path(__file__).with_name("recorded.yaml")
OF_TRAINING = ("env", "env_kwargs", "algorithm", "seed", "hyperparameters", "steps", "checkpoints", "picking", "medium", "scores")


@dataclass(frozen=True)
class Recipe:
    """One data set's: what its family says, and what it says itself."""

    family: str
    set: str
    of_family: dict[str, Any]
    own: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.family}/{self.set}"

    @property
    def env(self) -> str:
        return self.of_family["env"]

    @property
    def env_kwargs(self) -> dict[str, Any]:
        return dict(self.of_family.get("env_kwargs") or {})

    @property
    def is_packed(self) -> bool:
        """Whether it is small enough to come with the library."""
        return bool(self.of_family.get("packed"))

    @property
    def training(self) -> dict[str, Any]:
        """What of the family's recipe decides its models; none where it trains nothing."""
        return {key: self.of_family[key] for key in OF_TRAINING if key in self.of_family} if "algorithm" in self.of_family else {}

    @property
    def digest(self) -> str:
        """Of all that decides its steps."""
        return digest({"family": {key: value for key, value in self.of_family.items() if key not in ("about", "packed")}, "set": self.own})

    @property
    def parts(self) -> list[str]:
        """Names of the data sets that it joins."""
        return [f"{self.family}/{part}" for part in self.own.get("join", ())]


def digest(said: dict[str, Any]) -> str:
    """sha256 of what a recipe says, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@functools.cache
def recipes() -> dict[str, Recipe]:
    """All of them by name, each behind those that it is made of."""
    found = {}
    for family, said in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        of_family = {key: value for key, value in said.items() if key != "sets"}
        for name, own in said["sets"].items():
            recipe = Recipe(family, name, of_family, own)
            found[recipe.name] = recipe
    return found


@functools.cache
def recorded() -> dict[str, dict[str, Any]]:
    """What was made of those that do not come with the library, by name: steps, hash, and with what (commit, machine, packages)."""
    families = yaml.safe_load(RECORDED.read_text(encoding="utf-8"))
    return {f"{family}/{name}": {**said, **own} for family, said in families.items() for name, own in said["sets"].items()}


def find(name: str) -> Recipe:
    """UserError for a name that is none, with the nearest that is."""
    known = recipes()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise UserError(f"there is no recipe for {name}: {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(known)}")
    return known[name]


def chosen(names: list[str]) -> list[Recipe]:
    """Those of these names, of these families, or `all`, each once and in the file's order."""
    known, wanted = recipes(), set()
    for name in names:
        of_family = [recipe.name for recipe in known.values() if name in ("all", recipe.family)]
        wanted |= set(of_family or [find(name).name])
    return [recipe for recipe in known.values() if recipe.name in wanted]
