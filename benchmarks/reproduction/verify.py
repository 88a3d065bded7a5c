"""Does a study hold what its report says? Four levels, each with those before it.

1  integrity   every file is the one that was written, the plan and its seeds are those that were hashed, every row of every table is of its run, every
               score is the mean of its episodes, the report is of this store
2  analysis    every number and every word of the report is made again by this code from the stored rows, and is the same
3  sample      some runs, drawn by the verifier's own chance, are trained again: the same weights, scores and episodes
4  everything  the whole study is run again, in a folder that holds nothing else, and old and new are compared run by run

A study's author chooses everything that stands in it, so nothing that stands in it chooses how strictly it is checked. Where a check could not be made (other
code words a page otherwise, another processor rounds a run otherwise) it is "unverified", which is not passed. What no level can see is said by `unseen`.
What fails is named: the run and its file, the number by its place in report.json, the line of the page.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from benchmarks import HarnessError
from benchmarks.reproduction.analysis import analysis
from benchmarks.reproduction.everything import everything
from benchmarks.reproduction.findings import Finding, Misuse, Show
from benchmarks.reproduction.integrity import integrity
from benchmarks.reproduction.sample import sample as trained_again
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.studies import parts, trust

LEVELS = {1: "integrity", 2: "analysis", 3: "sample", 4: "everything"}


def verify(
    store: Store, level: int, *, sample: int = 2, seed: int | None = None, runs: tuple[str, ...] = (), out: Path | None = None, secret: str | None = None,
    workers: int = 1, show: Show | None = None, registered: str | None = None, trusted: bool = False,
) -> Iterator[Finding]:  # fmt: skip
    """The findings, in order, up to a level.

    sample, seed: how many runs level 3 trains again and how they are drawn (by default by chance, and said); runs: or these, by name.
    out: where level 4 keeps the runs that it makes, by default nowhere. With the secret of an interrupted verification it continues there.
    registered: the digest that the author posted before the runs (`benchmarks.studies.registration`).
    trusted: levels 3 and 4 may run what is not this project's own.
    """
    if level not in LEVELS:
        raise Misuse(f"--level {level}: there are {', '.join(f'{k} ({word})' for k, word in LEVELS.items())}")
    if sample < 1:
        raise Misuse(f"--sample {sample}: at least 1 run has to be trained again")
    if registered is not None and not records.is_hash(registered):
        raise Misuse(f"--registered {registered}: a digest is the 64 characters that sb3-course register prints")
    show = show or (lambda progress: None)
    if level >= 3:  # which train, where those below only read
        records.demand(store.study())
        trust.demand(trust.foreign(store.study()), f"level {level} of {store.path.name}", trusted)
        parts.make_available(store.study())
    readable = True
    for finding in guarded(1, "integrity", integrity(store, registered)):
        yield finding
        readable = readable and not (finding.state == "fail" and finding.what in ("records", "tables", "integrity"))
    if not readable:
        for k in range(2, level + 1):
            yield Finding(k, LEVELS[k], "unverified", "not looked at: nothing is computed from records or tables that are not of their form")
        return
    if level >= 2:
        yield from guarded(2, "analysis", analysis(store))
    if level >= 3:
        yield from guarded(3, "sample", trained_again(store, sample, secrets.randbits(32) if seed is None else seed, runs, workers, show))
    if level >= 4:
        yield from guarded(4, "everything", everything(store, out, secret, workers, show))


def guarded(level: int, what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot even be computed is a finding too, whatever a hostile file brings about; a mistake of the verifier's is not."""
    try:
        yield from findings
    except Misuse:
        raise
    except (HarnessError, OSError) as error:
        yield Finding(level, what, "fail", str(error))
    except Exception as error:
        lines = str(error).splitlines()
        yield Finding(level, what, "fail", f"cannot be checked: {type(error).__name__}{f': {lines[0][:200]}' if lines else ''}")
