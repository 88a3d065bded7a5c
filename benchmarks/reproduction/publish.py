"""Copy a study to where it can be committed: python -m benchmarks.reproduction.publish studies/quickstart results/quickstart

The copy has every run without its trained model, but for the median runs that the report shows in motion (each run.json sealed anew and saying what
was left out), the films of those, and a report of its own. Nothing is played: films are made by sb3-course compare, or by report with --trust.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from benchmarks import HarnessError, IncompleteData, UserError
from benchmarks.store import records
from benchmarks.store.store import Store, open_study, write_whole
from benchmarks.studies.study import MEDIAN, digest

MODELS = ("model.zip", "vecnormalize.pkl", "vecnormalize.npz")


def publish(source: Store, target: Path) -> Store:
    """Copy a finished study without its models, but for those of the median runs. UserError if the target exists, IncompleteData if a run is missing."""
    if target.exists():
        raise UserError(f"{target} exists already: remove it first, or choose another folder")
    runs = source.runs()
    unfinished = runs[runs["status"] != "finished"]
    if len(unfinished):
        raise IncompleteData(f"{len(unfinished)} of {len(runs)} runs of {source.path} are not finished; sb3-course status names them")
    if not source.keeps_models:
        return copy_runs(source, target)
    from benchmarks.evidence import analysis
    from benchmarks.report import films as animation

    records.demand(source.study())
    return copy_runs(source, target, animation.median_runs(source, analysis.analyse(source.study(), runs, source.curves())))


def copy_runs(source: Store, target: Path, with_model: Collection[str] = ()) -> Store:
    """Every run of a finished study, without its model unless it is named (sealed anew, saying what was left out), and the study's films."""
    from benchmarks.report import films as animation

    study = source.study()
    records.demand(study)
    copy = Store(target)
    command = re.sub(r" --out[ =]\S+", "", study.command or "")  # where it lay first concerns nobody
    copy.save_study(replace(study, command=command, keep_models=MEDIAN if with_model else False))
    for run_id in dict.fromkeys(run.id for _, run in source.planned()):
        record = source.record(run_id)
        assert record is not None  # it is finished
        record.pop("seal")
        record["left_out"] = [name for name in MODELS if run_id not in with_model and record["files"].pop(name, None)]
        directory = copy.runs_path / run_id
        directory.mkdir()
        for name in record["files"]:  # names and hashes that the record's seal covers, of regular files in this folder: Store.record has seen to it
            shutil.copyfile(source.runs_path / run_id / name, directory / name, follow_symlinks=False)
        write_whole(directory / "run.json", json.dumps({**record, "seal": digest(record)}, indent=1, ensure_ascii=False))
    animation.copy(source, copy)
    return copy


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reproduction.publish", description="Copy a study without its models, to be committed.")
    parser.add_argument("study", help="the study's folder")
    parser.add_argument("target", type=Path, help="a new folder, such as results/quickstart")
    args = parser.parse_args()
    try:
        copy = publish(open_study(args.study), args.target)
        from benchmarks.report.page import render

        print(render(copy.path).path)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
