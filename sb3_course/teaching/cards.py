"""Paper cards: reading/cards/NAME.yaml, one for each paper. Title and authors come from the bibliography of the reports, equations from the source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.report import citations
from sb3_course.teaching.course import HERE, read_yaml
from sb3_course.teaching.lesson import source_at

FOLDER = HERE / "reading" / "cards"


@dataclass(frozen=True)
class Card:
    name: str
    facts: dict[str, Any]

    @property
    def algorithms(self) -> list[str]:
        """The registry's ids of those that the paper is about."""
        return list(self.facts["algorithms"])

    @cached_property
    def paper(self) -> dict[str, str]:
        """title, author, year, and eprint or doi, as the reports' bibliography has them. KeyError if it does not know the paper."""
        found = citations.fields(citations.entries()[self.facts["cite"]])
        return {name: value.replace("{", "").replace("}", "") for name, value in found.items()}

    @property
    def address(self) -> str | None:
        """Where it can be read; None of a paper that the bibliography knows no place of."""
        if "arxiv" in self.facts:
            return f"https://arxiv.org/abs/{self.facts['arxiv']}"
        return f"https://doi.org/{self.facts['doi']}" if "doi" in self.facts else self.facts.get("url")

    def lines(self) -> list[tuple[str, str]]:
        """The lines of our source that stand for its equations: where they are, and what they say. LookupError if one is gone."""
        found = []
        for equation in self.facts["equation"]:
            lines = [line.strip() for line in source_at(equation["show"]).splitlines() if equation["line"] in line]
            if not lines:
                raise LookupError(f"card {self.name}: {equation['show']} has no line with '{equation['line']}' any more")
            found.append((equation["show"], lines[0]))
        return found


def cards() -> dict[str, Card]:
    return {path.stem: Card(path.stem, read_yaml(path)) for path in sorted(FOLDER.glob("*.yaml"))}
