"""Where a line of the syllabi, a sentence or an error is taken up: "exercise planners", "lesson m04 Control", "algorithm ppo", "claim gae-lambda", …

A home is there, or planned (then it is coming), or a mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sb3_course.teaching import percent, reading
from sb3_course.teaching.course import HERE, Course, read_yaml
from sb3_course.teaching.plan import ROOT, Task

EXHIBITS, LEDGER, CARDS, SYLLABUS = HERE / "exhibits.py", HERE / "ledger.yaml", HERE / "reading" / "cards", HERE / "syllabus.md"
LINE = re.compile(r"^- `(s\d-\w+)` \*(summary|quoted)\*: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Home:
    kind: str
    name: str
    section: str = ""  # of a lesson: words of its title

    @classmethod
    def of(cls, text: str) -> Home:
        kind, _, rest = text.partition(" ")
        name, _, section = rest.partition(" ")
        return cls(kind, name, section)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.name, self.section)))

    def is_there(self, course: Course) -> bool:
        """Whether it exists; ValueError if it is neither there nor planned."""
        found = self._found(course)
        if not found and not self._is_planned(course):
            raise ValueError(f"'{self}' is neither there nor planned: see `planned` in course.yaml")
        return found

    def _found(self, course: Course) -> bool:
        name = self.name
        match self.kind:
            case "lesson":
                path = course.modules[name].lesson
                if path and self.section and self.title(course) is None:
                    raise ValueError(f"lesson {name} has no section '{self.section}'")
                return path is not None
            case "module":
                return course.modules[name].folder is not None
            case "quiz":
                return bool(course.modules[name].quiz)
            case "exercise" | "hunt":
                return name in course.exercises
            case "proof":
                return name in course.proofs
            case "figure" | "study":
                return Task(self.kind, name, 0).is_there(course)
            case "path":
                return name in course.paths
            case "calendar":
                return (course.folder / "calendar" / f"{name}.yaml").is_file()
            case "notebook":
                return any((course.folder / "notebooks").glob(f"*_{name}.ipynb"))
            case "exhibit":
                return name in exhibits()
            case "ledger":
                return name in ledger()
            case "card":
                return (CARDS / f"{name}.yaml").is_file()
            case "reading":
                return name in reading.PAGES
            case "capstone":
                return (course.folder / "capstones" / name / "brief.md").is_file()
            case "claim":
                return (ROOT / "results" / "claims" / name / "verdict.json").is_file()
            case "track":
                return name in course.tracks
            case "algorithm":
                from from_scratch import registry

                return name in registry.ENTRIES
            case "wrong":
                exercise, _, file = name.partition("/")
                return exercise in course.exercises and (course.exercises[exercise].folder / "wrong" / f"{file}.py").is_file()
            case "test":
                file, _, function = name.partition("::")
                path = ROOT / "tests" / file
                return path.is_file() and f"\ndef {function}(" in path.read_text(encoding="utf-8")
            case "command":
                return (course.folder / "commands" / f"{name}.py").is_file()
            case "page":
                return (ROOT / "docs" / f"{name}.md").is_file()
        return False

    def _is_planned(self, course: Course) -> bool:
        if self.kind in ("lesson", "module", "quiz"):
            return True  # of a module that course.yaml has
        if self.kind == "exercise":
            return self.name in course.planned
        return self.name in [str(name) for name in course.facts["planned"].get(self.kind, ())]

    def title(self, course: Course) -> str | None:
        """Of a lesson's section: its whole title, where there is one with these words."""
        path = course.modules[self.name].lesson
        titles = [part.title for part in percent.sections(path)] if path else []
        return next((title for title in titles if self.section.lower() in title.lower()), None)


def lines() -> dict[str, tuple[str, str]]:
    """The lines of the syllabi by their names: "summary" or "quoted", and the words."""
    return {name: (mark, words) for name, mark, words in LINE.findall(SYLLABUS.read_text(encoding="utf-8"))}


def ledger() -> dict[str, dict[str, Any]]:
    """The syllabi's own claims and what became of them."""
    return read_yaml(LEDGER) if LEDGER.is_file() else {}


VERDICTS = ("holds", "holds in part", "does not hold", "not tested", "coming")  # on what a syllabus says


def exhibits() -> dict[str, str]:
    """The errors that are shown: "E1" -> the title of its section."""
    if not EXHIBITS.is_file():
        return {}
    titles = [part.title for part in percent.sections(EXHIBITS)]
    return {title.partition(".")[0]: title for title in titles if re.match(r"E\d+\. ", title)}
