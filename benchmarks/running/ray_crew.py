"""A crew of processes in a Ray cluster: one that runs already, or one of this machine's own that ends with the command.

Every node must reach the study's folder under the same path, and have this project and its packages installed. A batch is a task of one processor. Ray starts
and ends its processes; what it says of a lost one is told as a loss, and the conductor decides what is tried again: Ray itself tries nothing twice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, UserError, first_line
from benchmarks.running.launchers import THREADS, Crew, Settings, Tell
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job

IN_HAND = 1.25  # batches for each processor: the next one is there when one ends


class Ray(Crew):
    """See the module."""

    def __init__(self, store: Store, settings: Settings, tell: Tell):
        self.ray = _connected(settings)
        self.store, self.settings, self.tell = store, settings, tell
        self.size = settings.jobs or max(1, int(IN_HAND * self.capacity(settings)))
        self.out: dict[Any, int] = {}  # what stands for the end of a batch -> its ticket
        self.ear = self.ray.remote(num_cpus=0)(_Ear).remote()
        needs = {"num_cpus": 1, "max_retries": 0, **({"num_gpus": settings.gpus} if settings.gpus else {})}
        self.task = self.ray.remote(**needs)(_batch)

    @staticmethod
    def capacity(settings: Settings) -> int:
        """The cluster's processors."""
        return max(1, int(_connected(settings).cluster_resources().get("CPU", 1)))

    def submit(self, ticket: int, jobs: Sequence[Job]) -> None:
        end = self.task.remote(ticket, list(jobs), str(self.store.path.resolve()), self.settings, self.ear, sys.path)
        self.out[end] = ticket

    def wait(self, seconds: float) -> None:
        try:
            if self.out:
                self.ray.wait(list(self.out), num_returns=1, timeout=seconds)
            ended, _ = self.ray.wait(list(self.out), num_returns=len(self.out), timeout=0) if self.out else ([], [])
            for ticket, message in self.ray.get(self.ear.heard.remote()):  # after the look at what has ended: all of its words are there
                self.tell(ticket, message)
        except self.ray.exceptions.RayError as error:
            raise IncompleteData(f"the Ray cluster is gone ({first_line(error)}): what has finished is kept, and the same command goes on") from None
        for end in ended:
            ticket = self.out.pop(end)
            try:
                self.ray.get(end)
                self.tell(ticket, ("over",))
            except self.ray.exceptions.RayTaskError as error:
                self.tell(ticket, ("lost", first_line(error.cause or error), str(error)))
            except self.ray.exceptions.RayError as error:
                self.tell(ticket, ("lost", _cause(error), str(error)))

    def end(self, ticket: int) -> str:
        for end in [end for end, known in self.out.items() if known == ticket]:
            del self.out[end]
            with contextlib.suppress(self.ray.exceptions.RayError, ValueError):
                self.ray.cancel(end, force=True)
        return ""

    def close(self) -> None:
        for ticket in list(self.out.values()):
            self.end(ticket)
        self.ray.shutdown()


class _Ear:
    """An actor that keeps what workers say until it is asked."""

    def __init__(self) -> None:
        self.words: list[tuple[int, tuple]] = []

    def say(self, ticket: int, message: tuple) -> None:
        self.words.append((ticket, message))

    def heard(self) -> list[tuple[int, tuple]]:
        words, self.words = self.words, []
        return words


def _batch(ticket: int, jobs: list[Job], path: str, settings: Settings, ear: Any, places: list[str]) -> None:
    """A task: the process of a worker, on some node."""
    for variable in THREADS:
        os.environ[variable] = "1"
    sys.path += [place for place in places if place not in sys.path]
    import ray

    from benchmarks.running.serving import serve

    lock = threading.Lock()
    last: list[Any] = []

    def say(message: tuple) -> None:
        with lock:
            last[:] = [ear.say.remote(ticket, message)]
        if message[0] in ("limit", "unstored"):  # the process may end right after it
            ray.get(last[0])

    serve(jobs, Store(Path(path)), say, settings)
    if last:
        ray.get(last[0])  # an actor hears in order: then it has heard everything


def _connected(settings: Settings) -> Any:
    """Ray, connected. UserError where it is not installed, or there is no cluster at the address."""
    try:
        import ray
    except ImportError:
        raise UserError('launcher=ray needs Ray: pip install "sb3-course[ray]"') from None
    if ray.is_initialized():
        return ray
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what a run without a graphics card sees of them is as it is
    address = settings.address or os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"include_dashboard": False, **({"num_cpus": settings.jobs} if settings.jobs else {})}
    try:
        ray.init(address=address or "local", logging_level=logging.ERROR, log_to_driver=False, configure_logging=False, **own)
    except (ConnectionError, ValueError, TimeoutError, RuntimeError) as error:
        raise UserError(f"no Ray cluster at {address or 'this machine'}: {first_line(error)} (ray start --head starts one)") from None
    return ray


def _cause(error: Exception) -> str:
    """What became of a worker, in a few words."""
    import ray

    named = {ray.exceptions.OutOfMemoryError: "out of memory, ended by Ray", ray.exceptions.NodeDiedError: "its node is gone",
             ray.exceptions.WorkerCrashedError: "its process is gone, likely out of memory"}  # fmt: skip
    return next((words for kind, words in named.items() if isinstance(error, kind)), first_line(error)[:200])
