"""`python -m sb3_course.teaching.alarms`: how often a check would have failed a right answer, had it drawn other random numbers.

Every fast probe that draws any is tried with other seeds, on both right answers of its exercise; what was found is kept in results/course, as alarms.csv and a
page. A probe is tried with 200 seeds, or with as many as its seconds allow: where they are fewer, the row says so, and by how many standard deviations the
measured value keeps within its bounds. What is there is kept as long as the check and its answers say the same; started again, the same command goes on.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import io
import math
import platform
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.store.files import write_whole
from sb3_course.teaching import answers, checks
from sb3_course.teaching.checks import Outcome, Probe
from sb3_course.teaching.course import HERE, Course, Exercise
from sb3_course.teaching.judging import Judge

PUBLISHED = HERE.parent / "results" / "course"
SEEDS = 200  # of a probe
LEAST, SECONDS = 10, 20.0  # at least so many seeds, however long they take; seconds of a processor after which no more are tried
RIGHT = ("solution.py", "other.py")
ENOUGH = 20  # runs of a probe, from which a standard deviation is told


@dataclass(frozen=True)
class Row:
    """What came of one probe with other seeds, each tried on both right answers."""

    module: str
    exercise: str
    probe: str  # "" of an exercise whose probes draw nothing: one run of them is all there is
    seeds: int
    false_alarms: int  # of 2 * seeds runs
    mean: float | None  # of what is judged, where that is one number; None where it is not, or always the same
    sd: float | None
    low: float | None  # what passes
    high: float | None
    seconds: float  # of a processor
    source: str  # hash of the check and its right answers
    said: str = ""  # of the first false alarm

    @property
    def runs(self) -> int:
        return len(RIGHT) * self.seeds

    @property
    def room(self) -> float | None:
        """Standard deviations between the mean and the nearer bound; None where nothing varies but by rounding, and where the runs are too few to say."""
        if self.mean is None or not self.sd or self.runs < ENOUGH:
            return None
        found = min(abs(end - self.mean) / self.sd for end in (self.low, self.high) if end is not None and math.isfinite(end))
        return found if found < 1000 else None


def source_of(exercise: Exercise) -> str:
    """Of what decides: the check and the right answers, without comments and layout."""
    trees = (ast.dump(ast.parse((exercise.folder / name).read_bytes())) for name in ("check.py", *RIGHT))
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


def tried(probe: Probe, module: Any, seed: int) -> Outcome | None:
    """What a right answer gives with other random numbers; None from a probe that draws none."""
    checks.seed_offset = 1000 * seed
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            found = checks.outcome(probe, module, False)
    finally:
        checks.seed_offset = 0
    return found if checks.uses_seeds else None


def alarm(probe: Probe, found: Outcome) -> str | None:
    """What the learner would have been told; None where nothing."""
    return (found.text or found.kind) if found.kind != "value" else probe.wrong_with(found.value)


def measure(exercise: Exercise, seeds: int, least: int, seconds: float, known: dict[str, Row], say: Callable[[list[Row]], None]) -> list[Row]:
    """The rows of an exercise. say(rows) is told after each probe of those that there are so far."""
    right = [answers.load(exercise.folder / name, f"right_{name[:-3]}") for name in RIGHT]
    source, rows = source_of(exercise), list[Row]()
    for probe in Judge(exercise).probes:
        row = known.get(probe.name)
        if row is None or row.source != source:
            low, high = _bounds(probe)
            row = Row(exercise.module, exercise.name, probe.name, 0, 0, None, None, low, high, 0.0, source)
        row = _more(row, probe, right, seeds, least, seconds)
        if row is not None:
            rows.append(row)
            say(rows)
    return rows or [Row(exercise.module, exercise.name, "", 0, 0, None, None, None, None, 0.0, source)]


def _more(row: Row, probe: Probe, right: list[Any], seeds: int, least: int, seconds: float) -> Row | None:
    """The row with further seeds; None of a probe that draws nothing."""
    values = list[float]()
    alarms, said, begin, k = row.false_alarms, row.said, time.process_time(), row.seeds
    while k < seeds and (k < least or row.seconds + time.process_time() - begin < seconds):
        k += 1
        for module in right:
            found = tried(probe, module, k)
            if found is None:
                return None
            wrong = alarm(probe, found)
            alarms, said = alarms + bool(wrong), said or f"seed {k}: {wrong}" if wrong else said
            if isinstance(found.value, float | int) and not isinstance(found.value, bool):
                values.append(float(found.value))
    mean, sd = _joined(row, values)
    return replace(row, seeds=k, false_alarms=alarms, said=said, mean=mean, sd=sd, seconds=round(row.seconds + time.process_time() - begin, 1))


def _joined(row: Row, values: list[float]) -> tuple[float | None, float | None]:
    """Mean and standard deviation of what the row has seen and of the new values; None where what is judged is no number, or no float at all varied."""
    if not values:
        return row.mean, row.sd
    old, new = row.runs if row.mean is not None else 0, len(values)
    mean_new = math.fsum(values) / new
    square = math.fsum((value - mean_new) ** 2 for value in values)
    if not old:
        return mean_new, math.sqrt(square / max(new - 1, 1))
    assert row.mean is not None and row.sd is not None
    mean = (old * row.mean + new * mean_new) / (old + new)
    square += (old - 1) * row.sd**2 + old * new / (old + new) * (mean_new - row.mean) ** 2
    return mean, math.sqrt(square / (old + new - 1))


def _bounds(probe: Probe) -> tuple[float | None, float | None]:
    if probe.between is not None:
        return probe.between
    right = probe.right()
    if isinstance(right, float | int) and not isinstance(right, bool):
        return float(right) - probe.tolerance, float(right) + probe.tolerance
    return None, None


# ------------------------------------------------------------------------------------------------------------------ files


def read(folder: Path = PUBLISHED) -> list[Row]:
    """The published rows; none where there is no file."""
    path = folder / "alarms.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**{field.name: _value(str(field.type), line[field.name]) for field in fields(Row)}) for line in csv.DictReader(file)]


def _value(kind: str, text: str) -> Any:
    if kind == "str":
        return text
    if not text:
        return None
    return int(text) if kind == "int" else float(text)


def write(rows: list[Row], folder: Path = PUBLISHED, untried: Iterable[str] = ()) -> None:
    """alarms.csv, and README.md with a line for each exercise, and the names of those that were not tried."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    table.writerow(names)
    for row in rows:
        table.writerow(["" if (value := getattr(row, name)) is None else f"{value:.6g}" if isinstance(value, float) else value for name in names])
    write_whole(folder / "alarms.csv", text.getvalue())
    write_whole(folder / "README.md", page(rows, untried))


def page(rows: list[Row], untried: Iterable[str] = ()) -> str:
    """What was found, in words, and a table with a line for each exercise."""
    by_exercise = dict[str, list[Row]]()
    for row in rows:
        by_exercise.setdefault(row.exercise, []).append(row)
    drawing = [row for row in rows if row.probe]
    fewer = sum(row.seeds < SEEDS for row in drawing)
    still = sum(not found[0].probe for found in by_exercise.values())
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "gymnasium"))
    lines = [
        "# False alarms of the course's checks",
        "",
        "A check that fails a right answer teaches the wrong thing. Every fast probe that draws random numbers was tried with other ones than a learner",
        "meets, on both right answers of its exercise.",
        "",
        f"{len(drawing)} probes of {len(by_exercise) - still} exercises draw: {sum(row.runs for row in drawing)} runs,",
        f"**{sum(row.false_alarms for row in drawing)} false alarms**. The other {still} exercises draw nothing, so one run of them is all there is.",
        "",
        f"{len(drawing) - fewer} probes were tried with {SEEDS} seeds, {fewer} with fewer, since they take longer. *Room* says how many standard deviations",
        "of the measured value, over these runs, lie between its mean and the nearer bound: the least of the exercise, of probes that judge one number",
        f"which varies, and that were run {ENOUGH} times or more.",
        "",
        *([f"Not tried yet: {', '.join(f'`{name}`' for name in untried)}.", ""] if untried else []),
        "Made by `python -m sb3_course.teaching.alarms`, which goes on where it was, and measures an exercise again whose check or right answers say",
        f"something else. Python {platform.python_version()}, {versions}. Every probe is a row of [alarms.csv](alarms.csv), with `source`, the hash of the",
        "check and of the answers that were tried. Seconds are of one processor.",
        "",
        "| module | exercise | probes that draw | seeds | runs | false alarms | room | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_line, by_exercise.values())]) + "\n"


def _line(rows: list[Row]) -> str:
    """Of the table: an exercise."""
    name = f"| {rows[0].module} | `{rows[0].exercise}` |"
    if not rows[0].probe:
        return f"{name} 0 | | | | | |"
    least, most = min(row.seeds for row in rows), max(row.seeds for row in rows)
    rooms = [row.room for row in rows if row.room is not None]
    facts = [len(rows), least if least == most else f"{least} to {most}", sum(row.runs for row in rows), sum(row.false_alarms for row in rows),
             f"{min(rooms):.1f}" if rooms else "", f"{sum(row.seconds for row in rows):.0f}"]  # fmt: skip
    return f"{name} {' | '.join(map(str, facts))} |"


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m sb3_course.teaching.alarms", description="How often a check would fail a right answer: other random numbers.")
    top.add_argument("exercise", nargs="*", help="measure these alone (default: all)")
    top.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"of every probe (default: {SEEDS})")
    top.add_argument("--least", type=int, default=LEAST, metavar="N", help=f"of every probe, however long they take (default: {LEAST})")
    top.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help=f"of a processor; then a probe gets no more seeds (default: {SECONDS:g})")
    top.add_argument("--out", type=Path, default=PUBLISHED, metavar="DIR")
    args = top.parse_args(arguments)
    course = Course()
    chosen = [course.exercise(name) for name in args.exercise] or list(course.exercises.values())
    found = {name: [row for row in read(args.out) if row.exercise == name] for name in course.exercises}

    def keep(name: str, rows: list[Row]) -> None:
        found[name] = rows
        write([row for name in course.exercises for row in found[name]], args.out, [name for name in course.exercises if not found[name]])

    for exercise in chosen:
        known = {row.probe: row for row in found[exercise.name]}

        def said(rows: list[Row], name: str = exercise.name, known: dict[str, Row] = known) -> None:
            there = {row.probe for row in rows}
            keep(name, rows + [row for probe, row in known.items() if probe and probe not in there])

        rows = measure(exercise, args.seeds, args.least, args.seconds, known, said)
        keep(exercise.name, rows)
        print(f"{exercise.name}: {sum(row.false_alarms for row in rows)} false alarms, seeds {min(row.seeds for row in rows)}", flush=True)
        for row in rows:
            if row.said:
                print(f"  {row.probe}, {row.said}", flush=True)
    return 3 if any(row.false_alarms for rows in found.values() for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
