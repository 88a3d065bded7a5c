"""sb3-course exercise watch: a check at each save, and keys. It never goes on to another exercise by itself.

It looks at the file's time and size twice a second: this works on every file system, and no editor's way of saving confuses it.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import UserError
from sb3_course.commands import exercise as command
from sb3_course.teaching.course import Course
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown

LOOK = 0.5  # seconds
HELP = "h hint · n next exercise · l list · q quit"


def watch(course: Course, workspace: Workspace, name: str | None) -> int:
    """Ends with 0 when it is told to quit, or when standard input ends and everything is passed, else with 3."""
    name = name or _last(workspace)
    if name is None:
        raise UserError("nothing is started yet: sb3-course exercise start NAME, or name one here")
    exercise = course.exercise(name)
    if not workspace.path(exercise).is_file():
        raise UserError(f"there is no {shown(workspace.path(exercise))} yet: sb3-course exercise start {exercise.name}")
    with _keys() as keys:
        seen: tuple[int, int] | None = None
        code = command.NOT_PASSED
        while True:
            path = workspace.path(exercise)
            now = _state(path)
            if now is not None and now != seen:
                seen = now
                print(f"\n{time.strftime('%H:%M:%S')}  {shown(path)}", flush=True)
                code = command.check(exercise, workspace, exercise.name)
                _tell_all_done(course, workspace)
                print(HELP, flush=True)
            word = keys.next(LOOK)
            if word is None:
                continue
            if word in ("", "q", "quit"):  # "": standard input has ended
                return 0 if word else code
            if word in ("h", "hint"):
                _run(["hint", exercise.name], workspace)
            elif word in ("l", "list"):
                _run(["list"], workspace)
            elif word in ("n", "next"):
                following = _next(course, workspace, exercise.name)
                if following is None:
                    print("there is no other exercise that is not passed yet", flush=True)
                    continue
                exercise, seen = course.exercise(following), None
                if not workspace.path(exercise).exists():
                    _run(["start", exercise.name], workspace)
            else:
                print(HELP, flush=True)


def _last(workspace: Workspace) -> str | None:
    """The exercise that was started or checked last."""
    notes, _ = workspace.notes()
    return next((note["name"] for note in reversed(notes) if note["what"] in ("start", "check")), None)


def _next(course: Course, workspace: Workspace, name: str) -> str | None:
    progress, names = Progress.of(course, workspace), list(course.exercises)
    k = names.index(name)
    return next((other for other in [*names[k + 1 :], *names[:k]] if not progress.state(other).passed), None)


def _tell_all_done(course: Course, workspace: Workspace) -> None:
    progress = Progress.of(course, workspace)
    if all(progress.state(name).passed for name in course.exercises):
        print("All exercises that there are, are passed. sb3-course progress shows what they add up to.")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:  # an editor is just replacing it
        return None
    return facts.st_mtime_ns, facts.st_size


def _run(words: list[str], workspace: Workspace) -> None:
    from sb3_course import cli

    print(flush=True)
    cli.main(["exercise", *words, "--work", str(workspace.folder)])
    print(HELP, flush=True)


class _Keys:
    """Single keys of a terminal, or words that are typed on lines of standard input."""

    def __init__(self, single: bool):
        self.single, self.rest = single, b""

    def next(self, seconds: float) -> str | None:
        """The next key or word; None if there is none within these seconds, "" when standard input has ended."""
        descriptor = sys.stdin.fileno()
        if b"\n" not in self.rest:
            if not select.select([descriptor], [], [], seconds)[0]:
                return None
            data = os.read(descriptor, 1024)
            if not data:
                return ""
            if self.single:
                return data.decode("utf-8", "replace")[:1]
            self.rest += data
            if b"\n" not in self.rest:
                return None
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("utf-8", "replace").strip().lower() or "help"


@contextlib.contextmanager
def _keys() -> Iterator[_Keys]:
    single = sys.stdin.isatty() and os.name == "posix"
    if not single:
        yield _Keys(False)
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield _Keys(True)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
