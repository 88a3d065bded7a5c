"""Pack a study to be committed: python -m benchmarks.reproduction.publish studies/quickstart results/quickstart

The copy is in the packed form (`benchmarks.store.packed`), whatever form the study has. It has every run with the seal of the day on which the run ended,
without its trained model, but for the median runs that the report shows in motion; each record says what was left out. It has the films of those, and a
report of its own. Nothing is played: films are made by sb3-course compare, or by report with --trust. With --unpack a packed study becomes one with a
folder for each run again, to which runs can be added.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from benchmarks import HarnessError, IncompleteData, UserError
from benchmarks.store import packed, records
from benchmarks.store.store import Store, open_study
from benchmarks.studies.study import MEDIAN


def publish(source: Store, target: Path) -> Store:
    """Pack a finished study without its models, but for those of the median runs. UserError if the target exists, IncompleteData if a run is missing."""
    if target.exists():
        raise UserError(f"{target} exists already: remove it first, or choose another folder")
    runs = source.runs()
    unfinished = runs[runs["status"] != "finished"]
    if len(unfinished):
        raise IncompleteData(f"{len(unfinished)} of {len(runs)} runs of {source.path} are not finished; sb3-course status names them")
    if not source.keeps_models:
        return packed_copy(source, target)
    from benchmarks.evidence import analysis
    from benchmarks.report import films

    records.demand(source.study())
    return packed_copy(source, target, films.median_runs(source, analysis.analyse(source.study(), runs, source.curves())))


def packed_copy(source: Store, target: Path, with_model: Collection[str] = ()) -> Store:
    """Every run of a finished study, packed, without its model unless it is named, and the study's films."""
    from benchmarks.report import films

    study = source.study()
    records.demand(study)
    command = re.sub(r" --out[ =]\S+", "", study.command or "")  # where it lay first concerns nobody
    packed.pack(source, target, replace(study, command=command, keep_models=MEDIAN if with_model else False), with_model)
    copy = Store(target)
    films.copy(source, copy)
    return copy


def unpacked_copy(source: Store, target: Path) -> Store:
    """A packed study with a folder for each run again, and its films. UserError if it is none, or the target exists."""
    from benchmarks.report import films

    if not source.is_packed:
        raise UserError(f"{source.path} is not packed: it has a folder for each run")
    records.demand(source.study())
    packed.unpack(source, target)
    copy = Store(target)
    films.copy(source, copy)
    return copy


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reproduction.publish", description="Pack a study without its models, to be committed.")
    parser.add_argument("study", help="the study's folder")
    parser.add_argument("target", type=Path, help="a new folder, such as results/quickstart")
    parser.add_argument("--unpack", action="store_true", help="of a packed study make one with a folder for each run")
    args = parser.parse_args(words)
    try:
        source = open_study(args.study)
        copy = unpacked_copy(source, args.target) if args.unpack else publish(source, args.target)
        from benchmarks.report.page import render

        print(render(copy.path).path)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
