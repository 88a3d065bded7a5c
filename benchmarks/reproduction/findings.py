"""What a verification finds, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import HarnessError, IntegrityError, UserError
from benchmarks.running import launchers
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.studies.study import Study

MOST_NAMED = 5

Show = Callable[[launchers.Progress], None]


@dataclass(frozen=True)
class Finding:
    """One check and what came of it: "pass", "note" (passed, but read this), "unverified" (could not be made, so not passed) or "fail"."""

    level: int
    what: str
    state: str
    said: str


class Misuse(UserError):
    """A mistake of the verifier's, where other UserErrors are of the study that is verified."""


def judged(level: int, what: str, wrong: list[str], right: str) -> Finding:
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return Finding(level, what, "fail", "; ".join(wrong[:MOST_NAMED]) + more) if wrong else Finding(level, what, "pass", right)


def study_of(store: Store) -> Study:
    try:
        return store.study()
    except HarnessError:
        raise
    except Exception as error:  # YAML that no study was ever written as
        raise IntegrityError(f"{store.path}/study.yaml cannot be read ({type(error).__name__})") from None


def dictionary_at(path: Path) -> dict[str, Any]:
    """A JSON file's dictionary; empty where there is none to be read."""
    try:
        value = records.read_json(path)
    except IntegrityError:
        return {}
    return value if isinstance(value, dict) else {}
