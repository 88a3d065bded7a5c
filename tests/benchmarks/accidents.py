"""A worker that only pretends to train, in the place of benchmarks.running.worker: quick runs with invented scores, and accidents that a test asks for.

RUN_SECONDS: how long a run takes.   KILLED_SEED, MOST_DEATHS, DEATHS: it kills its process, so often, counted in that file.
ACCIDENT: "kind seed", of one seed: see `_accident`.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from pathlib import Path

import pandas  # noqa: F401 — now, so that it is no part of the time of a first run
import pyarrow.parquet  # noqa: F401

from benchmarks.store import rows  # noqa: F401
from benchmarks.store.store import Store
from benchmarks.store.tables import write_table


def planned(path, seeds=3, algos=("ppo",), **changes):
    """A store with a planned study of runs that do not exist."""
    from benchmarks.studies import plan, study

    store = Store(path)
    store.save_study(plan.pinned(study.adhoc(list(algos), ["CartPole-v1"], seeds=seeds, steps=10, **changes)))
    return store


def execute(job, store, report=lambda message: None):
    report(("progress", 0.5))
    for run in job.runs:
        directory = store.begin(run)
        if run.seed == int(os.environ.get("KILLED_SEED", -1)):
            mark = Path(os.environ["DEATHS"])
            deaths = len(mark.read_text()) if mark.exists() else 0
            if deaths < int(os.environ["MOST_DEATHS"]):
                mark.write_text("x" * (deaths + 1))
                os.kill(os.getpid(), signal.SIGKILL)
        kind, _, seed = os.environ.get("ACCIDENT", "").partition(" ")
        if kind and run.seed == int(seed):
            _accident(kind)
        time.sleep(float(os.environ.get("RUN_SECONDS", 0)))
        finish(run, directory, store)
        report(("run", run.id, "finished", ""))


def finish(run, directory, store):
    """Commit the run with invented rows, the same for the same run."""
    n = run.protocol["eval_episodes"]
    score = float(run.seed % 7)
    key = (run.algo, run.env, run.seed)
    write_table(directory / "curve.parquet", "curve", [(*key, step, step, 0.5, score, 0.0, 9.0, n) for step in run.checkpoints])
    write_table(directory / "episodes.parquet", "episodes", [(*key, step, i, score, 9) for step in run.checkpoints for i in range(n)])
    write_table(directory / "training.parquet", "training", [])
    store.commit(run, directory, {"status": "finished", "error": None, "train_seconds": 0.5, "host": {"threads": 1}})


def _accident(kind):
    kept = []
    while kind == "hangs":
        time.sleep(0.01)
    while kind == "hogs":
        kept.append(b"x" * 2**24)
        time.sleep(0.005)
    if kind == "holds":  # Python's lock, for longer than anyone waits: no other thread of this process says a word
        re.match(r"(a+)+$", "a" * 60 + "b")
    if kind == "stops":
        os.kill(os.getpid(), signal.SIGSTOP)
    if kind == "crashes":
        ctypes.string_at(0)
    if kind == "fills":
        raise OSError(28, "No space left on device")  # where a result is written
