"""Runs of a store in trackers: each once, with what the store says of it, and nothing that it does not say.

A run that has finished or failed is told whole, from its sealed record and tables, whether that is while its study still trains (`Following`) or long after.
What a tracker has to its end, it is not told again; what a kill cut there, it is told on. So the same call makes, completes and checks a mirror.
"""

from __future__ import annotations

import calendar
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import HarnessError, UserError
from benchmarks.store.files import file_hash
from benchmarks.store.store import Store
from benchmarks.studies.plan import Run, runs_by_id
from benchmarks.tracking.tracker import Card, Tolerant, Tracker, group_name, without_secrets

if TYPE_CHECKING:
    from benchmarks.studies.study import Study

ATTACHED = ("report", "models")
OF_CURVE = {"score": "eval/mean_reward", "score_std": "eval/std_reward", "episode_length": "eval/mean_ep_length", "seconds": "time/time_elapsed"}  # SB3's keys
OF_RECORD = ("unit", "lockstep", "model_seed", "build_seconds", "eval_seconds", "weights_hash_start", "host", "seal")  # what a card says of a run's record
DIGITS = 32  # of a hash, that name a run in a tracker
KEPT_UP = 10.0  # seconds that the end of a training waits for the run that is being mirrored


class Row(NamedTuple):
    """What is told at a checkpoint. seconds: of training until then."""

    step: int
    values: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Told:
    """All that a tracker is told of one run."""

    card: Card
    rows: list[Row]
    summary: dict[str, Any]
    status: str


def told(store: Store, study: Study, group: str, run: Run, record: dict[str, Any]) -> Told:
    """Of a run that has finished or failed. IntegrityError where its tables are not what was sealed."""
    status = record["status"]
    rows = rows_of(store, run) if status == "finished" else []
    ended, trained = record.get("finished_at"), record.get("train_seconds") or 0.0
    began = calendar.timegm(time.strptime(ended, "%Y-%m-%dT%H:%M:%SZ")) - trained if ended else None
    config = {
        "algo": run.algo, "env": run.env, "seed": run.seed, "steps": run.steps,
        "hyperparams": run.hyperparams, "environment": run.spec, "protocol": run.protocol,
        "code": run.code, "source": study.source or {}, "study": {"name": study.name, "hash": study.hash, "group": group},
        "run": {"id": run.id, "hash": run.hash, **{key: record[key] for key in OF_RECORD if record.get(key) is not None}},
    }  # fmt: skip
    # A failed run is not in the way of the one that is made in its place.
    card = Card(run.hash[:DIGITS] if status == "finished" else f"{run.hash[:DIGITS]}-failed", run.id + ("" if status == "finished" else "-failed"),
                group_name(study.name, run.algo, run.env), without_nothing(config),
                ("sb3-course", study.name, run.algo, run.env), study.question or "", began=began)  # fmt: skip
    return Told(card, rows, summary_of(rows, record), status)


def rows_of(store: Store, run: Run) -> list[Row]:
    """A finished run's checkpoints: its scores, and what training logged until then."""
    curve, training = store.table(run, "curve"), store.table(run, "training")
    logged = {step: dict(zip(rows["key"], rows["value"], strict=True)) for step, rows in training.groupby("step")}
    found = []
    for row in curve.sort_values("step").to_dict("records"):
        values = {key: float(row[column]) for column, key in OF_CURVE.items()}
        found.append(Row(int(row["step"]), {**{key: float(value) for key, value in logged.get(row["step"], {}).items()}, **values}, float(row["seconds"])))
    return found


def summary_of(rows: list[Row], record: dict[str, Any]) -> dict[str, Any]:
    if record["status"] != "finished":
        return {"error": record.get("error") or ""}
    last = rows[-1]
    return {"score": last.values["eval/mean_reward"], "score_std": last.values["eval/std_reward"], "seconds": record.get("train_seconds"),
            "steps_per_second": record.get("steps_per_second"), "diverged": bool(record.get("diverged")),
            "weights_hash": record.get("weights_hash_end") or ""}  # fmt: skip


def without_nothing(value: Any) -> Any:
    """Nested plain values without None and without what is empty."""
    if isinstance(value, dict):
        kept = {str(key): without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    return [without_nothing(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass
class Mirror:
    """A study's store and the trackers that show it. attach: of ATTACHED, what is put beside the numbers of a run that is told."""

    store: Store
    to: Tolerant
    attach: tuple[str, ...] = ()
    made: dict[str, int] = field(default_factory=dict)  # place -> runs that it was told
    there: dict[str, int] = field(default_factory=dict)  # place -> runs that it had
    seen: set[tuple[str, str]] = field(default_factory=set)  # (place, id) of these
    damaged: dict[str, str] = field(default_factory=dict)  # run -> what is wrong with it
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        unknown = [what for what in self.attach if what not in ATTACHED]
        if unknown:
            raise UserError(f"--attach {unknown[0]}: there are {', '.join(ATTACHED)}")

    def tell(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Tell every tracker that works of every run that has finished or failed, and that it has not. stop: asked between runs."""
        with self._lock:
            study, planned = self.store.study(), self.store.planned()
            group_of = {run.id: group for group, run in reversed(planned)}
            for run, status, record in self.store.states(run for run in runs_by_id(run for _, run in planned).values() if self._lacks(f"{run.id} finished")):
                if stop() or not self.to.working:
                    return
                if status in ("finished", "failed") and self._lacks(f"{run.id} {status}"):
                    self._tell_of(study, group_of[run.id], run, status, record)
            if "report" in self.attach:
                self._tell_report(study)

    def _lacks(self, key: str) -> bool:
        """Whether a tracker is yet to be told of this."""
        return any((tracker.place, key) not in self.seen for tracker in self.to.working)

    def _tell_of(self, study: Study, group: str, run: Run, status: str, record: dict[str, Any]) -> None:
        try:
            all_of_it = told(self.store, study, group, run, record)
        except HarnessError as error:  # the store's own matter: `sb3-course status` and `reproduce` say more
            self.damaged[run.id] = str(error)
            return
        with self._files(run, status) as files:
            for tracker in self.to.working:
                self._tell_one(tracker, all_of_it, files, f"{run.id} {status}")

    def _tell_one(self, tracker: Tracker, what: Told, files: list[tuple[Path, str]], key: str) -> None:
        if (tracker.place, key) in self.seen:
            return
        try:
            is_there = tracker.has(what.card)
            if not is_there:
                told_to(tracker, what, files)
        except Exception as error:  # whatever a tracker's package raises
            self.to.give_up(tracker, error)
            return
        self.seen.add((tracker.place, key))
        counts = self.there if is_there else self.made
        counts[tracker.place] = counts.get(tracker.place, 0) + 1

    @contextmanager
    def _files(self, run: Run, status: str) -> Iterator[list[tuple[Path, str]]]:
        if "models" not in self.attach or status != "finished":
            yield []
            return
        with self.store.folder(run.id) as folder:
            yield [(path, "model") for path in (folder / name for name in ("model.zip", "vecnormalize.npz")) if path.is_file()]

    def _tell_report(self, study: Study) -> None:
        """The report as a run of its own; another one when it was made anew."""
        path = self.store.path / "report" / "report.html"
        if not path.is_file():
            raise UserError(f"--attach report: {path} is not there; sb3-course report makes it")
        digest = file_hash(path)
        card = Card(f"{digest[:DIGITS]}-report", f"report-{digest[:12]}", group_name(study.name, "report"), {"study": {"name": study.name, "hash": study.hash}},
                    ("sb3-course", study.name), study.question or "", "report")  # fmt: skip
        for tracker in self.to.working:
            if tracker.kind != "tensorboard":  # which takes no files
                self._tell_one(tracker, Told(card, [], {}, "finished"), [(path, "report")], f"report {digest}")


def told_to(tracker: Tracker, what: Told, files: list[tuple[Path, str]]) -> None:
    """Tell a tracker of a run from where it left off. Whatever it raises is raised, and no half of a run is left where that can be helped."""
    tracked = tracker.open(what.card, whole=True)
    try:
        after = tracked.resumed_at
        for row in what.rows:
            if after is None or row.step > after:
                tracked.log(row.step, row.values, row.seconds)
        for path, kind in files:
            tracked.attach(path, kind)
        tracked.finish(what.summary, what.status)
    except BaseException:
        tracked.abandon()
        raise


class Following:
    """Tells trackers, from a thread, of the runs of a study while others still train: `with Following(mirror) as following: … following.look()`.

    Training waits for no tracker. What the thread had not told when this ends, the next `mirror.tell()` tells.
    """

    def __init__(self, mirror: Mirror):
        self.mirror = mirror
        self._news, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True, name="mirror")

    def look(self) -> None:
        """Something may have finished."""
        self._news.set()

    def __enter__(self) -> Following:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._news.set()
        self._thread.join(KEPT_UP)

    def _run(self) -> None:
        while not self._ended:
            self._news.wait()
            self._news.clear()
            try:
                self.mirror.tell(stop=lambda: self._ended)
            except Exception as error:  # a mirror is never the end of a study
                for tracker in self.mirror.to.working:
                    self.mirror.to.give_up(tracker, error)


def said(mirror: Mirror) -> list[str]:
    """What became of a mirror, a sentence for each tracker that took part, and for each run that could not be read."""
    lines = []
    for tracker in mirror.to.trackers:
        made, there = mirror.made.get(tracker.place, 0), mirror.there.get(tracker.place, 0)
        if made or there:
            lines.append(f"{tracker.place}: {made} {'run' if made == 1 else 'runs'} mirrored" + (f", {there} there before" if there else "") + tracker.then)
    return [without_secrets(line) for line in lines] + [f"{run}: not mirrored, its files are damaged: {why}" for run, why in mirror.damaged.items()]
