"""sb3-course exercise: list, start, check, hint, solution, watch."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import Any

from benchmarks import UserError
from sb3_course.teaching import words
from sb3_course.teaching.answers import called, line_of
from sb3_course.teaching.course import Course, Exercise, missing
from sb3_course.teaching.progress import HINTS, Progress
from sb3_course.teaching.workspace import Workspace, shown

NOT_PASSED = 3
VERDICTS = {"passed": ("passed", "green"), "failed": ("FAILED", "red"), "unwritten": ("not written yet", "yellow"), "unreached": ("not reached", "yellow")}


def run(args: argparse.Namespace) -> int:
    course, workspace = Course(), Workspace.find(args.work)
    actions = {"list": _list, "start": _start, "check": _check, "hint": _hint, "solution": _solution, "watch": _watch}
    return actions[args.action](args, course, workspace)


# ------------------------------------------------------------------------------------------------------------------ list


def _list(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    progress = Progress.of(course, workspace)
    rows, coming = [], []
    for number, name in _chosen(args.path, course):
        if name not in course.exercises:
            coming.append(f"{number} {name}".strip())
            continue
        exercise, state = course.exercises[name], progress.state(name)
        lacking = missing(exercise.extras)
        hints = f"{state.hints} of {HINTS} hints" if state.hints else ""
        note = ", ".join(filter(None, (hints, "solution seen" if state.solution else "", f"needs sb3-course[{lacking[0]}]" if lacking else "")))
        rows.append([state.sign, number or exercise.module, name, f"{exercise.facts['minutes']} min", "●" * exercise.facts["difficulty"], exercise.title, note])
    if rows:
        print(words.table(rows, cut=-2))
        print("✓ passed  · started  – not yet    sb3-course exercise start NAME" + (", or its number" if rows[0][1].isdigit() else ""))
    if coming:
        print(words.wrapped("coming: " + ", ".join(coming) if args.path else f"{len(coming)} more are coming: sb3-course exercise list m07 names a module's"))
    _tell(progress.damaged)
    return 0


def _chosen(path: str | None, course: Course) -> list[tuple[str, str]]:
    """(number, name) of the exercises of a path or a module; of all without numbers."""
    if path is None:
        return [("", name) for name in _all(course)]
    if path in course.paths:
        facts = course.paths[path]
        if "exercises" in facts:
            return [(str(k), name) for k, name in enumerate(facts["exercises"], start=1)]
        return [("", name) for name in _all(course) if (course.planned.get(name) or course.exercises[name].module) in facts["modules"]]
    if path in course.modules:
        return [("", name) for name in _all(course) if (course.planned.get(name) or course.exercises[name].module) == path]
    near = difflib.get_close_matches(path, [*course.paths, *course.modules], n=1)
    raise UserError(f"no path or module '{path}': " + (f"did you mean '{near[0]}'?" if near else f"there are {', '.join([*course.paths, *course.modules])}"))


def _all(course: Course) -> list[str]:
    return [*course.exercises, *(name for name in course.planned if name not in course.exercises)]


# ----------------------------------------------------------------------------------------------------------------- start


def _start(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    exercise = course.exercise(args.name)
    _need(exercise)
    path, kept = workspace.start(exercise, args.again)
    if kept:
        print(f"yours is kept as {shown(kept)}")
    print(f"{shown(path)}\n")
    print(exercise.facts["task"].rstrip())
    if exercise.symptom:
        print(f"\n{exercise.symptom.rstrip()}")
    print(f"\n{exercise.facts['minutes']} minutes or so. When you have written something:\n  sb3-course exercise check {exercise.name}")
    _tell([workspace.note("start", exercise.name)])
    return 0


def _need(exercise: Exercise) -> None:
    lacking = missing(exercise.extras)
    if lacking:
        raise UserError(f'this exercise needs {lacking[0]}: pip install "sb3-course[{lacking[0]}]"')


# ----------------------------------------------------------------------------------------------------------------- check


def _check(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    exercise = course.exercise(args.name)
    _need(exercise)
    return check(exercise, workspace, args.name, args.slow)


def check(exercise: Exercise, workspace: Workspace, typed: str, slow: bool = False) -> int:
    """Print what the check finds, as it finds it, and one next step. 0 if all is passed, else 3."""
    from sb3_course.teaching import runner

    path = workspace.path(exercise)
    if not path.is_file():
        raise UserError(f"there is no {shown(path)} yet: sb3-course exercise start {exercise.name}")
    indent = max(map(len, exercise.functions)) + 3
    results: dict[str, dict[str, Any]] = {}
    broken, told = False, dict[str, str]()  # a misconception -> the function at which it was explained
    for event in runner.check(exercise, path, workspace.folder / "plots", slow):
        if event["event"] == "result":
            results[event["function"]] = event
            if not broken:
                uses = called(path, event["function"]) if event["status"] == "failed" else set()
                _tell_result(event, indent, told, [name for name, other in results.items() if other["status"] == "failed" and name in uses])
        elif event["event"] == "unimportable":
            broken = True
            _say(path.name, "cannot be run", "red", len(path.name) + 3)
            print("\n".join(event["lines"]), flush=True)
        else:
            _tell_end(event, workspace)
    passed = [name for name, event in results.items() if event["status"] == "passed"]
    left = [name for name in exercise.functions if name not in passed]
    statuses = {name: event["status"] for name, event in results.items()}
    named = sorted({event["misconception"] for event in results.values() if event.get("misconception")})
    _tell([workspace.note("check", exercise.name, passed=not left and not broken, slow=slow, results=statuses, misconceptions=named)])
    if not left and not broken:
        print(f"All {len(passed)} passed. Another way to write it: sb3-course exercise solution {typed}")
        if exercise.facts.get("slow") and not slow:
            print(f"The long checks: sb3-course exercise check {typed} --slow")
        return 0
    if broken:
        print(words.wrapped(f"Nothing else was tried. Mend this first, in {shown(path)}."))
    else:
        first = next((name for name in left if statuses.get(name) != "unreached"), left[0])
        line = line_of(path, first)
        where = f"line {line} of {shown(path)}" if line else shown(path)
        print(words.wrapped(f"{len(left)} to go. Next: {first}, {where}"))
        print(f"A hint: sb3-course exercise hint {typed}")
        texts = " ".join(line for event in results.values() for line in [*event["lines"], *event.get("told", [])])
        for code in dict.fromkeys(_ERROR.findall(texts)):
            print(f"What {code} is: sb3-course lesson show exhibits {code}")
    return NOT_PASSED


_ERROR = re.compile(r"\((E\d+)\)")  # as the errors of the syllabi are cited


def _tell_result(event: dict[str, Any], indent: int, told: dict[str, str], uses: list[str]) -> None:
    """uses: functions that it calls and that failed before it."""
    word, colour = VERDICTS[event["status"]]
    lines = event["lines"]
    if event["status"] == "passed" and not lines:
        lines = [f"{event['checks']} test{'s' * (event['checks'] != 1)}"]
    _say(event["function"], word, colour, indent, lines[0] if lines else "")
    for line in lines[1:]:
        print(words.wrapped(line, indent) if not line.startswith("  ") else " " * indent + line)
    if event["status"] == "failed":
        cause = event.get("misconception")
        if cause in told and not uses:
            print(words.wrapped(f"The same mistake as in {told[cause]}.", indent))
        elif cause and cause not in told:
            told[cause] = event["function"]
            print(words.wrapped(f"That is what comes out when {_lower(event['told'][0])}", indent))
            for line in event["told"][1:]:
                print(words.wrapped(line, indent))
        if uses:
            print(words.wrapped(f"It calls your {' and '.join(uses)}: mend {'that' if len(uses) == 1 else 'those'} first.", indent))
        if event.get("call") and not any(line.startswith("the call:") for line in lines):
            print(words.wrapped(f"the call: {event['call']}", indent))
    sys.stdout.flush()


def _lower(text: str) -> str:
    return text if text[:2].isupper() or not text[:1].isalpha() else text[0].lower() + text[1:]


def _say(name: str, word: str, colour: str, indent: int, line: str = "") -> None:
    """A line that begins with a name and a verdict; what follows is wrapped behind both."""
    between = ": " if line and len(word) > 8 else " " * (9 - len(word))
    words.say(words.wrapped(f"{word}{between}{line}".rstrip(), indent, name), word, colour)


def _tell_end(event: dict[str, Any], workspace: Workspace) -> None:
    if event["printed"]:
        print("your code printed:" if len(event["printed"]) < 20 else "the last lines that your code printed:")
        print("\n".join(f"  | {line}" for line in event["printed"]))
    for plot in event["plots"]:
        print(f"a plot: {shown(workspace.folder / 'plots' / plot)}")
    for note in event["notes"]:
        print(words.wrapped(note))


def _tell(lines: list[str | None] | list[str]) -> None:
    for line in lines:
        if line:
            print(line, file=sys.stderr)


# -------------------------------------------------------------------------------------------------------- hint, solution


def _hint(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    exercise = course.exercise(args.name)
    had = Progress.of(course, workspace).state(exercise.name).hints
    level = args.level or min(had + 1, len(exercise.hints))
    if not args.level and had >= len(exercise.hints):
        print(f"You have had all {len(exercise.hints)}; this is the last again (--level 1 to {len(exercise.hints)} repeats one).\n")
    print(f"Hint {level} of {len(exercise.hints)}\n")
    print("\n\n".join(words.wrapped(" ".join(part.split())) for part in exercise.hints[level - 1].split("\n\n")))
    _tell([workspace.note("hint", exercise.name, level=level)])
    return 0


def _solution(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    exercise = course.exercise(args.name)
    if not Progress.of(course, workspace).state(exercise.name).checks and not args.yes:
        raise UserError(f"{exercise.name} was never checked: write something and check it, take a hint, or see the solution all the same with --yes")
    solution, path = exercise.solution.read_text(encoding="utf-8"), workspace.path(exercise)
    print(solution)
    if path.is_file():
        yours = path.read_bytes().decode("utf-8", "replace")
        lines = difflib.unified_diff(yours.splitlines(), solution.splitlines(), shown(path), "the solution", lineterm="")
        print("# " + "-" * 60 + "\n# from yours to the solution\n" + "\n".join(lines))
    _tell([workspace.note("solution", exercise.name)])
    return 0


# ----------------------------------------------------------------------------------------------------------------- watch


def _watch(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    from sb3_course.teaching.watch import watch

    return watch(course, workspace, args.name)
