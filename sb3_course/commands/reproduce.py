"""sb3-course reproduce: verify a study, or an archive of one, at one of four levels. The exit code is 0 if all holds and 4 if anything does not."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, archive, launchers
from sb3_course.commands.compare import show

MARKS = {"pass": "[green]pass[/]", "note": "[yellow]note[/]", "fail": "[bold red]FAIL[/]"}


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    from benchmarks import reproduce
    from benchmarks.store import write_whole
    from sb3_course.commands.compare import Display

    begin = time.perf_counter()
    findings = []
    workers = args.jobs or (launchers.physical_cores() if args.level == 4 else 1)
    with archive.opened(args.study) as store, Display() as display:
        options: dict[str, Any] = {"sample": args.sample, "seed": args.seed, "runs": tuple(args.run), "workers": workers, "show": display}
        options["trusted"] = args.trust
        if args.out:
            options["out"] = Path(args.out)
        elif archive.is_archive(args.study):
            options["out"] = Path(f"{Path(args.study).name.partition('.')[0]}-again")
        findings = list(reproduce.verify(store, args.level, **options))
    show(_table(f"{args.study}: level {args.level}, {reproduce.LEVELS[args.level]}", findings))
    if args.json:
        write_whole(Path(args.json), json.dumps([vars(finding) for finding in findings], indent=1, ensure_ascii=False) + "\n")
    failed = [finding for finding in findings if finding.state == "fail"]
    noted = sum(finding.state == "note" for finding in findings)
    words = f"{len(findings) - len(failed)} of {len(findings)} checks hold" + (f", {noted} of them with a note" if noted else "")
    print(f"{'Reproduced' if not failed else 'NOT reproduced'} at level {args.level}: {words} ({time.perf_counter() - begin:.0f} s)")
    return IntegrityError.exit_code if failed else 0


def _table(title: str, findings: list) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in ("level", "check", "", "what was found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(str(finding.level), finding.what, Text.from_markup(MARKS[finding.state]), finding.said)  # only the marks are markup
    return table
