"""A learner's folder: exercises/mNN/NAME.py, notebooks/, lessons/, plots/, and progress.jsonl, which only ever grows.

Nothing of ours overwrites what is there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import UserError
from sb3_course.teaching.course import Exercise

NAME, VARIABLE = "sb3_course_work", "SB3_COURSE_WORK"
Note = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    folder: Path

    @classmethod
    def find(cls, chosen: str | None = None) -> Workspace:
        """The one that was named, else that of SB3_COURSE_WORK, else the nearest upwards from here, else the one that would be made here."""
        named = chosen or os.environ.get(VARIABLE)
        if named:
            return cls(Path(named).expanduser().absolute())
        try:
            here = Path.cwd()
        except OSError:
            raise UserError("the folder that this runs in is gone: cd into another one, or name one with --work DIR") from None
        return cls(next((place / NAME for place in (here, *here.parents) if (place / NAME).is_dir()), here / NAME))

    # ----------------------------------------------------------------------------------------------------------- answers
    def path(self, exercise: Exercise) -> Path:
        return self.folder / "exercises" / exercise.module / f"{exercise.name}.py"

    def start(self, exercise: Exercise, again: bool = False) -> tuple[Path, Path | None]:
        """Put the stub there; where a file lies already, UserError, or with `again` keep it under another name, which is the second of the two."""
        path, kept = self.path(exercise), None
        if os.path.lexists(path) and not again:
            raise UserError(f"yours is at {shown(path)}; --again keeps it as {unused(path).name} and starts anew")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path):
                kept = unused(path)
                os.rename(path, kept)
            write_new(path, exercise.stub.read_bytes())
        except OSError as error:
            raise UserError(f"cannot write {shown(path)}: {error.strerror}; --work DIR puts the workspace elsewhere") from None
        return path, kept

    # ---------------------------------------------------------------------------------------------------------- progress
    @property
    def progress(self) -> Path:
        return self.folder / "progress.jsonl"

    def note(self, what: str, name: str, **facts: Any) -> str | None:
        """Append a line to the progress. Why it could not be written, if it could not: that stops nothing."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, "name": name, **facts}, ensure_ascii=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.progress, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                size = os.fstat(descriptor).st_size
                is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"  # a machine that stopped in the middle of a line
                os.write(descriptor, ("\n" * is_cut + line + "\n").encode())  # one write: two checks at once do not mix
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"progress is not noted: {shown(self.progress)}: {error.strerror}"
        return None

    def notes(self) -> tuple[list[Note], list[str]]:
        """All lines of the progress, and a sentence for each that cannot be read."""
        try:
            lines = self.progress.read_bytes().split(b"\n")
        except FileNotFoundError:
            return [], []
        except OSError as error:
            return [], [f"{shown(self.progress)} cannot be read: {error.strerror}"]
        found, damaged = [], []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                note = json.loads(line)
                if not all(isinstance(note[key], str) for key in ("time", "what", "name")):
                    raise TypeError
                found.append(note)
            except (ValueError, TypeError, KeyError, RecursionError):
                damaged.append(f"{shown(self.progress)}, line {number} is damaged and skipped")
        return found, damaged


def unused(path: Path) -> Path:
    """The first of NAME.1.py, NAME.2.py, … that is free."""
    k = 1
    while os.path.lexists(path.with_name(f"{path.stem}.{k}{path.suffix}")):
        k += 1
    return path.with_name(f"{path.stem}.{k}{path.suffix}")


def write_new(path: Path, text: bytes) -> None:
    """A file that is there whole or not at all, and never in the place of another. FileExistsError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("xb") as file:
            file.write(text)
        os.link(temporary, path)  # unlike a rename, this refuses what exists
    except (PermissionError, NotImplementedError, AttributeError):  # a file system without links
        with path.open("xb") as file:
            file.write(text)
    finally:
        temporary.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """A path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
