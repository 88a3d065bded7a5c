"""What papers claim of a study's algorithms, and what came of it here: the lines with which a report leads on to them.

Only the claims' files and the installed list of verdicts are read; `benchmarks.claims` knows more.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from benchmarks.configs import CONFIGS, VERDICTS, options
from from_scratch.registry import VARIANT, settings_of

SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML was built so: there are scores of files


@dataclass(frozen=True)
class Claimed:
    """A paper's claim about an algorithm of the study."""

    name: str
    title: str
    statement: str
    cite: str
    url: str
    verdict: str  # "not run yet" where none is installed


def of_algorithms(algos: Sequence[str]) -> list[Claimed]:
    """The claims in which one of these algorithms, or of those whose twins they are, is an arm; by name."""
    wanted = {settings_of(algo) for algo in algos}
    verdicts = _verdicts()
    found = []
    for name in options("claim"):
        said = _said(name)
        arms = {algo.partition(VARIANT)[0] for group in said["study"]["groups"] for algo in group["algos"]}
        if arms & wanted:
            paper = said["paper"]
            found.append(Claimed(name, said["title"], said["statement"], paper["cite"], paper["url"], verdicts.get(name, "not run yet")))
    return found


@functools.cache
def _said(name: str) -> dict[str, Any]:
    """A claim's file, which is read once."""
    return yaml.load((CONFIGS / "claim" / f"{name}.yaml").read_text(encoding="utf-8"), Loader=SAFE)


def _verdicts() -> dict[str, str]:
    with VERDICTS.open(encoding="utf-8", newline="") as file:
        return {row["claim"]: row["verdict"] for row in csv.DictReader(file)}
