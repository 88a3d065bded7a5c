"""Long runs: checkpoints from which a job goes on exactly where its process was ended. Off, unless the study's launcher says `checkpoint_steps`.

    DIR/.checkpoints/NAME/ runs.json  model.zip        of one job: the ids of its runs, and their training (docs/resuming.md)

They belong to no result: a run that went on from one has the weights and scores that it would have had, and its record says at which step (`resumed`).
Whoever only reads a study passes them over, and they are removed when the job's runs are done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError
from benchmarks.store.files import write_whole
from benchmarks.store.plain import content, from_json
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job, Run, runs_by_id
from benchmarks.studies.study import Study
from from_scratch import registry

FOLDER, RUNS, MODEL = ".checkpoints", "runs.json", "model.zip"


def check(study: Study) -> None:
    """UserError for an interval that is none, and for measures, which cannot go on in the middle of a run."""
    every = (study.launcher or {}).get("checkpoint_steps")
    if every is None:
        return
    if type(every) is not int or every < 1:
        raise UserError(f"launcher.checkpoint_steps={every}: give a whole number of training steps of at least 1, or null for no checkpoints")
    if study.protocol.get("measures"):
        raise UserError("launcher.checkpoint_steps: a run with measures begins again from its seed; leave protocol.measures out, or the checkpoints")


def _folder(job: Job, store: Store) -> Path:
    return store.path / FOLDER / hashlib.sha256("\n".join(run.id for run in job.runs).encode()).hexdigest()[:16]


def interval(job: Job, store: Store) -> int | None:
    """Steps from one checkpoint of this job to the next; None for no checkpoints. Stable-Baselines3's classes restart from their seed."""
    return store.checkpoint_steps if registry.find(job.runs[0].algo).is_ours else None


def place(job: Job, store: Store) -> Path:
    """Where the job's checkpoint is, or will be."""
    folder = _folder(job, store)
    if not (folder / RUNS).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / RUNS, json.dumps([run.id for run in job.runs]))
    return folder / MODEL


def forget(job: Job, store: Store) -> None:
    """The job is done, or cannot go on."""
    shutil.rmtree(_folder(job, store), ignore_errors=True)
    with contextlib.suppress(OSError):  # others have theirs there
        (store.path / FOLDER).rmdir()


def is_begun(job: Job, store: Store) -> bool:
    return (_folder(job, store) / MODEL).exists()


def begun(todo: Sequence[Run], store: Store) -> list[Job]:
    """The jobs that have a checkpoint and whose runs are all to be done: they stay together, as other groups could not go on from it."""
    runs, jobs = runs_by_id(todo), []
    for path in sorted((store.path / FOLDER).glob(f"*/{MODEL}")):
        try:
            ids: Any = from_json(content(path.with_name(RUNS)))
            job = Job(tuple(runs[run_id] for run_id in ids))
        except (IntegrityError, OSError, KeyError, TypeError):
            continue
        if job.runs and _folder(job, store) == path.parent and len({(run.algo, run.env, run.steps) for run in job.runs}) == 1:
            jobs.append(job)
            for run in job.runs:
                del runs[run.id]
    return jobs
