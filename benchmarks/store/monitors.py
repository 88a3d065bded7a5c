"""The files that SB3's Monitor writes, read as a job that may have been killed and continued left them.

A file is a line of JSON behind a #, the names of the columns (r, l and t: return, length, seconds since the start), and a row an episode. A job that was
continued appends to it: its t starts again, and with or without a header of its own. Rows are taken in the file's order, a *session* for each start; SB3's
load_results sorts them all by t, which puts a continued run's last episodes among its first. Nothing else is guessed at: a row that cannot be is refused
with its file and line, but for the last line of a file, which a kill may have cut: that one is left out, and said.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import IntegrityError

COLUMNS = ("r", "l", "t")


@dataclass
class Session:
    """The episodes between two starts of a job, in the file's order."""

    start: float | None  # t_start of its header, in seconds since 1970; None where it has none
    line: int  # of its first row
    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Episodes:
    """All episodes of a run, [N] each, in the order in which they ended. seconds: of training, without the time between sessions."""

    returns: np.ndarray
    lengths: np.ndarray
    seconds: np.ndarray
    notes: tuple[str, ...]  # what was left out, and where the job was continued


def episodes_of(files: Sequence[Path]) -> Episodes:
    """The episodes in the files of a run, one for each of its environments. IntegrityError, with file and line, for what Monitor does not write."""
    notes: list[str] = []
    of_files = [_sessions(path, notes) for path in files]
    counts = [len(sessions) for sessions in of_files if sessions]
    if len(set(counts)) > 1:
        each = ", ".join(f"{path.name} {len(sessions)}" for path, sessions in zip(files, of_files, strict=True))
        notes.append(f"{files[0].parent}: its files were continued different numbers of times (starts: {each}), so the order of episodes of different "
                     "environments is known only roughly")  # fmt: skip
    ended: list[tuple[int, float, float, int]] = []  # session, seconds, return, length
    base = 0.0
    for k in range(max(counts, default=0)):
        sessions = [sessions[k] for sessions in of_files if len(sessions) > k]
        first = min((session.start for session in sessions if session.start is not None), default=0.0)
        latest = base
        for session in sessions:
            late = max(0.0, (session.start or first) - first)
            ended += [(k, base + late + t, r, n) for r, n, t in zip(session.returns, session.lengths, session.clock, strict=True)]
            latest = max(latest, ended[-1][1])
        base = latest
    ended.sort(key=lambda episode: episode[:2])  # stable: a file's own order stays, for within a session its t does not fall
    _, seconds, returns, lengths = zip(*ended, strict=True) if ended else ((), (), (), ())
    return Episodes(np.array(returns, dtype=float), np.array(lengths, dtype=int), np.array(seconds, dtype=float), tuple(notes))


def _sessions(path: Path, notes: list[str]) -> list[Session]:
    """The sessions of a file that have an episode."""
    rows = _rows(path)
    if not rows:
        raise IntegrityError(f"{path} is empty, so its environment's episodes are not known. Remove the run's folder, and its seed counts as missing")
    if not rows[0][1][0].startswith("#"):
        raise IntegrityError(f"{path} is not what Monitor writes: line 1 is no '#' with JSON")
    names: list[str] = []
    start: float | None = None
    sessions: list[Session] = []
    is_new = True
    for line, fields in rows:
        is_last = line == rows[-1][0]
        if fields[0].startswith("#"):  # JSON: at the start, or of a job that was continued
            start, is_new = _start(path, line, ",".join(fields), is_last), True
            continue
        if "r" in fields and "t" in fields:  # the names of the columns
            missing = [name for name in COLUMNS if name not in fields]
            if missing:
                raise IntegrityError(f"{path} line {line} is not what Monitor writes: columns {', '.join(fields)}, without {', '.join(missing)}")
            start, is_new, names = (None if sessions and not is_new else start), True, fields
            continue
        if not names:
            raise IntegrityError(f"{path} line {line} is not what Monitor writes: expected the names of the columns, {', '.join(COLUMNS)}")
        episode = _episode(path, line, fields, names, is_last, notes)
        if episode is None:
            continue
        r, n, t = episode
        falls = bool(sessions) and not is_new and t < sessions[-1].clock[-1]
        if falls and is_last and not _ends_with_newline(path):  # the last number of a line that was cut
            notes.append(_cut(path, line))
            continue
        if is_new or falls:
            sessions.append(Session(None if falls else start, line))
            is_new = False
        sessions[-1].returns.append(r)
        sessions[-1].lengths.append(n)
        sessions[-1].clock.append(t)
    if len(sessions) > 1:
        lines = ", ".join(str(session.line) for session in sessions[1:])
        notes.append(f"{path}: a job that was continued (at line {lines}); its episodes are read in the file's order")
    return sessions


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line, fields) of every row that is not blank."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        try:
            return [(reader.line_num, fields) for fields in reader if any(fields)]
        except csv.Error as error:
            raise IntegrityError(f"{path} line {reader.line_num} is not what Monitor writes: {error}") from None


def _start(path: Path, line: int, text: str, is_last: bool) -> float | None:
    try:
        start = float(json.loads(text[1:])["t_start"])
        return start if math.isfinite(start) else None
    except (ValueError, KeyError, TypeError):
        if is_last and line > 1:  # cut, and nothing is lost by it
            return None
        raise IntegrityError(f"{path} line {line} is not what Monitor writes: no JSON with t_start behind the #") from None


def _episode(path: Path, line: int, fields: list[str], names: list[str], is_last: bool, notes: list[str]) -> tuple[float, int, float] | None:
    """(r, l, t) of a row; None for the last row if it was cut."""
    try:
        if len(fields) != len(names):
            raise ValueError(f"{len(fields)} fields under the {len(names)} columns {','.join(names)}")
        r, n, t = (float(fields[names.index(name)]) for name in COLUMNS)
    except ValueError as error:
        if is_last and len(fields) <= len(names):
            notes.append(_cut(path, line))
            return None
        raise IntegrityError(f"{path} line {line} is no episode: {error}. If a kill cut it and the next job wrote on, remove the line") from None
    for name, value in (("return r", r), ("time t", t)):
        if not math.isfinite(value):
            raise IntegrityError(f"{path} line {line}: {name} is {value}. A run with such an episode has failed: remove its folder, and its seed "
                                 "counts as missing")  # fmt: skip
    if n < 1 or n % 1:  # infinity and NaN are no whole numbers either
        raise IntegrityError(f"{path} line {line}: length l is {fields[names.index('l')]}; an episode has a whole number of steps, at least 1")
    return r, int(n), t


def _cut(path: Path, line: int) -> str:
    return f"{path} line {line} was cut off; that episode is left out"


def _ends_with_newline(path: Path) -> bool:
    return path.read_bytes()[-1:] in (b"\n", b"\r")
