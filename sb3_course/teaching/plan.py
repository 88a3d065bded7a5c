"""The course day by day: plans of calendar/, whose tasks name lessons, exercises, figures, readings. What does not exist yet is seen to be coming."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sb3_course.teaching.course import HERE, Course, read_yaml
from sb3_course.teaching.progress import Progress

# A task is {kind: target, minutes: m}. Of these kinds the target is looked for; the others are words for the reader.
KINDS = ("lesson", "quiz", "exercise", "figure", "study", "hunt", "proof", "read", "watch", "write", "run")
ROOT = HERE.parent


@dataclass(frozen=True)
class Task:
    kind: str
    target: str
    minutes: int

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Task:
        kind, *more = [key for key in facts if key != "minutes"]
        if more or kind not in KINDS:
            raise ValueError(f"a task is one of {', '.join(KINDS)}, and minutes: {facts}")
        return cls(kind, str(facts[kind]), int(facts["minutes"]))

    def is_there(self, course: Course) -> bool:
        """Whether its target exists; a target that is neither there nor planned is a ValueError."""
        name = self.target.split()[0]
        match self.kind:
            case "exercise":
                if name not in {*course.exercises, *course.planned}:
                    raise ValueError(f"exercise {name} is neither there nor planned")
                return name in course.exercises
            case "lesson" | "quiz":
                module = course.modules[name]
                return bool(module.lesson if self.kind == "lesson" else module.quiz)
            case "figure":
                return all((ROOT / "results" / "textbook" / f"{id}.json").is_file() for id in self.target.replace(",", " ").split())
            case "study":
                places = (ROOT / "benchmarks" / "configs" / folder / f"{name}.yaml" for folder in ("suite", "claim"))
                return any(place.is_file() for place in places)
            case "hunt" | "proof":
                return any(course.folder.glob(f"m[0-9][0-9]_*/{self.kind}s/{name}*"))
        return True

    def command(self, course: Course) -> str | None:
        """What is typed for it; None where nothing is, or where the target is coming."""
        if not self.is_there(course):
            return None
        name = self.target.split()[0]
        is_claim = (ROOT / "benchmarks" / "configs" / "claim" / f"{name}.yaml").is_file()
        commands = {
            "lesson": f"sb3-course lesson show {name}",
            "quiz": f"sb3-course lesson quiz {name}",
            "exercise": f"sb3-course exercise start {name}",
            "figure": f"sb3-course figure {self.target.replace(',', '')} --quick",
            "study": f"sb3-course claim {name} --show" if is_claim else f"sb3-course compare {name}",
            "hunt": f"sb3-course exercise start {name}",
            "proof": f"sb3-course lesson show {name}",
            "run": self.target,
        }
        return commands.get(self.kind)

    def text(self) -> str:
        return self.target if self.kind in ("write", "run") else f"{self.kind} {self.target}"

    def state(self, progress: Progress) -> str:
        """coming, done, open; "" for what leaves no trace."""
        if not self.is_there(progress.course):
            return "coming"
        if self.kind not in ("exercise", "hunt", "quiz", "lesson", "proof"):
            return ""
        name = self.target.split()[0]
        kind = "exercise" if self.kind == "hunt" else self.kind
        done = name in progress.read if kind in ("lesson", "proof") else progress.is_done(f"{kind} {name}")
        return "done" if done else "open"


@dataclass(frozen=True)
class Day:
    date: date
    week: int
    theme: str
    number: int  # of the week, from 1
    tasks: tuple[Task, ...]
    milestone: str = ""  # on a week's last day


@dataclass(frozen=True)
class Plan:
    name: str
    title: str
    about: str
    weeks: list[dict[str, Any]]

    def days(self, start: date) -> list[Day]:
        """Every day that has tasks; the plan's first week begins on `start`."""
        found = []
        for k, week in enumerate(self.weeks):
            numbers = sorted(week["days"])
            for number in numbers:
                tasks = tuple(map(Task.of, week["days"][number]))
                milestone = week.get("milestone", "") if number == numbers[-1] else ""
                found.append(Day(start + timedelta(days=7 * k + number - 1), k + 1, week["theme"], number, tasks, milestone))
        return found


def read(folder: Path, name: str) -> Plan:
    facts = read_yaml(folder / "calendar" / f"{name}.yaml")
    return Plan(name, facts["title"], facts["about"], facts["weeks"])


def markdown(plan: Plan, days: list[Day], progress: Progress, whole: bool = True) -> str:
    """The days as a page; `whole` has the plan's title and what it is about above them."""
    lines = [f"# {plan.title}", "", plan.about.strip(), ""] if whole else []
    week = None
    for day in days:
        if day.week != week and whole:
            lines += [f"## Week {day.week}: {day.theme}", ""]
        week = day.week
        minutes = sum(task.minutes for task in day.tasks)
        lines += [f"### {day.date:%a} {day.date.isoformat()}, {minutes} minutes", ""]
        for task in day.tasks:
            state = task.state(progress)
            box = {"done": "[x]", "open": "[ ]", "coming": "[ ]", "": "[ ]"}[state]
            command = task.command(progress.course)
            words = task.text() if task.kind != "run" else "run"
            lines.append(f"- {box} {words}, {task.minutes} min" + (f": `{command}`" if command else "") + (" (coming)" if state == "coming" else ""))
        if day.milestone:
            lines += ["", f"Milestone: {day.milestone}"]
        lines.append("")
    return "\n".join(lines)


def ics(plan: Plan, days: list[Day], progress: Progress) -> str:
    """The days as entries of a calendar program (RFC 5545): one for each, all day long, with its tasks in the description."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sb3-course//calendar//EN"]
    for day in days:
        tasks = []
        for task in day.tasks:
            command = task.command(progress.course)
            end = " (coming)" if task.state(progress) == "coming" else f": {command}" if command and command != task.text() else ""
            tasks.append(f"{task.text()}, {task.minutes} min{end}")
        lines += [
            "BEGIN:VEVENT",
            f"UID:{plan.name}-{day.date.isoformat()}@sb3-course",
            f"DTSTAMP:{day.date:%Y%m%d}T000000Z",
            f"DTSTART;VALUE=DATE:{day.date:%Y%m%d}",
            f"DTEND;VALUE=DATE:{day.date + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(f'sb3-course, week {day.week}: {day.theme}')}",
            f"DESCRIPTION:{_escaped(chr(10).join([*tasks, *([f'Milestone: {day.milestone}'] if day.milestone else [])]))}",
            "END:VEVENT",
        ]
    return "".join(_folded(line) for line in [*lines, "END:VCALENDAR"])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """A line in pieces of at most 75 bytes, the further ones behind a space."""
    pieces, piece = list[str](), ""
    for letter in line:
        if len((piece + letter).encode()) > (75 if not pieces else 74):
            pieces.append(piece)
            piece = ""
        piece += letter
    return "\r\n ".join([*pieces, piece]) + "\r\n"
