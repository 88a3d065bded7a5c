"""`python -m benchmarks.calibration`: how often the report's intervals hold, and how often its claims are false, measured.

Studies are drawn from populations whose truth is known (`populations`), analysed by the functions that the report uses (`experiments`), and counted
(`measure`); `page` writes what was found. What is done is kept in progress.jsonl of --out until the end: started again, the same command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks import stats
from benchmarks.calibration.experiments import EXPERIMENTS
from benchmarks.calibration.measure import measure, source_hash
from benchmarks.calibration.page import as_csv, beside_older, write
from benchmarks.calibration.populations import ROOT, score_files
from benchmarks.store.files import write_whole

PUBLISHED = ROOT / "results" / "calibration"
READ_BY_REPORTS = Path(stats.__file__).with_name("coverage.csv")
RATES_READ_BY_REPORTS = Path(stats.__file__).with_name("assumptions.csv")


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description="How often the report's intervals hold, and its claims are false.")
    top.add_argument("--repetitions", type=int, default=1000, metavar="N", help="studies per design (default 1000)")
    top.add_argument("--resamples", type=int, default=400, metavar="N", help="bootstrap and permutation resamples per analysis (default 400)")
    top.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)")
    top.add_argument("--seed", type=int, default=0)
    top.add_argument("--out", type=Path, default=PUBLISHED, metavar="DIR")
    top.add_argument("--only", choices=tuple(EXPERIMENTS), action="append", metavar="TABLE",
                     help=f"measure this table alone (again for another), and keep the others of --out: {', '.join(EXPERIMENTS)}")
    top.add_argument("--install", action="store_true", help="also make it the table from which reports take their warnings")
    args = top.parse_args(arguments)
    if min(args.repetitions, args.resamples, args.jobs) < 1:
        top.error("--repetitions, --resamples and --jobs must be at least 1")
    begin = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    progress = args.out / "progress.jsonl"
    tables = measure(args.repetitions, args.resamples, args.jobs, args.seed, tuple(args.only or EXPERIMENTS), progress)
    only = "".join(f" --only {name}" for name in args.only or [])
    command = f"python -m benchmarks.calibration --repetitions {args.repetitions} --resamples {args.resamples} --seed {args.seed}{only} --install"
    how = {
        "command": command, "repetitions": args.repetitions, "resamples": args.resamples, "seed": args.seed, "jobs": args.jobs,
        "seconds": round(time.monotonic() - begin), "source": source_hash(), "python": platform.python_version(), "system": platform.system(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba")},
        "populations": {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in score_files()},
    }  # fmt: skip
    if args.only:
        tables, how = beside_older(args.out, tables, how)
    write(args.out, tables, how)
    if args.install:
        write_whole(READ_BY_REPORTS, as_csv(tables["coverage"]))
        write_whole(RATES_READ_BY_REPORTS, as_csv(tables["assumptions"]))
    progress.unlink(missing_ok=True)
    print(args.out / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
