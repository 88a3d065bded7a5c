"""sb3-course register: the digest of a study's plan, margin, seeds, references and code, to be posted before it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.evidence import sequential
from benchmarks.reproduction import archive
from benchmarks.store import records
from benchmarks.studies import plan, registration
from benchmarks.studies.study import Study
from sb3_course.commands.compare import planned_study, show


def run(args: argparse.Namespace) -> int:
    study = _stored(args) or _asked(args)
    show(_table(f"{study.name}: registration", registration.described(study)))
    print(f"The digest covers: {registration.COVERS}.")
    print(f"Registered as {registration.digest_of(study)}")
    return 0


def _stored(args: argparse.Namespace) -> Study | None:
    """The study of a folder or an archive, before or after its runs; None where the words name a suite, or algorithms and tasks."""
    name = args.suite
    if name is None or "=" in name or not (archive.is_archive(name) or (Path(name) / "study.yaml").is_file()):
        return None
    with archive.opened(name) as store:
        study = store.study()
    records.demand(study)
    return study


def _asked(args: argparse.Namespace) -> Study:
    """The study that `compare` would run with the same words."""
    study = planned_study(args)
    if args.sequential:
        study = study.asking(sequential=sequential.settings(study.seeds, args.batch))
        sequential.hypotheses(study)
    return plan.pinned(study)


def _table(title: str, rows: list[tuple[str, str]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    for part, words in rows:
        table.add_row(escape(part), escape(words))
    return table
