"""What a learner has done, read from the notes of the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sb3_course.teaching.course import Course, Exercise, Module
from sb3_course.teaching.workspace import Workspace

HINTS = 4


@dataclass
class State:
    """Of one exercise."""

    started: bool = False
    checks: int = 0
    passed: bool = False  # once, whatever came later
    hints: int = 0  # the highest level that was read
    solution: bool = False  # it was looked at

    @property
    def sign(self) -> str:
        return "✓" if self.passed else "·" if self.started or self.checks else "–"

    @property
    def word(self) -> str:
        return "passed" if self.passed else "started" if self.started or self.checks else "not started"

    @property
    def level(self) -> str:
        """"done", or "done without hints", as the mastery table has it; "" before."""
        return "" if not self.passed else "done without hints" if not self.hints and not self.solution else "done"


@dataclass
class Progress:
    course: Course
    workspace: Workspace
    states: dict[str, State] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)  # modules whose lesson was shown or run
    run: set[str] = field(default_factory=set)  # … and whose numbers were all right
    quizzes: dict[str, tuple[int, int]] = field(default_factory=dict)  # module -> right answers at the first attempt, of how many: the best
    damaged: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, course: Course, workspace: Workspace) -> Progress:
        notes, damaged = workspace.notes()
        found = cls(course, workspace, damaged=damaged)
        for note in notes:
            found._add(note)
        return found

    def _add(self, note: dict[str, Any]) -> None:
        name = note["name"]
        match note["what"]:
            case "start":
                self.state(name).started = True
            case "check":
                state = self.state(name)
                state.checks += 1
                state.passed |= bool(note.get("passed"))
            case "hint":
                state = self.state(name)
                state.hints = max(state.hints, int(note.get("level", 1)))
            case "solution":
                self.state(name).solution = True
            case "lesson":
                self.read.add(name)
            case "run":
                self.read.add(name)
                if note.get("passed"):
                    self.run.add(name)
            case "quiz":
                now = (int(note.get("right", 0)), int(note.get("of", 0)))
                self.quizzes[name] = max(now, self.quizzes.get(name, (0, 0)))

    def state(self, exercise: Exercise | str) -> State:
        return self.states.setdefault(exercise if isinstance(exercise, str) else exercise.name, State())

    def is_done(self, need: str) -> bool | None:
        """Whether something that a milestone needs ("exercise planners", "quiz m03", "lesson m03") is done; None if it does not exist yet."""
        kind, _, name = need.partition(" ")
        if kind == "exercise":
            return self.state(name).passed if name in self.course.exercises else None
        module = self.course.modules.get(name)
        if module is None or module.folder is None:
            return None
        if kind == "quiz":
            right, of = self.quizzes.get(name, (0, 0))
            return bool(of) and right >= 0.8 * of
        return name in self.run if kind == "lesson" else None

    def milestone(self, module: Module) -> list[tuple[str, bool | None]]:
        return [(need, self.is_done(need)) for need in module.facts.get("milestone", {}).get("needs", ())]
