"""Weights & Biases. Without a login, or with WANDB_MODE=offline, runs become folders of their own, wandb/offline-run-*, which `wandb sync` uploads later.

Steps are environment steps. What wandb records besides, of machine, program, user and packages, is turned off: the run's own record says what is to be known.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.tracking.tracker import PROJECT, SUMMARY, Card, Tracked, Tracker, needs

WHOLE = "mirrored"  # in the summary of a run that was told to its end

QUIET = {"console": "off", "silent": True, "disable_git": True, "disable_code": True, "disable_job_creation": True, "x_disable_stats": True,
         "x_disable_meta": True, "x_disable_machine_info": True, "x_save_requirements": False, "host": "", "program": "", "init_timeout": 60.0}  # fmt: skip


def tracker(rest: str) -> Tracker:
    entity, _, project = rest.rpartition("/")
    return WeightsAndBiases(project or os.environ.get("WANDB_PROJECT") or PROJECT, entity or os.environ.get("WANDB_ENTITY") or None)


class WeightsAndBiases(Tracker):
    kind = "wandb"

    def __init__(self, project: str, entity: str | None = None):
        if "/" in (entity or ""):
            raise UserError(f"--track wandb:{entity}/{project}: it is wandb:PROJECT or wandb:ENTITY/PROJECT")
        self.project, self.entity = project, entity
        self.folder = Path(os.environ.get("WANDB_DIR") or ".")  # wandb's own is wandb/ in it
        self._mode: str | None = None

    @property
    def place(self) -> str:
        return f"Weights & Biases, project {'/'.join(filter(None, (self.entity, self.project)))}"

    @property
    def mode(self) -> str:
        """As WANDB_MODE says; else "online" with a login and "offline" without. Nobody is asked for a key."""
        if self._mode is None:
            asked = os.environ.get("WANDB_MODE")
            logging.getLogger("wandb").setLevel(logging.ERROR)  # it tells that there is no login, which is what is asked
            self._mode = asked or ("online" if needs("wandb").login(prompt=False) else "offline")
            if self._mode not in ("online", "offline", "shared"):
                raise UserError(f"WANDB_MODE={self._mode}: Weights & Biases is switched off")
        return self._mode

    @property
    def is_offline(self) -> bool:
        return self.mode == "offline"

    @property
    def then(self) -> str:
        return f"; offline, wandb sync {self.folder / 'wandb' / 'offline-run-*'} uploads them" if self.is_offline else ""

    def has(self, card: Card) -> bool:
        if self.is_offline:
            return any((self.folder / "wandb").glob(f"offline-run-*-{card.id}"))
        wandb = needs("wandb")
        try:
            run = wandb.Api().run("/".join(filter(None, (self.entity, self.project, card.id))))
        except (wandb.errors.CommError, ValueError):  # there is none
            return False
        return bool(run.summary.get(WHOLE))

    def open(self, card: Card, whole: bool = False) -> Tracked:
        return Run(self, card, whole)


class Run(Tracked):
    def __init__(self, tracker: WeightsAndBiases, card: Card, whole: bool):
        wandb = needs("wandb")
        (tracker.folder / "wandb").mkdir(parents=True, exist_ok=True)  # else it would look for another place
        self.wandb, self.tracker, self.card = wandb, tracker, card
        self.beside = tempfile.mkdtemp(prefix=".part-", dir=tracker.folder / "wandb") if whole and tracker.is_offline else None
        self.run = wandb.init(project=tracker.project, entity=tracker.entity, id=card.id, name=card.name, group=card.group, job_type=card.kind,
                              tags=[tag[:64] for tag in card.tags], notes=card.notes or None, config=card.config, dir=self.beside or str(tracker.folder),
                              mode=tracker.mode, resume=None if tracker.is_offline else "allow", reinit="create_new",
                              settings=wandb.Settings(**QUIET))  # fmt: skip
        self.run.define_metric("*", step_metric="global_step")
        self.last = self.run.step - 1

    @property
    def resumed_at(self) -> int | None:
        return self.last if self.last >= 0 else None

    def log(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        at = {} if seconds is None or self.card.began is None else {"_timestamp": self.card.began + seconds}
        self.run.log({"global_step": step, **values, **at}, step=step)

    def finish(self, summary: Mapping[str, Any], status: str = "finished") -> None:
        self.run.summary.update({**{f"{SUMMARY}{key}": value for key, value in summary.items()}, "status": status, WHOLE: status != "interrupted"})
        self.run.finish(exit_code=0 if status == "finished" else 1)
        self._put_in_place()

    def attach(self, path: Path, kind: str) -> bool:
        artifact = self.wandb.Artifact(f"{kind}-{self.card.id[:12]}", type=kind)
        artifact.add_file(str(path))
        self.run.log_artifact(artifact)
        return True

    def abandon(self) -> None:
        self.run.finish(exit_code=1)
        if self.beside:
            shutil.rmtree(self.beside, ignore_errors=True)

    def _put_in_place(self) -> None:
        if self.beside:
            [made] = (Path(self.beside) / "wandb").glob("offline-run-*")
            os.rename(made, self.tracker.folder / "wandb" / made.name)
            shutil.rmtree(self.beside, ignore_errors=True)
