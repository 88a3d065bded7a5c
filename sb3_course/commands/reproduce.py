"""sb3-course reproduce: verify a study, or an archive of one, at one of four levels.

The exit code is 0 if everything holds, 3 if nothing contradicts the study but something could not be verified, and 4 if anything does not hold.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.reproduction import archive
from benchmarks.running import launchers
from sb3_course.commands.compare import show

MARKS = {"pass": "[green]pass[/]", "note": "[yellow]note[/]", "unverified": "[bold yellow]NOT VERIFIED[/]", "fail": "[bold red]FAIL[/]"}


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    from benchmarks.reproduction import unseen, verify
    from benchmarks.store.files import write_whole
    from sb3_course.commands.compare import Display

    begin = time.perf_counter()
    workers = args.jobs or (launchers.physical_cores() if args.level == 4 else 1)
    seed = secrets.randbits(32) if args.seed is None else args.seed  # by the verifier's chance: a draw that the author knows can be prepared for
    if args.secret and not args.out:
        raise UserError("--secret continues what lies in --out: name that folder")
    secret = args.secret or (secrets.token_hex(16) if args.out and args.level == 4 and not _has_runs(Path(args.out)) else None)
    if args.level == 4 and args.out:
        print(f"The runs are kept in {args.out}; interrupted, the same command continues with --secret {secret}", flush=True)
    with archive.opened(args.study) as store, Display() as display:
        options: dict[str, Any] = {"sample": args.sample, "seed": seed, "runs": tuple(args.run), "workers": workers, "show": display,
                                   "out": Path(args.out) if args.out else None, "secret": secret, "registered": args.registered,
                                   "trusted": args.trust}  # fmt: skip
        findings = list(verify.verify(store, args.level, **options))
        unverified = unseen.unseen(store, args.level, findings, registered=args.registered is not None)
    show(_table(f"{args.study}: level {args.level}, {verify.LEVELS[args.level]}", findings))
    print(f"Not verified at level {args.level}, on the author's word:")
    for sentence in unverified:
        print(f"- {sentence}")
    counts = {state: sum(finding.state == state for finding in findings) for state in MARKS}
    verdict = "failed" if counts["fail"] else "unverified" if counts["unverified"] else "passed"
    if args.json:
        found = {"study": args.study, "level": args.level, "verdict": verdict, "seed": seed if args.level >= 3 else None, "registered": args.registered,
                 "findings": [vars(finding) for finding in findings], "not_verified": unverified}  # fmt: skip
        write_whole(Path(args.json), json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    words = f"{counts['pass'] + counts['note']} of {len(findings)} checks hold" + (f", {counts['note']} of them with a note" if counts["note"] else "")
    words += f", {counts['unverified']} could not be made" if counts["unverified"] else ""
    title = {"failed": "NOT reproduced", "unverified": "NOT wholly verified", "passed": "Reproduced"}[verdict]
    print(f"{title} at level {args.level}: {words} ({time.perf_counter() - begin:.0f} s)")
    return {"failed": IntegrityError.exit_code, "unverified": IncompleteData.exit_code, "passed": 0}[verdict]


def _has_runs(out: Path) -> bool:
    return (out / "runs").is_dir() and any((out / "runs").iterdir())


def _table(title: str, findings: list) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for column in ("level", "check", "", "what was found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(str(finding.level), finding.what, Text.from_markup(MARKS[finding.state]), finding.said)  # only the marks are markup
    return table

