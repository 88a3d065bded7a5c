"""Whether a data set is what its manifest says: its steps as they lie (level 1), and the same steps made again (level 2)."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.making import made, packages, silent
from benchmarks.datasets.recipes import recipes, recorded
from benchmarks.datasets.training import Show
from benchmarks.studies import provenance
from from_scratch.core.datasets import Dataset, as_dataset

LEVELS = {1: "its steps", 2: "its steps, made again"}


@dataclass(frozen=True)
class Finding:
    """state: pass, fail, or unverified, for what could not be decided here."""

    level: int
    what: str
    state: str
    said: str


def check(source: str, level: int = 2, show: Show = silent) -> list[Finding]:
    """What was found, level after level. BadDataset if there is no such data set, or its steps are not those of its manifest."""
    data = as_dataset(source)  # which compares the hash
    if "hash" not in data.facts:
        return [Finding(1, "steps", "unverified", f"{data.name} has no manifest that says what they should be")]
    findings = [Finding(1, "steps", "pass", f"{len(data)} steps with the hash {data.hash[:12]}… that the manifest says")]
    findings += _as_recorded(data)
    return findings if level < 2 else [*findings, *_again(data, show)]


def _as_recorded(data: Dataset) -> list[Finding]:
    """Is it the one that results were published on?"""
    said = recorded().get(data.name)
    if said is None:
        return []
    with_what = f"at commit {said['commit'][:12]} ({said['machine']}; {', '.join(f'{name} {version}' for name, version in said['packages'].items())})"
    if said["hash"] == data.hash:
        return [Finding(1, "as recorded", "pass", f"the steps that this name has had since they were made {with_what}")]
    other = f"other steps than those made {with_what}, whose hash is {said['hash'][:12]}…: results on those are of another data set"
    return [Finding(1, "as recorded", "unverified", other)]


def _again(data: Dataset, show: Show) -> list[Finding]:
    recipe, said = recipes().get(data.name), data.facts.get("recipe") or {}
    if recipe is None:
        return [Finding(2, "recipe", "unverified", f"{data.name} is none of ours: there is no recipe to make it again by")]
    if said.get("hash") != recipe.digest:
        return [Finding(2, "recipe", "unverified", "it was made by another recipe than the one that is here: try it with the code of its commit")]
    with tempfile.TemporaryDirectory() as place:
        again = made(recipe, Path(place), show)
    if again.hash == data.hash:
        return [Finding(2, "made again", "pass", f"the same {len(again)} steps, to the bit")]
    here = {"machine": provenance.machine(), "packages": packages(recipe)}
    others = [part for part, value in here.items() if data.facts.get(part) != value]
    if others:
        said_here = f"other steps ({again.hash[:12]}…), but here are other {' and '.join(others)}: only the same kind of place decides"
        return [Finding(2, "made again", "unverified", said_here)]
    return [Finding(2, "made again", "fail", f"other steps: the hash is {again.hash[:12]}…, not {data.hash[:12]}…")]
