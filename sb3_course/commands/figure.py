"""sb3-course figure: figures of the textbook through our own classes, their numbers beside those expected."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.running import launchers
from benchmarks.textbook import page
from benchmarks.textbook.changes import parse
from benchmarks.textbook.figure import Figure, figures, find, identifier
from benchmarks.textbook.run import Record, carry_out_all, write_json

OFF, CRASHED = 3, 1
COLOURS = {"pass": "green", "off": "red", "crashed": "red", "not judged": "yellow"}


def run(args: argparse.Namespace) -> int:
    """3 if a number is off, 1 if a figure crashed."""
    if args.jobs is not None and args.jobs < 1:
        raise UserError(f"--jobs {args.jobs}: at least 1 process is needed")
    if args.list:
        return _list()
    chosen, unread = _chosen(args.figures)
    changed = parse(args.set, args.runs)
    out, jobs = Path(args.out) / "changed" if changed else Path(args.out), args.jobs or min(len(chosen), launchers.physical_cores())
    records: list[Record] = [*unread]
    for record in unread:
        _print(record)
    with _Display(chosen) as display:
        for record in carry_out_all(chosen, out, jobs, args.quick, display, changed):
            records.append(record)
            display.done(record)
            _print(record)
    page.write(out)
    _conclude(records, out)
    if args.json:
        write_json(Path(args.json), {"headline": page.headline(records), "figures": records})
    statuses = {record["status"] for record in records}
    return CRASHED if "crashed" in statuses else OFF if "off" in statuses else 0


def _list() -> int:
    known, broken = figures()
    for figure in known.values():
        also = f"  (also {', '.join(figure.aliases)})" if figure.aliases else ""
        print(f"  {figure.id:8} {figure.title}{also}")
    for family, error in broken.items():
        print(f"the figures of {family} cannot be imported: {error}", file=sys.stderr)
    return CRASHED if broken else 0


def _chosen(names: list[str]) -> tuple[list[Figure], list[Record]]:
    """The figures that were asked for, each once; for `all`, what cannot even be imported is a crash that is shown with the others."""
    if not names:
        raise UserError("name a figure, as in sb3-course figure 6.5, or all of them: sb3-course figure all (sb3-course figure --list)")
    if [identifier(name) for name in names] != ["all"]:
        return list({figure.id: figure for figure in map(find, names)}.values()), []
    known, broken = figures()
    nothing: Record = {"title": "its figures", "status": "crashed", "numbers": [], "notes": [], "quick": False}
    return list(known.values()), [{**nothing, "id": family, "label": family, "error": f"cannot be imported: {error}"} for family, error in broken.items()]


# --- what is shown ----------------------------------------------------------------------------------------------------


def _console() -> Any:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=max(120, console.width))


def _print(record: Record) -> None:
    """A figure's numbers beside those expected."""
    from rich.table import Table
    from rich.text import Text

    console = _console()
    title = Text(f"{record['label']}: {record['title']}  ", style="bold").append(record["status"], style=COLOURS[record["status"]])
    table = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in page.HEADER:
        table.add_column(name, justify="left")
    for number in record["numbers"]:
        *cells, verdict = page.cells(number)
        table.add_row(*(Text(cell) for cell in cells), Text(verdict, style={True: "green", False: "bold red", None: "dim"}[number["passes"]]))
    console.print(table if record["numbers"] else title)
    if record["error"]:
        console.print(Text(record["error"], style="red"), soft_wrap=True)
    for note in record["notes"]:
        console.print(Text(note, style="dim"))
    console.print()


def _conclude(records: list[Record], out: Path) -> None:
    bad = [record["label"] for record in records if record["status"] in ("off", "crashed")]
    print(page.headline(records) + (f" Not as expected: {', '.join(bad)}." if bad else ""))
    print(f"Pictures and tables: {out / 'index.html'}, {out / 'README.md'}")


class _Display:
    """How far the figures are: a bar each that runs on a terminal, a line now and then elsewhere."""

    def __init__(self, chosen: list[Figure]):
        self.cost = {figure.id: figure.cost for figure in chosen}
        self.fraction = dict.fromkeys(self.cost, 0.0)

    def __enter__(self) -> _Display:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal, transient=True)
        self.task = self.bar.add_task(f"{len(self.cost)} figures", total=1.0)
        self.bar.start()
        self.last_line = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, figure: Figure, fraction: float, what: str) -> None:
        self.fraction[figure.id] = fraction
        done = self._done()
        self.bar.update(self.task, completed=done, description=f"{figure.label} {what}"[:60])
        if not self.console.is_terminal and time.monotonic() - self.last_line > 15:
            self.last_line = time.monotonic()
            self.console.print(f"{done:.0%}: {figure.label} {what}", markup=False, highlight=False)

    def done(self, record: Record) -> None:
        self.fraction[record["id"]] = 1.0
        self.bar.update(self.task, completed=self._done())

    def _done(self) -> float:
        """By the figures' expected costs."""
        return sum(self.fraction[id] * cost for id, cost in self.cost.items()) / sum(self.cost.values())
