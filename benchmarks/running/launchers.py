"""Where jobs run: in this process, or (the default) in a pool of single-threaded processes on this machine.

More than one thread per process makes neighbours slower than they would be alone and changes results, so every process has
one. Workers end with their parent, however it ends. A worker that dies leaves its runs to another attempt; a Python error
is the run's result and is not tried again.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import UserError
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job, cost

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def physical_cores() -> int:
    """Cores that this process may use; hyper-threads of one core count once."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def one_thread() -> None:
    """One thread for the numerical libraries of this process and of those that it starts."""
    for variable in THREADS:
        os.environ[variable] = "1"


@dataclass
class Progress:
    """What a launcher tells whoever shows it. seconds: the jobs' estimated cost, in total and done."""

    runs: int
    seconds: float
    done_runs: int = 0
    failed_runs: int = 0
    fractions: dict[int, float] = field(default_factory=dict)  # of each job, by position
    costs: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    note: str = ""  # the newest event worth a line

    @property
    def fraction(self) -> float:
        return sum(self.fractions.get(i, 0.0) * c for i, c in enumerate(self.costs)) / self.seconds if self.seconds else 1.0

    @property
    def remaining_seconds(self) -> float | None:
        """Time to the end at the speed so far, or None while there is too little to judge from."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.fraction) / self.fraction if self.fraction > 0.005 else None


Show = Callable[[Progress], None]


def launch(jobs: list[Job], store: Store, launcher: dict, show: Show = lambda progress: None) -> Progress:
    """Run all jobs; what became of them is in the store. launcher: the study's {name, jobs, attempts, ...}."""
    one_thread()
    progress = Progress(sum(len(job.runs) for job in jobs), sum(cost(job) for job in jobs), costs=[cost(job) for job in jobs])
    show(progress)
    kinds = {"inprocess": _in_process, "local": _pool}
    if launcher["name"] not in kinds:
        raise UserError(f"unknown launcher '{launcher['name']}': there are {', '.join(kinds)}")
    if jobs:
        kinds[launcher["name"]](jobs, store, launcher, progress, show)
    return progress


def _note(progress: Progress, position: int, message: tuple, share: float = 1.0) -> None:
    """Enter a worker's message about a job, or about the part of it that this share is."""
    if message[0] == "progress" and share == 1.0:
        progress.fractions[position] = 0.99 * message[1]
    elif message[0] == "run":
        _, run_id, status, error = message
        progress.done_runs += 1
        progress.failed_runs += status == "failed"
        progress.note = f"failed: {run_id}: {error}" if status == "failed" else ""
    elif message[0] == "done":
        progress.fractions[position] = 1.0 if share == 1.0 else progress.fractions.get(position, 0.0) + share


def _in_process(jobs: list[Job], store: Store, launcher: dict, progress: Progress, show: Show) -> None:
    from benchmarks.running import worker

    for position, job in enumerate(jobs):

        def report(message: tuple, position: int = position) -> None:
            _note(progress, position, message)
            show(progress)

        worker.execute(job, store, report)
        report(("done",))


# --- the pool ---------------------------------------------------------------------------------------------------------


def _serve(connection, path: Path) -> None:
    """A worker process: jobs come in, messages go out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    die_with_parent()
    from benchmarks.running import worker

    store = Store(path)
    while (job := connection.recv()) is not None:
        worker.execute(job, store, connection.send)
        connection.send(("done",))


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


@dataclass
class _Task:
    """A job in the pool, or what is left of one; position: of the job that it came from."""

    job: Job
    position: int
    share: float = 1.0  # of that job


class _Worker:
    """One process of the pool and what it is working on."""

    def __init__(self, context, path: Path):
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, path), daemon=True)
        self.process.start()
        theirs.close()
        self.task: _Task | None = None
        self.finished: set[str] = set()

    def give(self, task: _Task) -> None:
        self.task, self.finished = task, set()
        self.connection.send(task.job)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _pool(jobs: list[Job], store: Store, launcher: dict, progress: Progress, show: Show) -> None:
    waiting = deque(_Task(job, position) for position, job in enumerate(jobs))
    attempts: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            while waiting and len(workers) < min(launcher["jobs"], sum(bool(w.task) for w in workers) + len(waiting)):
                workers.append(_Worker(context, store.path))
            for worker in workers:
                if worker.task is None and waiting:
                    try:
                        worker.give(waiting[0])
                        waiting.popleft()
                    except (BrokenPipeError, OSError):
                        worker.task = None  # it died while idle; its sentinel says so below
            ready = multiprocessing.connection.wait([*(w.connection for w in workers), *(w.process.sentinel for w in workers)], timeout=1.0)
            for worker in list(workers):
                alive = _drain(worker, progress) if worker.connection in ready or worker.process.sentinel in ready else True
                if not alive:
                    workers.remove(worker)
                    worker.stop()
                    waiting.extendleft(_after_death(worker, store, launcher["attempts"], attempts, progress))
                    show(progress)
            show(progress)
    finally:
        for worker in workers:
            worker.stop()


def _drain(worker: _Worker, progress: Progress) -> bool:
    """Read all messages of a worker; False if it is dead."""
    try:
        while worker.connection.poll():
            message = worker.connection.recv()
            assert worker.task is not None, "a worker speaks of its task only"
            _note(progress, worker.task.position, message, worker.task.share)
            if message[0] == "run":
                worker.finished.add(message[1])
            elif message[0] == "done":
                worker.task = None
    except (EOFError, ConnectionResetError):
        return False
    return worker.process.is_alive()


def _after_death(worker: _Worker, store: Store, allowed: int, attempts: Counter[str], progress: Progress) -> Iterable[_Task]:
    """What a dead worker leaves to be tried again, in two halves if it was a group (less memory each). Runs out of attempts fail here."""
    task = worker.task
    if task is None:
        return []
    code = worker.process.exitcode or 0
    cause = f"signal {-code}, likely out of memory" if code == -signal.SIGKILL else f"signal {-code}" if code < 0 else f"exit code {code}"
    again = []
    for run in task.job.runs:
        if run.id in worker.finished:
            continue
        attempts[run.id] += 1
        line = f"worker died ({cause}) on run {run.id}, attempt {attempts[run.id]} of {allowed}"
        progress.note = line
        if attempts[run.id] < allowed:
            again.append(run)
        else:
            store.fail(run, line)
            _note(progress, task.position, ("run", run.id, "failed", line))
    done = 0.0 if task.share == 1.0 else progress.fractions.get(task.position, 0.0)
    progress.fractions[task.position] = done + task.share * (1 - len(again) / len(task.job.runs))
    half = (len(again) + 1) // 2
    parts = [part for part in (tuple(again[:half]), tuple(again[half:])) if part]
    return [_Task(Job(part), task.position, task.share * len(part) / len(task.job.runs)) for part in parts]
