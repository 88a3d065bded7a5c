"""A tracker, as far as a mirror needs it: whether it has a run, a run begun or continued under its own id, numbers at steps, files, an end.

    trackers(["wandb:my-project", "tensorboard:runs", "trackio", "mlflow:http://127.0.0.1:5000"])

Each kind is a module beside this one, imported when it is used. A run's id follows from what it is, so that a tracker which has it is not given it twice.
"""

from __future__ import annotations

import importlib
import numbers
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import UserError, first_line
from benchmarks.store.plain import one_line

PROJECT = "sb3-course"  # in which runs are mirrored, unless another is named
EXTRA = 'pip install -c constraints.txt -e ".[track]"'
SUMMARY = "final/"  # what the names of a run's final values begin with
FORMS = {  # kind -> how it is asked for
    "tensorboard": "tensorboard[:FOLDER]",
    "wandb": "wandb[:PROJECT or :ENTITY/PROJECT]",
    "trackio": "trackio[:PROJECT]",
    "mlflow": "mlflow:URI of a server",
}


@dataclass(frozen=True)
class Card:
    """What a tracker is told of a run besides its numbers. id: letters, digits and -, the same whenever it is the same run."""

    id: str
    name: str
    group: str  # study/algorithm/environment
    config: dict[str, Any]  # plain values, nested
    tags: tuple[str, ...] = ()
    notes: str = ""
    kind: str = "run"  # or "report"
    began: float | None = None  # seconds since 1970


class Tracked(ABC):
    """A run that is open in a tracker."""

    @property
    def resumed_at(self) -> int | None:
        """The last step that the tracker has of this run, of which no step can be told again; None: all can be."""
        return None

    @abstractmethod
    def log(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        """Numbers at a step, the steps in order. seconds: since the run began, where they were not recorded now."""

    @abstractmethod
    def finish(self, summary: Mapping[str, Any], status: str = "finished") -> None:
        """The end: final values, plain, under names that SUMMARY begins; status: "finished", "failed" or "interrupted"."""

    def attach(self, path: Path, kind: str) -> bool:
        """Keep a copy of a file; whether this tracker can. kind: "model" or "report"."""
        return False

    def abandon(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of a run that could not be told to its end."""


class Tracker(ABC):
    """A place where runs are mirrored."""

    kind: str

    @property
    @abstractmethod
    def place(self) -> str:
        """Where, in words, without what would let others in."""

    @property
    def then(self) -> str:
        """What shows or uploads what is there, as the end of a sentence."""
        return ""

    @abstractmethod
    def has(self, card: Card) -> bool:
        """Whether this run is there to its end."""

    @abstractmethod
    def open(self, card: Card, whole: bool = False) -> Tracked:
        """Begin this run, or go on with what is there of it. whole: it has ended and is told at once, so that where a tracker can, it is there whole or not."""


@dataclass
class Tolerant:
    """Trackers of which each is left alone once it failed: of that there is one line, and no exception.

    warn: what is done with such a line.
    """

    trackers: list[Tracker]
    warn: Any
    way_out: str = ""  # a sentence's end: how the mirror is made later
    failed: dict[str, str] = field(default_factory=dict)  # place -> why

    @property
    def working(self) -> list[Tracker]:
        return [tracker for tracker in self.trackers if tracker.place not in self.failed]

    def give_up(self, tracker: Tracker, error: BaseException) -> None:
        why = error if isinstance(error, UserError) else f"{type(error).__name__}: {first_line(error)}"
        self.failed[tracker.place] = without_secrets(str(why))
        self.warn(one_line(f"Not mirrored to {tracker.place}: {shortened(self.failed[tracker.place])}{self.way_out}"))


def trackers(words: Iterable[str]) -> list[Tracker]:
    """The trackers that are asked for, such as `wandb:my-project`. UserError for a word that means none; nothing is imported of theirs yet."""
    found: list[Tracker] = []
    for word in words:
        kind, _, rest = word.partition(":")
        if kind not in FORMS:
            raise UserError(f"--track {without_secrets(word)}: there are {', '.join(FORMS.values())}")
        made = importlib.import_module(f"benchmarks.tracking.to_{kind}").tracker(rest)
        if all(made.place != other.place for other in found):
            found.append(made)
    return found


def group_name(*words: str) -> str:
    """study/algorithm/environment: each a name of a folder, whatever a study calls them."""
    return "/".join(re.sub(r"[^\w.+-]", "_", word).strip(".") or "_" for word in words)


def needs(package: str) -> Any:
    """A tracker's package, imported. UserError where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(f"{package} cannot be imported ({first_line(error)}): {EXTRA}") from None


def shortened(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def without_secrets(text: str) -> str:
    """The text without names and passwords in its addresses, and without queries, which may hold tokens."""
    return re.sub(r"(\w+://)[^/\s]*@", r"\1", re.sub(r"\?[\w%.-]+=\S*", "", text))


def numeric(values: Mapping[str, Any]) -> dict[str, float]:
    """What of these values is a number, as one."""
    return {key: float(value) for key, value in values.items() if isinstance(value, numbers.Real)}


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested plain values under dotted names; lists, and None, as text."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{name}.")
        else:
            found[name] = value if isinstance(value, str | int | float | bool) else str(value)
    return found
