"""Crews on this machine: this process, and a pool of single-threaded processes."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.running.launchers import Crew, Settings, Tell, die_with_parent
from benchmarks.running.serving import serve
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job


class InProcess(Crew):
    """Everything in this process, one job after another: for debugging."""

    size = 1

    def __init__(self, store: Store, settings: Settings, tell: Tell):
        self.store, self.settings, self.tell = store, settings, tell
        self.batch: tuple[int, Sequence[Job]] | None = None

    def submit(self, ticket: int, jobs: Sequence[Job]) -> None:
        self.batch = ticket, jobs

    def wait(self, seconds: float) -> None:
        if self.batch:
            (ticket, jobs), self.batch = self.batch, None
            serve(jobs, self.store, lambda message: self.tell(ticket, message), self.settings, is_watched=False)
            self.tell(ticket, ("over",))

    def end(self, ticket: int) -> str:
        raise AssertionError("this process cannot be ended: it has no limits and is never silent, for it is asked by itself")

    def close(self) -> None:
        pass


class Pool(Crew):
    """Processes of this machine, started when they are needed and used again."""

    def __init__(self, store: Store, settings: Settings, tell: Tell):
        self.store, self.settings, self.tell = store, settings, tell
        self.size = settings.jobs or self.capacity(settings)
        self.workers: list[_Worker] = []
        self.context = multiprocessing.get_context("spawn")
        self.traces = tempfile.TemporaryDirectory(prefix="traces-")  # where workers that crash leave their tracebacks

    def submit(self, ticket: int, jobs: Sequence[Job]) -> None:
        for worker in [worker for worker in self.workers if worker.ticket is None]:
            if worker.give(ticket, jobs):
                return
            self._dismiss(worker)  # it died while idle
        worker = _Worker(self.context, self.store.path, self.settings, Path(self.traces.name))
        self.workers.append(worker)
        worker.give(ticket, jobs)  # if it is dead already, its sentinel says so

    def wait(self, seconds: float) -> None:
        ready = multiprocessing.connection.wait([thing for w in self.workers for thing in (w.connection, w.process.sentinel)], timeout=seconds)
        for worker in list(self.workers):
            if (worker.connection in ready or worker.process.sentinel in ready) and not self._drain(worker):
                worker.process.join(2.0)  # its end of the pipe closes before it has an exit code
                self._dismiss(worker)
                if worker.ticket is not None:
                    self.tell(worker.ticket, ("lost", worker.cause(), worker.trace()))

    def _drain(self, worker: _Worker) -> bool:
        """Tell all messages of a worker; False if it is dead."""
        try:
            while worker.connection.poll():
                message = worker.connection.recv()
                assert worker.ticket is not None, "a worker speaks of its batch only"
                ticket = worker.ticket
                if message[0] == "over":
                    worker.ticket = None
                self.tell(ticket, message)
        except (EOFError, ConnectionResetError):
            return False
        return worker.process.is_alive()

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.stop()

    def end(self, ticket: int) -> str:
        worker = next(worker for worker in self.workers if worker.ticket == ticket)
        worker.ask_where()
        self._dismiss(worker)
        return worker.trace()

    def close(self) -> None:
        for worker in list(self.workers):
            self._dismiss(worker)
        self.traces.cleanup()


class _Worker:
    """One process of the pool. ticket: of the batch that it is working on."""

    def __init__(self, context, path: Path, settings: Settings, traces: Path):
        self.connection, theirs = context.Pipe()
        handle, trace = tempfile.mkstemp(dir=traces)
        os.close(handle)
        self.path = Path(trace)
        self.process = context.Process(target=_work, args=(theirs, path, settings, self.path), daemon=True)
        self.process.start()
        theirs.close()
        self.ticket: int | None = None

    def give(self, ticket: int, jobs: Sequence[Job]) -> bool:
        """False if it is dead."""
        self.ticket = ticket
        try:
            self.connection.send(list(jobs))
        except OSError:
            return False
        return True

    def ask_where(self) -> None:
        """Have it write where it is, which it can although it holds Python's lock; but not if it is stopped."""
        if hasattr(signal, "SIGUSR1") and self.process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGUSR1)
                time.sleep(0.2)

    def trace(self) -> str:
        """What it wrote when it crashed or was asked, if it did."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def cause(self) -> str:
        code = self.process.exitcode or 0
        return f"signal {-code}, likely out of memory" if code == -signal.SIGKILL else f"signal {-code}" if code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _work(connection, path: Path, settings: Settings, trace: Path) -> None:
    """A worker process: batches come in, messages go out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    die_with_parent()
    file = trace.open("w", encoding="utf-8")
    faulthandler.enable(file)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, file)
    store, lock = Store(path), threading.Lock()

    def say(message: tuple) -> None:
        with lock:  # the watch speaks too
            connection.send(message)

    while (jobs := connection.recv()) is not None:
        serve(jobs, store, say, settings)
        say(("over",))
