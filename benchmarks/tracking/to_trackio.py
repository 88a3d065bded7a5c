"""Trackio: a database of this machine's own, TRACKIO_DIR, which `trackio show` opens; or a Space (TRACKIO_SPACE_ID) or server (TRACKIO_SERVER_URL)."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tracking.tracker import PROJECT, SUMMARY, Card, Tracked, Tracker, needs

END = "mirrored"  # 1 in the last row of a run that was told to its end


def tracker(rest: str) -> Tracker:
    return Trackio(rest or PROJECT)


class Trackio(Tracker):
    kind = "trackio"

    def __init__(self, project: str):
        self.project = project

    @property
    def place(self) -> str:
        return f"Trackio, project {self.project}"

    @property
    def then(self) -> str:
        return f"; trackio show --project {self.project} shows them"

    def has(self, card: Card) -> bool:
        return END in self._last_of(card)

    def _last_of(self, card: Card) -> dict[str, Any]:
        """The last row of a run in this machine's database; empty where there is none."""
        storage = needs("trackio").SQLiteStorage
        if not storage.get_project_db_path(self.project).exists():
            return {}
        run = storage.get_latest_run_record_by_name(self.project, card.name)
        rows = storage.get_logs(self.project, card.name, run_id=run["id"]) if run else []
        return rows[-1] if rows else {}

    def open(self, card: Card, whole: bool = False) -> Tracked:
        return Run(self, card)


class Run(Tracked):
    def __init__(self, tracker: Trackio, card: Card):
        self.trackio, self.tracker, self.card = needs("trackio"), tracker, card
        self.last: int | None = tracker._last_of(card).get("step")
        with _silence():
            # A run of Trackio's is one name, whose steps may come again: a run that is there is continued.
            self.run = self.trackio.init(project=tracker.project, name=card.name, group=card.group, resume="allow", embed=False, auto_log_gpu=False,
                                         auto_log_cpu=False, config={"id": card.id, "tags": list(card.tags), "notes": card.notes, **card.config})  # fmt: skip

    @property
    def resumed_at(self) -> int | None:
        return self.last

    def log(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        self.run.log(dict(values), step=step)
        self.last = step

    def finish(self, summary: Mapping[str, Any], status: str = "finished") -> None:
        end = {f"{SUMMARY}{key}": value for key, value in summary.items()} | {"status": status} | ({} if status == "interrupted" else {END: 1})
        self.run.log(end, step=self.last or 0)
        self.abandon()
        if END in end and not os.environ.get("TRACKIO_SPACE_ID") and not os.environ.get("TRACKIO_SERVER_URL") and not self.tracker.has(self.card):
            raise RuntimeError(f"its database did not take the run {self.card.name}")  # of which Trackio only warns

    def attach(self, path: Path, kind: str) -> bool:
        artifact = self.trackio.Artifact(f"{kind}-{self.card.id[:12]}", type=kind)
        artifact.add_file(str(path))
        with _silence():
            self.run.log_artifact(artifact)
        return True

    def abandon(self) -> None:
        with _silence():
            self.run.finish()
        current = self.trackio.context_vars.current_run
        if current.get() is self.run:  # else it would be finished again when the process ends
            current.set(None)


class _Quiet(io.TextIOBase):
    """What this thread prints is dropped, what others print is not."""

    def __init__(self, kept: Any):
        self.kept, self.owner = kept, threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self.owner else self.kept.write(text)

    def flush(self) -> None:
        self.kept.flush()


def _silence() -> contextlib.AbstractContextManager[Any]:
    """Trackio prints how it is used, on every run."""
    return contextlib.redirect_stdout(_Quiet(sys.stdout))
