"""What a reader should be careful with, said once: each caution with a mark and the places that it concerns, and at every place its marks."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.evidence.records import Caution, Group
from benchmarks.report.style import Figure, slug

VERDICT = "verdict"
OF_FIGURES = {  # end of a figure's key -> the part of the report, as judgements.PRINTED names it
    "aggregates": "aggregates", "curves-steps": "curves", "curves-seconds": "curves", "profile": "profiles", "comparisons": "comparisons",
    "ranks": "ranks", "leave-one-out": "leave_one_out", "thresholds": "thresholds",
}  # fmt: skip
OF_TABLES = {"per_task": "Differences task by task", "effects": "Tests and effect sizes", "areas": "Area under the curve"}


@dataclass(frozen=True)
class Place:
    """Where a caution applies."""

    key: str  # of the figure, table or verdict
    label: str
    anchor: str  # on the page, without the #


@dataclass
class Entry:
    """A line of the box."""

    n: int | None
    text: str
    mark: str = ""
    intervals: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    @property
    def lead(self) -> str:
        """What lines of the same calibration have in common: "n = 4: in calibration such an interval held the true value not 95 % of the time, but"."""
        begin, held, rest = self.text.partition(HELD)
        number, but, _ = rest.partition(", but ")
        return f"n = {self.n}: {begin}{held}{number}{but}".strip() if held and but else ""

    @property
    def said(self) -> str:
        """The rest of the line."""
        if self.lead:
            return self.text.partition(", but ")[2]
        return self.text if self.n is None else f"n = {self.n}: {self.text}"


HELD = "such an interval held the true value"


class Cautions:
    """All cautions of a page: those of one calibration together, in the order in which a reader comes to them."""

    def __init__(self) -> None:
        self._known: dict[tuple[int | None, str], Entry] = {}

    def add(self, cautions: Iterable[Caution], place: Place) -> None:
        for caution in cautions:
            entry = self._known.setdefault((caution.n, caution.text), Entry(caution.n, caution.text))
            entry.intervals += [name for name in caution.intervals if name not in entry.intervals]
            if place not in entry.places:
                entry.places.append(place)

    @cached_property
    def sections(self) -> dict[str, list[Entry]]:
        """Lines by what they have in common, each with its mark. To be asked for when all is added."""
        found: dict[str, list[Entry]] = {}
        for entry in self._known.values():
            found.setdefault(entry.lead, []).append(entry)
        for k, entry in enumerate(entry for entries in found.values() for entry in entries):
            entry.mark = _letters(k)
        return found

    def at(self, key: str) -> list[str]:
        """The marks of a figure, a table or a verdict."""
        return [entry.mark for entries in self.sections.values() for entry in entries if any(place.key == key for place in entry.places)]


def _letters(k: int) -> str:
    """a, b, …, z, aa, ab, …"""
    letters = ""
    k += 1
    while k:
        k, rest = divmod(k - 1, 26)
        letters = string.ascii_lowercase[rest] + letters
    return letters


def gathered(groups: list[tuple[Group, dict[str, list[Figure]], list[str]]]) -> Cautions:
    """Of each group, its figures by section and the names of its tables that are on the page (of OF_TABLES)."""
    found = Cautions()
    for group, figures, tables in groups:
        where = f" ({group.name})" if len(groups) > 1 else ""
        known, id = group.evidence, slug(group)
        said = [Caution([], None, sentence) for sentence in (*known.assumptions, *known.unequal_tuning)]
        place = Place(f"{id}-{VERDICT}", f"Verdict{where}", VERDICT)
        found.add([*known.cautions.get("verdict" if group.comparisons else "aggregates", []), *said], place)
        for figure in (figure for section in figures.values() for figure in section):
            what = OF_FIGURES.get(figure.key.removeprefix(f"{id}-"))
            place = Place(figure.key, f"{figure.title}{where}", figure.key)
            if what is not None:
                found.add(known.cautions.get(what, []), place)
        for figure, env in zip(figures["tasks"], (env for env in group.envs if any(e == env for _, e in group.cells)), strict=True):
            for of_cell in known.of_cells(env).values():
                found.add(of_cell.cautions, Place(figure.key, f"{figure.title}{where}", figure.key))
        for name in tables:
            tuning = [Caution([], None, sentence) for sentence in known.unequal_tuning] if name == "per_task" else []
            found.add([*known.cautions.get(name, []), *tuning], Place(f"{id}-{name}", f"{OF_TABLES[name]}{where}", f"{id}-{name}"))
    return found
