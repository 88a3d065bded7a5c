"""What there is to learn, read from the folders of the modules: course.yaml, and in each module module.yaml, exercises/NAME/exercise.yaml, quiz.yaml.

Everything is read when it is first asked for, so that a listing costs milliseconds.
"""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from benchmarks import UserError

HERE = Path(__file__).parent.parent
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast

# An extra -> a module that it brings, by which its absence is seen without importing anything.
BROUGHT = {"atari": "ale_py", "box2d": "Box2D", "grid": "minigrid", "marl": "pettingzoo", "minatar": "minatar", "mujoco": "mujoco", "notebook": "ipykernel",
           "offline": "minari", "video": "moviepy"}  # fmt: skip


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_bytes(), _Loader)


def missing(extras: list[str]) -> list[str]:
    """Those of the extras that are not installed."""
    return [extra for extra in extras if importlib.util.find_spec(BROUGHT[extra]) is None]


@dataclass(frozen=True)
class Exercise:
    name: str
    module: str  # "m03"
    folder: Path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """exercise.yaml: title, task, minutes, difficulty, functions, and what else docs/writing_lessons.md names."""
        return read_yaml(self.folder / "exercise.yaml")

    @property
    def title(self) -> str:
        return self.facts["title"]

    @property
    def functions(self) -> list[str]:
        """What the learner writes, in the order in which it is checked."""
        return list(self.facts["functions"])

    @property
    def extras(self) -> list[str]:
        return list(self.facts.get("extras", ()))

    @property
    def time_limit(self) -> float:
        """Seconds that a check may take; `slow_time_limit` is that of one with --slow."""
        return float(self.facts.get("time_limit", 20))

    @property
    def slow_time_limit(self) -> float:
        return float(self.facts.get("slow_time_limit", 1800))

    @property
    def memory_limit(self) -> int:
        """Megabytes that the learner's code may take beyond what the check itself does."""
        return int(self.facts.get("memory_limit", 1024))

    @property
    def endless(self) -> dict[str, str]:
        """A probe (a function of check.py) -> the wrong answer, a file of wrong/ without .py, that is the usual cause if it does not end."""
        return dict(self.facts.get("endless", {}))

    @property
    def stub(self) -> Path:
        return self.folder / "stub.py"

    @property
    def solution(self) -> Path:
        return self.folder / "solution.py"

    @property
    def symptom(self) -> str:
        """Of a hunt: what is seen."""
        path = self.folder / "symptom.md"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def wrong(self) -> list[Path]:
        return sorted((self.folder / "wrong").glob("*.py"))

    @cached_property
    def hints(self) -> list[str]:
        """hints.md: four, from a question to the line in words, each under a heading of its own."""
        parts = ("\n" + (self.folder / "hints.md").read_text(encoding="utf-8")).split("\n## ")[1:]
        return [part.partition("\n")[2].strip() for part in parts]


@dataclass(frozen=True)
class Module:
    id: str  # "m03"
    folder: Path | None  # None: coming
    plan: dict[str, Any]  # what course.yaml says of it

    @cached_property
    def facts(self) -> dict[str, Any]:
        return read_yaml(self.folder / "module.yaml") if self.folder else {}

    @property
    def title(self) -> str:
        return self.plan["title"]

    @property
    def minutes(self) -> int:
        return int(self.facts.get("minutes", self.plan["minutes"]))

    @property
    def extras(self) -> list[str]:
        return list(self.facts.get("extras", ()))

    @property
    def lesson(self) -> Path | None:
        path = self.folder / "lesson.py" if self.folder else None
        return path if path and path.is_file() else None

    @cached_property
    def quiz(self) -> list[dict[str, Any]]:
        """quiz.yaml: questions with their options, of which each has its reason."""
        path = self.folder / "quiz.yaml" if self.folder else None
        return read_yaml(path) if path and path.is_file() else []

    @cached_property
    def exercises(self) -> list[Exercise]:
        """In the order of module.yaml; those that it does not name come last. Hunts are exercises, too."""
        if self.folder is None:
            return []
        order = list(self.facts.get("exercises", ()))
        found = {path.parent.name: path.parent for kind in ("exercises", "hunts") for path in self.folder.glob(f"{kind}/*/exercise.yaml")}
        names = [name for name in order if name in found] + sorted(set(found) - set(order))
        return [Exercise(name, self.id, found[name]) for name in names]


class Course:
    """All modules of a folder, those that are coming too, and the named paths through them."""

    def __init__(self, folder: Path = HERE):
        self.folder = folder

    @cached_property
    def facts(self) -> dict[str, Any]:
        return read_yaml(self.folder / "course.yaml")

    @cached_property
    def modules(self) -> dict[str, Module]:
        there = {path.parent.name.partition("_")[0]: path.parent for path in sorted(self.folder.glob("m[0-9][0-9]_*/module.yaml"))}
        return {id: Module(id, there.get(id), plan) for id, plan in self.facts["modules"].items()}

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        return {exercise.name: exercise for module in self.modules.values() for exercise in module.exercises}

    @cached_property
    def proofs(self) -> dict[str, Path]:
        """"P1" -> its page, which is in percent format as a lesson is."""
        return {path.stem.partition("_")[0]: path for path in sorted(self.folder.glob("m[0-9][0-9]_*/proofs/P*.py"))}

    @property
    def tracks(self) -> dict[str, str]:
        """The tracks of module m10 that are there -> their headings in its lesson."""
        return dict(self.modules["m10"].facts.get("tracks", {})) if "m10" in self.modules else {}

    @cached_property
    def planned(self) -> dict[str, str]:
        """The exercises that the course is to have -> their modules, whether they are there or not."""
        return {name: id for id, module in self.modules.items() for name in module.plan.get("exercises", ())}

    @property
    def paths(self) -> dict[str, dict[str, Any]]:
        return self.facts["paths"]

    @property
    def numbered(self) -> list[str]:
        """The first seven: "1" to "7" are accepted as their names."""
        return list(self.paths["first-seven"]["exercises"])

    def module(self, name: str) -> Module:
        """By its id (m03), its number, or its folder's name. UserError for others, and for one that is coming."""
        id = f"m{int(name):02}" if name.isdigit() else name.partition("_")[0]
        if id not in self.modules:
            raise UserError(f"no module '{name}': there are {', '.join(self.modules)} (sb3-course lesson list)")
        if self.modules[id].folder is None:
            raise UserError(f"module {id}, {self.modules[id].title}, is coming: sb3-course lesson list names those that are there")
        return self.modules[id]

    def exercise(self, name: str) -> Exercise:
        """By its name, with its module in front (m03/planners) or not, or by its number among the first seven. UserError for others."""
        plain = name.rpartition("/")[2].removesuffix(".py")
        if plain.isdigit() and 1 <= int(plain) <= len(self.numbered):
            plain = self.numbered[int(plain) - 1]
        if plain in self.exercises:
            return self.exercises[plain]
        if plain in self.planned:
            raise UserError(f"exercise {plain} (module {self.planned[plain]}) is coming: sb3-course exercise list names those that are there")
        near = difflib.get_close_matches(plain, [*self.exercises, *self.planned], n=1)
        raise UserError(f"no exercise '{name}': " + (f"did you mean '{near[0]}'? " if near else "") + "(sb3-course exercise list)")
