"""sb3-course claim: claims of papers, run again; their numbers, pictures and verdicts."""

from __future__ import annotations

import argparse
import difflib
import shlex
import sys
import time
from collections.abc import Sized
from pathlib import Path
from typing import Any

from benchmarks import HarnessError, UserError, first_line
from benchmarks.claims import claim as claims
from benchmarks.claims.claim import TIERS, Claim
from benchmarks.store.files import write_whole
from sb3_course import terminal
from sb3_course.commands.compare import Told

OUT, PUBLISHED = Path("studies/claims"), Path("results/claims")
NOT_REPRODUCED, CRASHED = 3, 1
COLOURS = {"reproduced": "green", "weaker": "yellow", "not distinguished": "yellow", "contradicted": "red", "void": "magenta", "not judged": "yellow"}
MISSING = "missing"


def run(args: argparse.Namespace) -> int:
    """3 if a claim is not reproduced, 1 if one could not be carried out."""
    if args.jobs is not None and args.jobs < 1:
        raise UserError(f"--jobs {args.jobs}: at least 1 process is needed")
    shown = Path(args.out) if args.out else OUT
    if (args.list or args.show) and not args.out and not shown.is_dir():
        shown = PUBLISHED
    chosen = _chosen(args, shown)
    if args.list:
        return _list(chosen, shown)
    if args.show:
        for one in chosen:
            _show(one, shown)
        return 0
    return _carry_out(chosen, args)


def _chosen(args: argparse.Namespace, shown: Path) -> list[Claim]:
    """The claims that were asked for, each once."""
    everything = [claims.find(name) for name in claims.names()]
    picky = args.tier or args.family or args.state
    if not args.claims and not picky and not args.list:
        raise UserError("name a claim, as in sb3-course claim gae-lambda, or those of a tier: --tier S (sb3-course claim --list)")
    found = everything if not args.claims or "all" in args.claims else [claims.find(name) for name in dict.fromkeys(args.claims)]
    if args.family:
        families = sorted({one.family for one in everything})
        if args.family not in families:
            near = difflib.get_close_matches(args.family, families, n=1)
            raise UserError(f"--family {args.family}: {f'did you mean {near[0]!r}?' if near else 'there are ' + ', '.join(families)}")
        found = [one for one in found if one.family == args.family]
    if args.tier:
        found = [one for one in found if one.tier == args.tier]
    if args.state:
        states = (*COLOURS, MISSING)
        if args.state not in states:
            raise UserError(f"--state {args.state}: one of {', '.join(states)}")
        found = [one for one in found if _state(one, shown) == args.state]
    return sorted(found, key=lambda one: (list(TIERS).index(one.tier), one.row, one.name))


def _state(one: Claim, out: Path) -> str:
    record = _record(one, out)
    return record["verdict"] if record else MISSING


def _record(one: Claim, out: Path) -> dict[str, Any] | None:
    from benchmarks.claims import record

    try:
        return record.read(out / one.name)
    except HarnessError:
        return None


def _list(chosen: list[Claim], out: Path) -> int:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{_counted(chosen)}; verdicts of {out}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("claim", "tier", "family", "verdict", "paper", "title"):
        table.add_column(column, justify="left")
    for one in chosen:
        record = _record(one, out)
        state = record["verdict"] if record else MISSING
        if record and record["hash"] != one.hash:
            state += " (of an earlier version)"
        table.add_row(one.name, one.tier, one.family, Text(state, style=COLOURS.get(state, "dim")), one.paper["cite"], one.title)
    _print(table)
    return 0


def _counted(found: Sized) -> str:
    return f"{len(found)} claim{'s' * (len(found) != 1)}"


def _print(what: Any) -> None:
    console = terminal.console()
    (console if console.is_terminal else terminal.console(width=max(140, console.width))).print(what)


def _show(one: Claim, out: Path) -> None:
    """The card of a claim."""
    from rich.text import Text

    from benchmarks.claims.page import facts

    _print(Text(f"{one.name}: {one.title}", style="bold"))
    for name, text in facts(one):
        _print(Text(f"  {name}: ", style="dim").append(text, style="default"))
    record = _record(one, out)
    if record:
        tell(one, record)
    print()


def tell(one: Claim, record: dict[str, Any]) -> None:
    """A claim's numbers and its verdict."""
    from rich.table import Table
    from rich.text import Text

    from benchmarks.claims.page import HEADER, cells

    title = Text(f"{one.name}: {one.title}  ", style="bold").append(record["verdict"], style=COLOURS[record["verdict"]])
    table = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in HEADER:
        table.add_column(column, justify="left")
    for number in record["numbers"]:
        table.add_row(*(Text(cell) for cell in cells(number)))
    _print(table if record["numbers"] else title)
    if record["why"]:
        _print(Text(record["why"], style="red"))


def _refuse_unwritable(out: Path, file: str | None) -> None:
    """UserError for places that cannot be written to: before training, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror or error}: name a folder, new or there already") from None
    if file is not None and (Path(file).is_dir() or not Path(file).resolve().parent.is_dir()):
        raise UserError(f"--json {file}: name a file in a folder that is there")


def _carry_out(chosen: list[Claim], args: argparse.Namespace) -> int:
    from benchmarks.claims import page, record

    out = Path(args.out) if args.out else OUT / "quick" if args.quick else OUT
    if not chosen:
        raise UserError("no claim is of that kind (sb3-course claim --list)")
    _refuse_unwritable(out, args.json)
    print(f"{_counted(chosen)}, at most {sum(TIERS[one.tier] for one in chosen)} minutes of a core: "
          f"{', '.join(one.name for one in chosen)}", flush=True)
    records, crashed, command = [], [], shlex.join(["sb3-course", *sys.argv[1:]])
    begun = time.perf_counter()
    for k, one in enumerate(chosen):
        print(f"\n[{k + 1}/{len(chosen)}] {one.name}: {one.statement}", flush=True)
        try:
            records.append(record.carry(one, out, Told(), {} if args.jobs is None else {"jobs": args.jobs}, command, args.quick))
            tell(one, records[-1])
        except HarnessError:
            if len(chosen) == 1:
                raise
            crashed.append(one.name)
            print(f"{one.name}: {first_line(sys.exception() or HarnessError(''))}", file=sys.stderr)
        page.write(out)
    verdicts = [found["verdict"] for found in records]
    counted = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in COLOURS if verdict in verdicts)
    print(f"\n{_counted(records)} in {(time.perf_counter() - begun) / 60:.1f} minutes: {counted or 'none judged'}. Page: {out / 'index.html'}")
    if args.json:
        write_whole(Path(args.json), record.as_text({"claims": records}))
    return CRASHED if crashed else NOT_REPRODUCED if set(verdicts) - {"reproduced", "not judged"} else 0
