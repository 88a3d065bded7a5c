"""sb3-course query and compact: what a study's tables say, and a study in a few files."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import UserError
from benchmarks.store.store import open_study
from sb3_course.commands.compare import show

MOST_SHOWN = 40  # rows


def run(args: argparse.Namespace) -> int:
    from rich.table import Table

    from benchmarks.store.query import query

    frame = query(args.sql, [open_study(name) for name in args.study])
    if args.csv:
        from benchmarks.report.exports import table
        from benchmarks.store.files import write_whole

        write_whole(Path(args.csv), table(frame))
        print(f"{len(frame):,} rows: {args.csv}")
        return 0
    shown = Table(*map(str, frame.columns))
    for row in frame.head(MOST_SHOWN).itertuples(index=False):
        shown.add_row(*(f"{value:g}" if isinstance(value, float) else str(value) for value in row))
    show(shown)
    if len(frame) > MOST_SHOWN:
        print(f"The first {MOST_SHOWN} of {len(frame):,} rows; --csv FILE writes all of them")
    return 0


def compact(args: argparse.Namespace) -> int:
    from benchmarks.reproduction.publish import compacted

    source, target = open_study(args.study), Path(args.target)
    if source.is_packed:
        raise UserError(f"{source.path} is packed already")
    compacted(source, target, with_models=not args.no_models)
    n = len({run.id for _, run in source.planned()})
    print(f"{n:,} runs in {sum(1 for path in target.rglob('*') if path.is_file()):,} files: {target}. sb3-course reads it as it reads {source.path}, "
          "which can be removed")  # fmt: skip
    return 0
