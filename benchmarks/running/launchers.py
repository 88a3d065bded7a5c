"""Launchers: what runs where, and what becomes of it.

One conductor decides, for every launcher, what runs next (the longest first, short ones in batches, no more at a time than there is room for), what a lost
worker leaves to be tried again, and what is past its limits. Behind it stands a *crew*, which only carries batches to processes and tells what they say:
this process (`inprocess`), a pool of single-threaded processes on this machine (`local`, the default), a Ray cluster (`ray`), or Slurm's queue (`slurm`).

More than one thread per process makes neighbours slower than they would be alone and changes results, so every process has
one. Workers end with their parent, however it ends. A worker that dies leaves its runs to another attempt; a Python error
is the run's result and is not tried again. Where it matters what became of a run, the store is asked, not the messages.
"""

from __future__ import annotations

import errno
import importlib
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from benchmarks import IncompleteData, UserError, first_line
from benchmarks.running import long_runs
from benchmarks.store.plain import one_line
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job, Run, cost

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
CREWS = {"inprocess": "benchmarks.running.crews:InProcess", "local": "benchmarks.running.crews:Pool", "ray": "benchmarks.running.ray_crew:Ray",
         "slurm": "benchmarks.running.slurm_crew:Slurm"}  # fmt: skip
BATCH_SECONDS, MOST_IN_BATCH = 1.0, 100  # jobs estimated at less than that together travel together
GRACE = 10.0  # seconds past a run's limit after which its process is ended from outside
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,-]{0,99}")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def physical_cores() -> int:
    """Cores that this process may use; hyper-threads of one core count once."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def one_thread() -> None:
    """One thread for the numerical libraries of this process and of those that it starts."""
    for variable in THREADS:
        os.environ[variable] = "1"


def die_with_parent() -> None:
    """End this process as soon as its parent is gone, also in the middle of training."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


# --- settings and progress --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """A study's launcher: {name, jobs, attempts, ...}; other keys are no concern of a launcher's."""

    name: str = "local"
    jobs: int | None = None  # processes
    attempts: int = 3  # of a run whose worker dies: the first and two more
    limit_minutes: float | None = None  # of a run; runs in lock-step have it together, as often as there are runs
    limit_memory: float | None = None  # GiB of the process that trains a run, libraries included
    heartbeat_seconds: float = 300.0  # a worker that is silent for so long is given up
    address: str | None = None  # of a cluster
    gpus: float = 0.0  # that a run's process is given, of a cluster's
    partition: str | None = None  # of Slurm, as the next two
    account: str | None = None
    qos: str | None = None
    minutes: int | None = None  # after which Slurm ends a job: of a whole batch
    worker: str = "benchmarks.running.worker"  # the module whose `execute` trains a job: never a study's choice, which may be a stranger's

    @classmethod
    def of(cls, launcher: Mapping[str, Any]) -> Settings:
        """UserError for a launcher that does not exist, and for a number that is none."""
        known = cls(**{own.name: launcher[own.name] for own in fields(cls) if own.name != "worker" and launcher.get(own.name) is not None})
        if known.name not in CREWS:
            raise UserError(f"unknown launcher '{known.name}': there are {', '.join(CREWS)}")
        for name in ("partition", "account", "qos"):
            value = getattr(known, name)
            if value is not None and not (isinstance(value, str) and WORD.fullmatch(value)):
                raise UserError(f"launcher.{name}={one_line(str(value))[:100]}: a word is needed, in letters, digits and ,._- alone")
        for name in ("jobs", "attempts", "limit_minutes", "limit_memory", "heartbeat_seconds", "minutes"):
            value = getattr(known, name)
            if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise UserError(f"launcher.{name}={value}: a number above 0 is needed")
        if known.name == "inprocess" and (known.limit_minutes or known.limit_memory):
            raise UserError("limits end the process of a run, and launcher=inprocess has none of its own: leave them out, or use launcher=local")
        return known


@dataclass
class Progress:
    """What a launcher tells whoever shows it. seconds: the jobs' estimated cost in total, costs: of each."""

    runs: int
    seconds: float
    done_runs: int = 0
    failed_runs: int = 0
    fractions: dict[int, float] = field(default_factory=dict)  # of each job, by position
    costs: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    note: str = ""  # the newest event worth a line
    done_seconds: float = 0.0  # of the estimated cost

    def enter(self, position: int, fraction: float) -> None:
        """So much of the job at this position is done."""
        self.done_seconds += (fraction - self.fractions.get(position, 0.0)) * self.costs[position]
        self.fractions[position] = fraction

    @property
    def fraction(self) -> float:
        return round(self.done_seconds / self.seconds, 9) if self.seconds else 1.0

    @property
    def remaining_seconds(self) -> float | None:
        """Time to the end at the speed so far, or None while there is too little to judge from."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.fraction) / self.fraction if self.fraction > 0.005 else None


Show = Callable[[Progress], None]


def capacity(launcher: Mapping[str, Any]) -> int:
    """How many processes a launcher uses: as many as it is told, else as there are physical cores here, or processors in its cluster."""
    settings = Settings.of(launcher)
    return settings.jobs or _crew_class(settings.name).capacity(settings)


def launch(jobs: list[Job], store: Store, launcher: Mapping[str, Any], show: Show = lambda progress: None, worker: str = Settings.worker) -> Progress:
    """Run all jobs; what became of them is in the store. launcher: the study's {name, jobs, attempts, ...}; worker: see Settings.

    IncompleteData where there is no room for results, or workers end before they begin: what has finished until then is kept.
    """
    settings = replace(Settings.of(launcher), worker=worker)
    one_thread()
    costs = [cost(job) for job in jobs]
    progress = Progress(sum(len(job.runs) for job in jobs), sum(costs), costs=costs)
    show(progress)
    if jobs:
        Conductor(jobs, store, settings, progress, show).conduct()
    return progress


# --- crews ------------------------------------------------------------------------------------------------------------

Tell = Callable[[int, tuple], None]  # what a worker says of the batch with this ticket


class Crew(ABC):
    """Processes that work on batches of jobs, one job after another. It tells, of each ticket:

    ("begun", k)  the batch's k-th job;  ("progress", fraction of that job);  ("run", id, status, error);  ("done",)  with that job;
    ("beat",)  it lives;  ("limit", what, traceback, is_first)  a run is past a limit, and its process ends; is_first: that the process worked on;
    ("unstored", error, traceback, errno)  a result could not be written;  and in the end  ("over",)  or  ("lost", cause, traceback).
    """

    size: int  # batches that it takes at a time
    batch_seconds = BATCH_SECONDS  # short jobs travel together until they are estimated at so much

    @abstractmethod
    def __init__(self, store: Store, settings: Settings, tell: Tell): ...

    @staticmethod
    def capacity(settings: Settings) -> int:
        """How many processes there can be."""
        return physical_cores()

    @abstractmethod
    def submit(self, ticket: int, jobs: Sequence[Job]) -> None:
        """Have a batch worked on."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Tell what there is to tell; wait so long for it, at most."""

    @abstractmethod
    def end(self, ticket: int) -> str:
        """End the process that works on this batch, of which nothing more is told. Where it was, as a traceback, as far as that can be known."""

    @abstractmethod
    def close(self) -> None:
        """End every process that was started."""


def _crew_class(name: str) -> type[Crew]:
    module, _, cls = CREWS[name].partition(":")
    return getattr(importlib.import_module(module), cls)


# --- the conductor ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A job, or what is left of one; position: of the job that it came from, share: of that job."""

    job: Job
    position: int
    cost: float  # estimated seconds
    share: float = 1.0
    is_alone: bool = False  # it has been tried, and goes without company


@dataclass
class _Out:
    """A batch that is being worked on."""

    batch: tuple[Piece, ...]
    heard: float  # when
    current: int | None = None  # the piece that has begun
    since: float = 0.0  # when it began
    done: set[int] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)  # runs
    fraction: float = 0.0  # of the current piece
    limit: tuple[str, str, bool] | None = None  # that was passed: what, where, whether in a fresh process


class Conductor:
    """Gives batches to a crew until every run has finished or failed."""

    def __init__(self, jobs: list[Job], store: Store, settings: Settings, progress: Progress, show: Show):
        self.store, self.settings, self.progress, self.show = store, settings, progress, show
        self.waiting = deque(Piece(job, position, progress.costs[position]) for position, job in enumerate(jobs))
        self.out: dict[int, _Out] = {}
        self.attempts: Counter[str] = Counter()
        self.stillborn = 0  # workers that ended before they began, since the last that began
        self.ended: IncompleteData | None = None
        self.tickets = 0

    def conduct(self) -> None:
        crew = _crew_class(self.settings.name)(self.store, self.settings, self.tell)
        try:
            while self.waiting or self.out:
                while self.waiting and len(self.out) < crew.size:
                    self.tickets += 1
                    batch = self._next(crew.size, crew.batch_seconds)
                    self.out[self.tickets] = _Out(batch, heard=time.monotonic())
                    crew.submit(self.tickets, [piece.job for piece in batch])
                crew.wait(1.0)
                if self.ended:
                    raise self.ended
                self._look_at_the_clock(crew)
                self.show(self.progress)
        finally:
            crew.close()

    def _next(self, size: int, seconds: float = BATCH_SECONDS) -> tuple[Piece, ...]:
        """The next piece, and others that are as short: few enough that every worker has something to do."""
        batch = [self.waiting.popleft()]
        most, total = min(MOST_IN_BATCH, len(self.waiting) // (2 * size)), batch[0].cost
        while len(batch) <= most and not batch[0].is_alone and not self.waiting[0].is_alone and total + self.waiting[0].cost <= seconds:
            batch.append(self.waiting.popleft())
            total += batch[-1].cost
        return tuple(batch)

    def tell(self, ticket: int, message: tuple) -> None:
        out = self.out.get(ticket)
        if out is None:  # of a batch that was given up
            return
        out.heard = time.monotonic()
        kind = message[0]
        if kind == "begun":
            out.current, out.since, out.fraction = message[1], out.heard, 0.0
            self.stillborn = 0
        elif kind in ("progress", "run", "done") and out.current is not None:
            self._note(out, out.batch[out.current], message)
            self.show(self.progress)
        elif kind == "limit":
            out.limit = message[1:]
        elif kind == "unstored":
            self.ended = self._no_room(*message[1:])
        elif kind == "over":
            del self.out[ticket]
        elif kind == "lost":
            del self.out[ticket]
            self.waiting.extendleft(reversed(self._left(out, *message[1:])))
            self.show(self.progress)

    def _note(self, out: _Out, piece: Piece, message: tuple) -> None:
        progress = self.progress
        if message[0] == "progress":
            out.fraction = message[1]
            if piece.share == 1.0:
                progress.enter(piece.position, 0.99 * message[1])
        elif message[0] == "run":
            out.finished.add(message[1])
            self._count(*message[1:])
        else:
            assert out.current is not None, "only what has begun is done"
            out.done.add(out.current)
            progress.enter(piece.position, 1.0 if piece.share == 1.0 else progress.fractions.get(piece.position, 0.0) + piece.share)

    def _count(self, run_id: str, status: str, error: str) -> None:
        self.progress.done_runs += 1
        self.progress.failed_runs += status == "failed"
        self.progress.note = f"failed: {run_id}: {error}" if status == "failed" else ""

    def _no_room(self, error: str, trace: str, number: int | None) -> IncompleteData:
        kept = f"{self.progress.done_runs} of {self.progress.runs} runs are done and kept"
        if number in NO_ROOM:
            return IncompleteData(f"{error}: {self.store.path} takes no more results; {kept}. Free some space, and the same command goes on")
        self.progress.note = trace
        return IncompleteData(f"a result could not be written to {self.store.path} ({error}); {kept}, and the same command goes on")

    # --- what goes wrong

    def _look_at_the_clock(self, crew: Crew) -> None:
        """Give up workers that are past a limit and did not end themselves, as they do, or that have been silent."""
        now = time.monotonic()
        for ticket, out in list(self.out.items()):
            if out.current is None:  # it may wait for its place
                continue
            piece = out.batch[out.current]
            allowed = (self.settings.limit_minutes or math.inf) * 60 * len(piece.job.runs)
            if now - out.since > allowed + GRACE:
                out.limit = past_minutes(self.settings.limit_minutes or 0.0), crew.end(ticket), True
                self.tell(ticket, ("lost", "past its limit", ""))
            elif now - out.heard > self.settings.heartbeat_seconds:
                trace = crew.end(ticket)
                self.tell(ticket, ("lost", f"no sign of life for {now - out.heard:.0f} s", trace))

    def _left(self, out: _Out, cause: str, trace: str) -> list[Piece]:
        """What a lost worker leaves to be tried again. What had not begun is as it was."""
        left = [piece for k, piece in enumerate(out.batch) if k not in out.done and k != out.current]
        if out.current is None:
            self.stillborn += 1
            self.progress.note = f"worker died ({cause}) before it began"
            if self.stillborn >= self.settings.attempts * 2:
                self.ended = IncompleteData(f"{self.stillborn} workers in a row died before they began ({cause}): {self.progress.done_runs} of "
                                            f"{self.progress.runs} runs are done and kept; sb3-course doctor may say more")  # fmt: skip
            return left
        return left if out.current in out.done else self._halves(out, out.batch[out.current], cause, trace) + left

    def _halves(self, out: _Out, piece: Piece, cause: str, trace: str) -> list[Piece]:
        """What is left of the piece that it worked on, in two parts if it was a group (less memory each) without a checkpoint, or had its second chance.

        Runs out of attempts fail here.
        """
        again: list[Run] = []
        for run in piece.job.runs:
            if run.id in out.finished:
                continue
            if self.store.status(run)[0] == "finished":  # it died between the result and the word of it
                self._count(run.id, "finished", "")
                continue
            failure = self._blame(run, out, len(piece.job.runs) == 1, cause)
            if failure is None:
                again.append(run)
            else:
                self._fail(run, failure, out.limit[1] if out.limit else trace)
        known = 0.0 if piece.share == 1.0 else self.progress.fractions.get(piece.position, 0.0)
        self.progress.enter(piece.position, known + piece.share * (1 - len(again) / len(piece.job.runs)))
        stays = not out.limit and long_runs.is_begun(piece.job, self.store) and all(self.attempts[run.id] == 1 for run in again)
        half = len(again) if stays else (len(again) + 1) // 2  # a half could not go on from the group's checkpoint
        parts = [part for part in (tuple(again[:half]), tuple(again[half:])) if part]
        shares = [len(part) / len(piece.job.runs) for part in parts]
        return [Piece(Job(part), piece.position, piece.cost * share, piece.share * share, is_alone=True) for part, share in zip(parts, shares, strict=True)]

    def _fail(self, run: Run, error: str, trace: str) -> None:
        try:
            self.store.fail(run, error, trace)
        except OSError as problem:
            self.ended = self._no_room(first_line(problem), traceback.format_exc(), problem.errno)
        self._count(run.id, "failed", error)

    def _blame(self, run: Run, out: _Out, is_single: bool, cause: str) -> str | None:
        """Why the run has failed for good, or None where it is to be tried again."""
        if out.limit:
            what, _, is_first = out.limit
            if not is_single:  # which of the group it was is found by halving
                return None
            self.attempts[run.id] += 1
            at = f" at {out.fraction:.0%} of its steps" if out.fraction else ""
            self.progress.note = f"run {run.id} {what}{at}"
            return f"{what}{at}" if is_first or self.attempts[run.id] >= self.settings.attempts else None  # else in a process without a past
        self.attempts[run.id] += 1
        line = f"worker died ({cause}) on run {run.id}, attempt {self.attempts[run.id]} of {self.settings.attempts}"
        self.progress.note = line
        return line if self.attempts[run.id] >= self.settings.attempts else None


def past_minutes(minutes: float) -> str:
    return f"took longer than its limit of {minutes:g} minutes (--limit-minutes)"


def past_memory(gib: float) -> str:
    return f"took more memory than its limit of {gib:g} GiB (--limit-memory)"
