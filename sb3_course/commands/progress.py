"""sb3-course progress: what a learner has done, and what it adds up to."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from sb3_course.teaching import words
from sb3_course.teaching.course import Course, Module
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown

WORDS = {True: "done", False: "open", None: "coming"}


def run(args: argparse.Namespace) -> int:
    course = Course()
    progress = Progress.of(course, Workspace.find(args.work))
    if args.json:
        print(json.dumps(_facts(progress), indent=1, ensure_ascii=False))
    elif args.markdown:
        print(_markdown(progress))
    else:
        print(_text(progress))
    for line in progress.damaged:
        print(line, file=sys.stderr)
    return 0


def _there(progress: Progress) -> list[Module]:
    return [module for module in progress.course.modules.values() if module.folder]


def _facts(progress: Progress) -> dict[str, Any]:
    return {
        "exercises": {
            name: {"module": exercise.module, "state": state.word, "level": state.level, "checks": state.checks, "hints": state.hints,
                   "solution seen": state.solution}
            for name, exercise in progress.course.exercises.items()
            for state in [progress.state(name)]
        },
        "modules": {
            module.id: {
                "title": module.title,
                "read": module.id in progress.read,
                "run": module.id in progress.run,
                "quiz": list(progress.quizzes.get(module.id, (0, len(module.quiz)))),
                "milestone": {need: WORDS[is_done] for need, is_done in progress.milestone(module)},
            }
            for module in _there(progress)
        },
    }


def _text(progress: Progress) -> str:
    names = list(progress.course.exercises)
    passed = [name for name in names if progress.state(name).passed]
    lines = [f"{len(passed)} of {len(names)} exercises passed (in {shown(progress.workspace.folder)})"]
    for module in _there(progress):
        right, of = progress.quizzes.get(module.id, (0, len(module.quiz)))
        lines += ["", f"{module.id}  {module.title}"]
        read = "run" if module.id in progress.run else "read" if module.id in progress.read else "not read"
        lines.append(f"  lesson {read} · quiz {right}/{of}" if module.lesson else "  no lesson yet")
        rows = [[state.sign, exercise.name, state.level or state.word] for exercise in module.exercises for state in [progress.state(exercise)]]
        lines += [words.table(rows)] if rows else []
        open_ones = [f"{need} ({WORDS[is_done]})" for need, is_done in progress.milestone(module) if not is_done]
        text = module.facts["milestone"]["text"]
        lines.append(words.wrapped(f"{text}: " + ("reached" if not open_ones else "still needs " + ", ".join(open_ones)), 2, "  "))
    return "\n".join(lines)


def _markdown(progress: Progress) -> str:
    lines = ["# Portfolio", ""]
    for module in _there(progress):
        lines += [f"## {module.id} {module.title}", "", f"Milestone: {module.facts['milestone']['text']}", "", "| evidence | state |", "|---|---|"]
        lines += [f"| {need} | {WORDS[is_done]} |" for need, is_done in progress.milestone(module)]
        done = [(exercise, progress.state(exercise)) for exercise in module.exercises if progress.state(exercise).passed]
        lines += ["", *(f"- {exercise.title} (`{exercise.name}`): {state.level}, {state.checks} checks" for exercise, state in done), *([""] if done else [])]
    return "\n".join(lines).rstrip()
