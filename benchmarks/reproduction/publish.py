"""Pack a study to be committed: python -m benchmarks.reproduction.publish studies/quickstart results/quickstart

The copy is in the packed form (`benchmarks.store.packed`), whatever form the study has. It has every run with the seal of the day on which the run ended,
without its trained model, but for the median runs that the report shows in motion; each record says what was left out. It has the films of those, and a
report of its own; the study of a paper's claim has its record instead, and a folder of such studies is packed at once.
Nothing is played: films are made by sb3-course compare, or by report with --trust. With --unpack a packed study becomes one with a
folder for each run again, to which runs can be added.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import HarnessError, IncompleteData, UserError
from benchmarks.claims import claim, page, record
from benchmarks.store import packed, records
from benchmarks.store.files import made_whole, refuse_existing
from benchmarks.store.store import Store, open_study
from benchmarks.studies.plan import runs_by_id
from benchmarks.studies.study import MEDIAN

Report = Callable[[Path], Any]  # writes the report of the study in a folder


def publish(source: Store, target: Path, report: Report | None = None) -> Store:
    """Pack a finished study without its models, but for those of the median runs. UserError if the target exists, IncompleteData if a run is missing."""
    refuse_existing(target)
    runs = source.runs()
    unfinished = runs[runs["status"] != "finished"]
    if len(unfinished):
        raise IncompleteData(f"{len(unfinished)} of {len(runs)} runs of {source.path} are not finished; sb3-course status names them")
    if not source.keeps_models:
        return packed_copy(source, target, report=report)
    from benchmarks.evidence import analysis
    from benchmarks.report import films

    records.demand(source.study())
    return packed_copy(source, target, films.median_runs(source, analysis.analyse(source.study(), runs, source.curves())), report)


def packed_copy(source: Store, target: Path, with_model: Collection[str] = (), report: Report | None = None) -> Store:
    """Every run of a finished study, packed, without its model unless it is named, and the study's films; whole, with its report, or not at all."""
    from benchmarks.report import films

    study = source.study()
    records.demand(study)
    command = re.sub(r" --out[ =]\S+", "", study.command or "")  # where it lay first concerns nobody
    with made_whole(target) as place:
        packed.pack(source, place, replace(study, command=command, keep_models=MEDIAN if with_model else False), with_model)
        films.copy(source, Store(place))
        if report is not None:
            report(place)
    return Store(target)


def compacted(source: Store, target: Path, with_models: bool = True) -> Store:
    """Every run of a finished study in a few files, with all its models or none, without a report; whole or not at all."""
    refuse_existing(target)
    records.demand(source.study())
    finished = [run.id for run, state, _ in source.states(runs_by_id(run for _, run in source.planned()).values()) if state == "finished"]
    unfinished = len({run.id for _, run in source.planned()}) - len(finished)
    if unfinished:
        raise IncompleteData(f"{unfinished} runs of {source.path} are not finished, and a packed study takes no more; sb3-course status names them")
    with made_whole(target) as place:
        study = source.study()
        packed.pack(source, place, study if with_models else replace(study, keep_models=False), finished if with_models else ())
    return Store(target)


def unpacked_copy(source: Store, target: Path, report: Report | None = None) -> Store:
    """A packed study with a folder for each run again, and its films. UserError if it is none, or the target exists."""
    from benchmarks.report import films

    if not source.is_packed:
        raise UserError(f"{source.path} is not packed: it has a folder for each run")
    records.demand(source.study())
    with made_whole(target) as place:
        packed.unpack(source, place)
        films.copy(source, Store(place))
        if report is not None:
            report(place)
    return Store(target)


def claims_in(folder: Path) -> list[Store]:
    """The studies of claims that lie in a folder, such as studies/claims."""
    inside = [Store(path) for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() and not Store(folder).exists() else []
    return [store for store in inside if store.exists() and store.study().claim]


def publish_claims(sources: Collection[Store], target: Path) -> list[str]:
    """Pack the studies of claims into a folder, each with its record, and write the folder's page; those that are there already stay. Their names."""
    new = [source for source in sources if not (target / source.path.name).exists()]
    for source in new:
        publish(source, target / source.path.name, lambda place: record.write(Store(place), claim.find(place.name)))
    page.write(target)
    return [source.path.name for source in new]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reproduction.publish", description="Pack a study without its models, to be committed.")
    parser.add_argument("study", help="the study's folder")
    parser.add_argument("target", type=Path, help="a new folder, such as results/quickstart")
    parser.add_argument("--unpack", action="store_true", help="of a packed study make one with a folder for each run")
    parser.add_argument("--install", action="store_true", help="of claims: their verdicts are also what reports say of them")
    args = parser.parse_args(words)
    try:
        folders = claims_in(Path(args.study))
        if folders and not args.unpack:
            for name in publish_claims(folders, args.target):
                print(args.target / name)
            if args.install:
                page.install(args.target)
            return 0
        source = open_study(args.study)
        from benchmarks.report.page import render

        named = (source.study().claim or {}).get("name")
        report: Report = render if named is None else lambda place: record.write(Store(place), claim.find(named))
        copy = (unpacked_copy if args.unpack else publish)(source, args.target, report)
        print(copy.path / (record.VERDICT if named else "report/report.html"))
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
