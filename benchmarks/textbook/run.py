"""Carries figures out: each in a process of its own kind, so that one that dies takes no other with it; and writes down what they gave.

    OUT/6.5.png    the picture, in 256 colours
    OUT/6.5.json   the numbers beside those expected, and how they came to be (commit, versions, runs, CPU time)
    OUT/README.md, index.html   all of them together (`page`)

Each file is the old one or the new one, never a part.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

from benchmarks.report import style
from benchmarks.running import launchers
from benchmarks.store.files import write_whole
from benchmarks.store.store import without_nan
from benchmarks.studies import provenance
from benchmarks.textbook import changes
from benchmarks.textbook.changes import Changes
from benchmarks.textbook.figure import Context, Figure, Outcome

Record = dict[str, Any]  # what is known of a figure that was carried out; the content of its JSON file
Show = Callable[[Figure, float, str], None]  # which figure, how much of it is done, what it is doing

DOTS_PER_INCH = 130
COLOURS = 256  # of a picture: a third of the bytes, and no difference that is seen


def carry_out(figure: Figure, out: Path, context: Context | None = None) -> Record:
    """Run a figure here, judge its numbers, and write its files. An exception of the figure's is its result: status "crashed"."""
    context = context or Context()
    begun, cpu = time.perf_counter(), time.process_time()
    numbers, notes, picture, error = [], [], None, None
    try:
        with changes.made(context.changes):
            outcome = figure.function(context)
        numbers = [number.as_json(judged=not context.quick and not context.changes) for number in outcome.numbers]
        notes = [*([f"Changed settings ({context.changes}): not judged."] if context.changes else []), *outcome.notes]
        picture = _picture(figure, outcome, context.changes)
    except Exception as exception:
        error = _in_one_line(exception)
    seconds = {"cpu_seconds": round(time.process_time() - cpu, 2), "wall_seconds": round(time.perf_counter() - begun, 2)}
    return _write_down(figure, out, picture, error, context.quick, context.changes, numbers=numbers, notes=notes, **seconds)


def _write_down(
    figure: Figure, out: Path, picture: bytes | None, error: str | None, quick: bool, changed: Changes,
    numbers: Sequence[Record] = (), notes: Sequence[str] = (), **seconds: float,
) -> Record:  # fmt: skip
    record: Record = {
        "id": figure.id, "label": figure.label, "title": figure.title, "status": _status(numbers, error, quick or bool(changed)), "error": error,
        "quick": quick, "numbers": numbers, "notes": notes, **seconds, "provenance": made_by(), "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    if changed:
        record["changed"] = str(changed)
    record = without_nan(record)
    out.mkdir(parents=True, exist_ok=True)
    if picture is not None:
        write_bytes(out / f"{figure.id}.png", picture)
    else:
        (out / f"{figure.id}.png").unlink(missing_ok=True)  # a picture of an earlier run would belie the numbers
    write_json(out / f"{figure.id}.json", record)
    return record


def _status(numbers: Sequence[Record], error: str | None, unjudged: bool) -> str:
    if error is not None:
        return "crashed"
    return "not judged" if unjudged else "off" if any(number["passes"] is False for number in numbers) else "pass"


def _picture(figure: Figure, outcome: Outcome, changed: Changes) -> bytes:
    """The picture as PNG. Drawn twice it is the same to the byte: it holds no date."""
    with matplotlib.rc_context(style.STYLE):
        canvas = Canvas(figsize=outcome.size, layout="constrained")
        FigureCanvasAgg(canvas)
        outcome.draw(canvas)
        if not canvas.get_suptitle():
            title = f"{figure.label}: {figure.title}" + (f"\n{changed}; {changes.LABEL}" if changed else "")
            canvas.suptitle(title, fontsize=10.5, fontweight="bold")
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None}, facecolor="white")
    return in_few_colours(buffer.getvalue())


def in_few_colours(png: bytes) -> bytes:
    """A PNG with a palette of its own, the same pixels but for shades that no eye tells apart."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()


def _in_one_line(error: BaseException) -> str:
    """"ValueError: what (benchmarks/textbook/dyna.py:12)": the innermost line of ours, by its path within the project."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(provenance.PROJECT) and ".venv" not in path.parts:
            where = f" ({path.relative_to(provenance.PROJECT)}:{frame.lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"


def made_by() -> Record:
    """Where numbers come from: the commit of this code, the versions that can change a number, the kind of machine."""
    found = provenance.packages()
    return {
        "source": provenance.source(), "python": found["python"], "packages": found["main"],
        "machine": f"{platform.system()} {platform.machine()}", "seeds": "0 … n−1 for n runs",
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------- files


def write_bytes(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def write_json(path: Path, content: Any) -> None:
    write_whole(path, json.dumps(without_nan(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


# ------------------------------------------------------------------------------------------------------------- processes


def _serve(connection: Any, out: Path, quick: bool, changed: Changes) -> None:
    """A worker process: figures come in, how far they are and their records go out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    launchers.die_with_parent()
    last = 0.0

    def show(fraction: float, what: str) -> None:
        nonlocal last
        if time.monotonic() - last > 0.2:
            last = time.monotonic()
            connection.send((fraction, what))

    while (figure := connection.recv()) is not None:
        connection.send(carry_out(figure, out, Context(quick, show, changed)))


class _Worker:
    def __init__(self, out: Path, quick: bool, changed: Changes):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, out, quick, changed), daemon=True)
        self.process.start()
        theirs.close()
        self.figure: Figure | None = None

    def give(self, figure: Figure) -> None:
        self.figure = figure
        self.connection.send(figure)

    def how_it_died(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        cause = f"signal {-code}, likely out of memory" if code == -signal.SIGKILL else f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"its process died ({cause})"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def carry_out_all(
    figures: Sequence[Figure], out: Path, jobs: int = 1, quick: bool = False, show: Show | None = None, changed: Changes = Changes()  # noqa: B008 frozen
) -> Iterator[Record]:  # fmt: skip
    """Carry figures out in `jobs` single-threaded processes, the dearest first; their records, as they come."""
    launchers.one_thread()
    waiting = deque(sorted(figures, key=lambda figure: -figure.cost))
    workers = [_Worker(out, quick, changed) for _ in range(min(jobs, len(waiting)))]
    try:
        for worker in workers:
            worker.give(waiting.popleft())
        while busy := [worker for worker in workers if worker.figure is not None]:
            for connection in multiprocessing.connection.wait([worker.connection for worker in busy]):
                worker = next(worker for worker in busy if worker.connection is connection)
                figure = worker.figure
                assert figure is not None  # it is busy
                try:
                    message = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    message = _write_down(figure, out, None, worker.how_it_died(), quick, changed)
                    workers.remove(worker)
                    worker.stop()
                    if waiting:
                        workers.append(worker := _Worker(out, quick, changed))
                if isinstance(message, tuple):
                    if show is not None:
                        show(figure, *message)
                    continue
                worker.figure = None
                if waiting and worker in workers:
                    worker.give(waiting.popleft())
                yield message
    finally:
        for worker in workers:
            worker.stop()
