"""sb3-course lesson: list, show, run, quiz, notebook."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks import UserError
from sb3_course.teaching import words
from sb3_course.teaching.course import Course, Module, missing
from sb3_course.teaching.homes import EXHIBITS
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown, unused, write_new

OFF = 3
PAGES = Path(__file__).parents[2] / "docs" / "_build" / "html" / "course"


def run(args: argparse.Namespace) -> int:
    course, workspace = Course(), Workspace.find(args.work)
    actions = {"list": _list, "show": _show, "run": _run, "quiz": _quiz, "notebook": _notebook}
    return actions[args.action](args, course, workspace)


def _list(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    progress = Progress.of(course, workspace)
    rows = []
    for module in course.modules.values():
        if module.folder is None:
            rows.append([module.id, module.title, f"{module.minutes // 60} h", "coming"])
            continue
        right, of = progress.quizzes.get(module.id, (0, 0))
        state = [word for word, is_so in (("read", module.id in progress.read), ("run", module.id in progress.run), (f"quiz {right}/{of}", of)) if is_so]
        state += [f"needs sb3-course[{extra}]" for extra in missing(module.extras)]
        rows.append([module.id, module.title, f"{module.minutes // 60} h", ", ".join(state) or "–"])
    print(words.table(rows))
    print("sb3-course lesson show m03 · run m03 · quiz m03")
    for line in progress.damaged:
        print(line, file=sys.stderr)
    return 0


def _lesson(module: Module) -> Path:
    if module.lesson is None:
        raise UserError(f"module {module.id} has no lesson yet; its exercises: sb3-course exercise list {module.id}")
    return module.lesson


def _page(course: Course, name: str) -> tuple[str, Path, Module | None]:
    """A lesson, a proof, or the errors on show: its id, its source, and the module whose lesson it is."""
    if name.upper() in course.proofs:
        return name.upper(), course.proofs[name.upper()], None
    if name == EXHIBITS.stem:
        return name, EXHIBITS, None
    module = course.module(name)
    return module.id, _lesson(module), module


def _note(workspace: Workspace, what: str, name: str, **facts: object) -> None:
    problem = workspace.note(what, name, **facts)
    if problem:
        print(problem, file=sys.stderr)


# ------------------------------------------------------------------------------------------------------------------ show


def _show(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    from sb3_course.teaching import percent

    id, path, module = _page(course, args.lesson)
    parts = percent.sections(path)
    if args.html:
        page = PAGES / f"{id}.html"
        if not page.is_file():
            raise UserError(f"the page of {id} is not built: make docs")
        print(page)
        return 0
    if args.section is not None:
        word = args.section.lower() + "." * bool(re.fullmatch(r"[Ee]\d+", args.section))  # E1 is not E10
        found = [part for k, part in enumerate(parts) if args.section == str(k) or (not args.section.isdigit() and word in part.title.lower())]
        if not found:
            titles = "; ".join(f"{k} {part.title}" for k, part in enumerate(parts))
            raise UserError(f"{id} has no section '{args.section}': {titles}")
        parts = found
    print("\n\n".join(_text(cell.source) if cell.is_text else _code(cell.source) for part in parts for cell in part.cells if cell.source.strip()))
    if args.section is None and module and module.exercises:
        print(f"\nExercises: {', '.join(exercise.name for exercise in module.exercises)} (sb3-course exercise start NAME)")
    _note(workspace, "lesson", id, section=args.section)
    return 0


_ITEM = re.compile(r"^(\s*)([-*]|\d+\.) +(.*)$")


def _text(source: str) -> str:
    """Markdown for a terminal: paragraphs and items of lists are wrapped; tables, formulas, quotations and headings stay as they are."""
    blocks = []
    for block in source.split("\n\n"):
        if _ITEM.match(block.partition("\n")[0]):
            blocks.append("\n".join(words.wrapped(text, len(sign), sign) for sign, text in _items(block)))
        elif re.match(r"^(    |```|#|\||>|\$\$)", block):
            blocks.append(block)
        else:
            blocks.append(words.wrapped(" ".join(block.split())))
    return "\n\n".join(blocks)


def _items(block: str) -> list[tuple[str, str]]:
    """The items of a list: what stands before each, and its text on one line."""
    items: list[tuple[str, str]] = []
    for line in block.splitlines():
        found = _ITEM.match(line)
        if found:
            items.append((f"{found[1]}{found[2]} ", found[3]))
        else:
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}")
    return items


def _code(source: str) -> str:
    return "\n".join("    " + line for line in source.splitlines())


# ------------------------------------------------------------------------------------------------------------------- run


def _run(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    id, path, module = _page(course, args.lesson)
    lacking = missing(module.extras) if module else []
    if lacking:
        raise UserError(f'this lesson needs {lacking[0]}: pip install "sb3-course[{lacking[0]}]"')
    env = {**os.environ, "MPLBACKEND": "Agg", "SDL_VIDEODRIVER": "dummy", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8",
           "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))}  # fmt: skip
    command = [sys.executable, "-m", "sb3_course.teaching.run_lesson", str(path), str(workspace.folder / "lessons" / id)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
        except BaseException:
            process.kill()
            raise
    passed = process.returncode == 0
    _note(workspace, "run", id, passed=passed)
    return 0 if passed else OFF


# ------------------------------------------------------------------------------------------------------------------ quiz


def _quiz(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    from sb3_course.teaching import quiz

    module = course.module(args.lesson)
    if not module.quiz:
        raise UserError(f"module {module.id} has no quiz yet")
    if args.answers or not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(quiz.sheet(module, args.answers))
        if not args.answers:
            print(f"\nThe answers, with their reasons: sb3-course lesson quiz {module.id} --answers")
        return 0
    try:
        right, of = quiz.ask(module, input, print)
    except EOFError:
        print("\nbroken off: nothing is noted")
        return 0
    print(f"\n{right} of {of} right at once.")
    _note(workspace, "quiz", module.id, right=right, of=of)
    return 0


# -------------------------------------------------------------------------------------------------------------- notebook


def _notebook(args: argparse.Namespace, course: Course, workspace: Workspace) -> int:
    module = course.module(args.lesson)
    path = _lesson(module)
    from sb3_course.teaching.notebooks import notebook

    target = workspace.folder / "notebooks" / f"{module.id}.ipynb"
    if os.path.lexists(target):
        target = unused(target.with_name(f"{module.id}.ipynb"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_new(target, notebook(path).encode())
    except OSError as error:
        raise UserError(f"cannot write {shown(target)}: {error.strerror}; --work DIR puts the workspace elsewhere") from None
    print(shown(target))
    return 0
