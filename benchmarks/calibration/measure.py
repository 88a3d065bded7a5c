"""Carrying the experiments out, on several processes, piece by piece.

Every study has a random stream of its own, made from the seed, its design and its number: the result does not depend on the number of processes. What is
done is kept in a file until the end: started again, the same measurement goes on.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks import stats
from benchmarks.calibration.experiments import EXPERIMENTS, Row, designs
from benchmarks.calibration.populations import score_files

CHUNK = 50  # studies in one piece of work


@cache
def source_hash() -> str:
    """sha256 over the code that was calibrated, and over the real scores that are a population."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), *sorted(Path(stats.__file__).parent.glob("*.py")), *score_files()]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _name(experiment: str, design: Row) -> str:
    return experiment + json.dumps(design, sort_keys=True)


def work(experiment: str, design: Row, first: int, last: int, seed: int) -> dict[str, list[float]]:
    """Studies first … last−1 of a design: for each thing counted, the number of studies that claimed something, and the sum."""
    counted: dict[str, list[float]] = {}
    for study in range(first, last):
        key = crc32(_name(experiment, design).encode())
        found = EXPERIMENTS[experiment](design, np.random.default_rng([seed, key, study]), seed=study)
        for what, value in found.items():
            entry = counted.setdefault(what, [0, 0.0, 0])
            entry[0] += not np.isnan(value)
            entry[1] += 0.0 if np.isnan(value) else value
            entry[2] += 1
    return counted


def _pieces(table: list[Row], experiment: str, repetitions: int) -> Iterator[tuple[str, int, Row, int, int]]:
    for k, design in enumerate(table):
        for first in range(0, repetitions, CHUNK):
            yield experiment, k, design, first, min(first + CHUNK, repetitions)


def measure(
    repetitions: int, resamples: int, jobs: int, seed: int, only: tuple[str, ...] = tuple(EXPERIMENTS), progress: Path | None = None
) -> dict[str, list[Row]]:
    """Every table, as rows: the design, what was counted, in how many studies, how many of them claimed something, and the share.

    progress: a file that keeps each piece of work that is done, so that the same measurement can go on if it is cut short.
    """
    tables = {name: table for name, table in designs(resamples).items() if name in only}
    pieces = [piece for name, table in tables.items() for piece in _pieces(table, name, repetitions)]
    pieces.sort(key=lambda piece: -piece[2]["n"] * piece[2]["tasks"])  # the dearest first
    named = {f"{_name(piece[0], piece[2])} {piece[3]}-{piece[4]}, seed {seed}, source {source_hash()}": piece for piece in pieces}
    done = {key: counted for key, counted in _kept(progress) if key in named}
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):  # the spawned processes read them
        os.environ[threads] = "1"
    begin, before = time.monotonic(), len(done)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(work, name, design, first, last, seed): key for key, (name, _, design, first, last) in named.items() if key not in done}
        for future in as_completed(waiting):
            key = waiting[future]
            done[key] = future.result()
            if progress is not None:
                with progress.open("a", encoding="utf-8") as file:
                    file.write("\n" + json.dumps([key, done[key]]))  # on a line of its own, after one that may have been cut short
            if len(done) % max(1, len(pieces) // 40) == 0 or len(done) == len(pieces):
                passed = time.monotonic() - begin
                left = passed / (len(done) - before) * (len(pieces) - len(done))
                print(f"{len(done)} of {len(pieces)} pieces, {passed:.0f} s, less than {left:.0f} s left", file=sys.stderr, flush=True)
    sums: dict[tuple[str, int], dict[str, list[float]]] = {}
    for key, (name, k, *_) in named.items():
        entry = sums.setdefault((name, k), {})
        for what, numbers in done[key].items():
            entry[what] = [a + b for a, b in zip(entry.get(what, [0, 0.0, 0]), numbers, strict=True)]
    found: dict[str, list[Row]] = {}
    for name, table in tables.items():
        found[name] = []
        for k, design in enumerate(table):
            for what, (claimed, total, studies) in sorted(sums[name, k].items()):
                row = {key: value for key, value in design.items() if key not in ("resamples", "study") and (key != "correlation" or name == "assumptions")}
                found[name].append({"kind": what, **row, "repetitions": int(studies), "claimed": int(claimed),
                                    "share": round(total / claimed, 4) if claimed else None})
    return found


def _kept(progress: Path | None) -> list[tuple[str, dict[str, list[float]]]]:
    """The pieces that an earlier, unfinished measurement has done; a line that was cut short is left out."""
    found = []
    for line in progress.read_text(encoding="utf-8").splitlines() if progress is not None and progress.is_file() else []:
        try:
            key, counted = json.loads(line)
        except ValueError:  # empty, or cut short
            continue
        found.append((key, counted))
    return found
