"""A crew of Slurm jobs, submitted through submitit: for clusters whose nodes share the study's folder and are reached by a queue alone.

A batch is a job of one processor, and never more of them are in the queue than there is room for. Workers write what they say, a line of JSON each, into
the study's folder .slurm/; the queue is asked only what became of a job that says nothing more. Jobs are cancelled by their number. A job whose command is
gone, however that ended, ends itself: what it would write is the next command's to make.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import UserError, first_line
from benchmarks.running.launchers import THREADS, Crew, Settings, Tell
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job

MOST = 64  # jobs in the queue, unless the study's launcher says otherwise
LOOK, ALIVE, ORPHANED = 0.5, 10.0, 180.0  # seconds: between two looks, and two signs of the command's life; without one for so long, a job ends
END = ["end"]  # the last word of a batch


class Slurm(Crew):
    """See the module."""

    batch_seconds = 600.0  # a queue takes seconds to minutes for each job

    def __init__(self, store: Store, settings: Settings, tell: Tell):
        self.store, self.settings, self.tell = store, settings, tell
        self.size = self.capacity(settings)
        self.place = store.path / ".slurm"
        shutil.rmtree(self.place, ignore_errors=True)  # of a command that was killed; its jobs end without it
        self.place.mkdir(parents=True)
        self.executor = _executor(self.place, settings)
        self.out: dict[int, _Submitted] = {}
        self.shown = -ALIVE

    @staticmethod
    def capacity(settings: Settings) -> int:
        """Jobs in the queue at a time."""
        return settings.jobs or MOST

    def submit(self, ticket: int, jobs: Sequence[Job]) -> None:
        self._show_life()
        words = self.place / f"{ticket}.words"
        words.touch()
        try:
            job = self.executor.submit(_batch, list(jobs), str(self.store.path.resolve()), self.settings, str(words.resolve()), sys.path)
        except Exception as error:  # sbatch refuses
            raise UserError(f"Slurm takes no job: {first_line(error)[:300]}") from None
        self.out[ticket] = _Submitted(job, words)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._show_life()
            told = [self._look(ticket, submitted) for ticket, submitted in list(self.out.items())]
            if any(told) or time.monotonic() > deadline:
                return
            time.sleep(LOOK)

    def _look(self, ticket: int, submitted: _Submitted) -> bool:
        """Tell what a batch has said since the last look; whether there was anything."""
        is_gone = submitted.job.done()  # asked first: whatever a job that has ended said is there
        words = submitted.new()
        for word in words:
            if word == END:
                del self.out[ticket]
                self.tell(ticket, ("over",))
            else:
                self.tell(ticket, tuple(word))
        if is_gone and not words and ticket in self.out:
            del self.out[ticket]
            self.tell(ticket, ("lost", f"Slurm job {submitted.job.job_id} {submitted.job.state}", submitted.trace()))
        return bool(words) or is_gone

    def _show_life(self) -> None:
        if time.monotonic() - self.shown >= ALIVE:
            self.shown = time.monotonic()
            (self.place / "alive").write_text(str(self.shown), encoding="utf-8")

    def end(self, ticket: int) -> str:
        submitted = self.out.pop(ticket)
        submitted.job.cancel()
        return submitted.trace()

    def close(self) -> None:
        for ticket in list(self.out):
            with contextlib.suppress(Exception):  # a queue that cannot be reached: the jobs end without this command
                self.end(ticket)
        shutil.rmtree(self.place, ignore_errors=True)


class _Submitted:
    """A batch in the queue."""

    def __init__(self, job: Any, words: Path):
        self.job, self.words, self.read = job, words, 0

    def new(self) -> list[list]:
        """The words that have come since; a line that is not whole yet waits."""
        with self.words.open("rb") as file:
            file.seek(self.read)
            said = file.read()
        said = said[: said.rfind(b"\n") + 1]
        self.read += len(said)
        return [json.loads(line) for line in said.splitlines()]

    def trace(self) -> str:
        """The end of what it wrote on its standard error."""
        return (self.job.stderr() or "")[-10_000:]


def _batch(jobs: list[Job], path: str, settings: Settings, words: str, places: list[str]) -> None:
    """What a Slurm job does: the process of a worker, on some node."""
    for variable in THREADS:
        os.environ[variable] = "1"
    sys.path += [place for place in places if place not in sys.path]
    from benchmarks.running.serving import serve

    lock = threading.Lock()

    def say(message: Sequence) -> None:
        line = (json.dumps(message) + "\n").encode()
        with lock, open(words, "r+b") as file:  # closed after each word: then other nodes see it; and never made anew
            file.seek(0, os.SEEK_END)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    over = threading.Event()
    threading.Thread(target=_end_with, args=(Path(words).with_name("alive"), over), daemon=True).start()
    try:
        serve(jobs, Store(Path(path)), say, settings)
        say(END)
    finally:
        over.set()


def _end_with(alive: Path, over: threading.Event) -> None:
    """End this process when the command has shown no life for long, by this machine's clock alone, and the batch is not over."""
    last, since = "", time.monotonic()
    while time.monotonic() - since < ORPHANED:
        with contextlib.suppress(OSError):
            if (now := alive.read_text(encoding="utf-8")) != last:
                last, since = now, time.monotonic()
        if over.wait(ALIVE / 2):
            return
    os._exit(1)


def _executor(place: Path, settings: Settings) -> Any:
    """submitit's way to the queue. UserError where it is not installed, or there is no Slurm."""
    try:
        import submitit
    except ImportError:
        raise UserError('launcher=slurm needs submitit: pip install "sb3-course[slurm]"') from None
    try:
        executor = submitit.AutoExecutor(folder=place / "jobs", cluster=settings.address or "slurm")
    except RuntimeError as error:
        raise UserError(f"no Slurm here: {first_line(error)[:200]}. The command is given on a machine that has sbatch") from None
    words = {"slurm_partition": settings.partition, "slurm_account": settings.account, "slurm_qos": settings.qos}
    memory = settings.limit_memory and settings.limit_memory + 1  # the limit's own message comes before Slurm's
    asked = {"name": "sb3-course", "cpus_per_task": 1, "timeout_min": settings.minutes, "gpus_per_node": int(settings.gpus) or None, "mem_gb": memory, **words}
    executor.update_parameters(**{name: value for name, value in asked.items() if value is not None})
    return executor
