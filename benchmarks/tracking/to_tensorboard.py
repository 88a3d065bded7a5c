"""TensorBoard's event files, which it reads by itself: FOLDER/study/algorithm/environment/run. Its numbers have 32 bits."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tracking.tracker import SUMMARY, Card, Tracked, Tracker, flat, numeric

FOLDER = "tensorboard"


def tracker(rest: str) -> Tracker:
    return TensorBoard(Path(rest or FOLDER))


class TensorBoard(Tracker):
    kind = "tensorboard"

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def place(self) -> str:
        return f"TensorBoard's files in {self.folder}"

    @property
    def then(self) -> str:
        return f"; tensorboard --logdir {self.folder} shows them"

    def has(self, card: Card) -> bool:
        return self._folder_of(card).is_dir()

    def open(self, card: Card, whole: bool = False) -> Tracked:
        return Events(card, self._folder_of(card), whole)

    def _folder_of(self, card: Card) -> Path:
        return self.folder.joinpath(*(part.replace(":", "-") for part in card.group.split("/")), card.name)


class Events(Tracked):
    """Event files of a run. One that has ended is written beside its place, and gets its name when all is there."""

    def __init__(self, card: Card, folder: Path, whole: bool):
        from torch.utils.tensorboard import SummaryWriter

        self.card, self.folder = card, folder
        self.beside = folder.with_name(f".{folder.name}.part") if whole else None
        if self.beside:
            shutil.rmtree(self.beside, ignore_errors=True)  # of a process that was killed while it wrote
        self.writer = SummaryWriter(str(self.beside or folder))
        rows = "\n".join(f"| {key} | `{value}` |" for key, value in flat(card.config).items())
        self.writer.add_text("run", f"{card.notes}\n\n| | |\n| --- | --- |\n{rows}", walltime=card.began)

    def log(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        at = None if seconds is None or self.card.began is None else self.card.began + seconds
        for key, value in values.items():
            self.writer.add_scalar(key, value, step, walltime=at)
        if self.beside is None:
            self.writer.flush()

    def finish(self, summary: Mapping[str, Any], status: str = "finished") -> None:
        from torch.utils.tensorboard.summary import hparams

        final = {f"{SUMMARY}{key}": value for key, value in numeric(summary).items()}
        for part in hparams({**flat(self.card.config), "status": status}, final):
            self.writer._get_file_writer().add_summary(part)
        for key, value in final.items():
            self.writer.add_scalar(key, value, 0)
        self.writer.close()
        self._rename_files(self.beside or self.folder)
        if self.beside:
            os.rename(self.beside, self.folder)

    def _rename_files(self, folder: Path) -> None:
        """Whose names hold the machine's until then."""
        known = f".{self.card.id[:16]}."
        paths = sorted(folder.glob("events.out.tfevents.*"))
        n = sum(known in path.name for path in paths)
        for k, path in enumerate((path for path in paths if known not in path.name), n):
            path.rename(path.with_name(f"events.out.tfevents.{int(self.card.began or time.time())}{known}{k}"))

    def abandon(self) -> None:
        self.writer.close()
        if self.beside:
            shutil.rmtree(self.beside, ignore_errors=True)
