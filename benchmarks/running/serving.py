"""What the process of a worker does with a batch of jobs, whichever launcher started it: train one after another, say that it lives, and keep its limits."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import psutil

from benchmarks import first_line
from benchmarks.running.launchers import Settings, past_memory, past_minutes
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job

PERIOD, BEAT = 0.25, 2.0  # seconds between two looks at the limits, and between two signs of life
PAST_LIMIT = 75  # the exit code of a process that ended itself

Say = Callable[[tuple], None]

_served = 0  # runs of this process so far: what they left in memory is not the next one's


def serve(jobs: Sequence[Job], store: Store, say: Say, settings: Settings, is_watched: bool = True) -> None:
    """Work on a batch; `say` takes the messages of `launchers.Crew`.

    is_watched: by a thread that shows life, and ends the process where a run is past a limit.
    """
    global _served
    worker = importlib.import_module(settings.worker)

    with watched(say, settings) if is_watched else nullcontext(lambda job: None) as begin:
        for k, job in enumerate(jobs):
            say(("begun", k))
            begin(job)
            try:
                worker.execute(job, store, say)
            except Exception as error:  # a run's own errors are results; this one kept a result from being written
                line = f"{type(error).__name__}: {first_line(error)}"
                say(("unstored", line, traceback.format_exc(), getattr(error, "errno", None)))
                return
            _served += len(job.runs)
            say(("done",))


@contextmanager
def watched(say: Say, settings: Settings) -> Iterator[Callable[[Job], None]]:
    """Beside the training: a sign of life now and then, and the end of this process where a run is past a limit. Yields what is told of each new job."""
    now: list[tuple[Job, float]] = []  # the job, and when it began
    over, trained = threading.Event(), threading.get_ident()

    def watch() -> None:
        last = time.monotonic()
        while not over.wait(PERIOD):
            if now and (what := _past(settings, *now[-1])):
                stack = "".join(traceback.format_stack(sys._current_frames()[trained]))
                is_its_own = _served == 0 or not what.startswith(past_memory(settings.limit_memory or 0.0))
                say(("limit", what, f"Traceback (most recent call last), where it was ended:\n{stack}", is_its_own))
                os._exit(PAST_LIMIT)
            if time.monotonic() - last > min(BEAT, settings.heartbeat_seconds / 5):
                last = time.monotonic()
                say(("beat",))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda job: now.append((job, time.monotonic()))
    finally:
        over.set()
        thread.join()


def _past(settings: Settings, job: Job, began: float) -> str:
    """Which limit the job is past, or nothing."""
    if settings.limit_minutes and time.monotonic() - began > settings.limit_minutes * 60 * len(job.runs):
        return past_minutes(settings.limit_minutes)
    if settings.limit_memory and _memory() > settings.limit_memory * 2**30:
        return past_memory(settings.limit_memory)
    return ""


def _memory() -> int:
    """Bytes of this process and of those that it started to train with."""
    total = psutil.Process().memory_info().rss
    for child in multiprocessing.active_children():
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(child.pid).memory_info().rss
    return total
