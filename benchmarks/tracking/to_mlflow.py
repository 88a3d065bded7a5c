"""MLflow, by the address of a server. Its file store, and a database without a server, are not written: MLflow itself is leaving the one, and has its server
for the other. Who may log in is for MLflow's own variables to say (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_TOKEN, …), better than an address.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.tracking.tracker import PROJECT, SUMMARY, Card, Tracked, Tracker, flat, needs, numeric, without_secrets

ID, WHOLE = "sb3_course.id", "sb3_course.mirrored"  # tags of a run
BATCH = {"metrics": 1000, "params": 100, "tags": 100}  # at most, of one request
LONGEST = 6000  # characters of a parameter's value
STATES = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
SETTINGS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}  # the address that would be printed holds what lets others in
SECONDS = 2.0  # that a running training's numbers wait for others


def tracker(rest: str) -> Tracker:
    return MLflow(rest or os.environ.get("MLFLOW_TRACKING_URI", ""))


class MLflow(Tracker):
    kind = "mlflow"

    def __init__(self, uri: str):
        if not re.match(r"https?://.|databricks", uri):
            given = f"mlflow:{without_secrets(uri)}: that is no server's address" if uri else "mlflow: which server?"
            raise UserError(f"--track {given}; mlflow:http://127.0.0.1:5000 is one that `mlflow server --backend-store-uri sqlite:///mlflow.db` starts")
        self.uri = uri
        self.experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        self._client: Any = None
        self._experiment_id = ""

    @property
    def place(self) -> str:
        return f"MLflow at {without_secrets(self.uri)}, experiment {self.experiment}"

    @property
    def then(self) -> str:
        return f"; {without_secrets(self.uri)} shows them"

    @property
    def client(self) -> Any:
        if self._client is None:
            # A server that is not there is noticed in seconds, where MLflow would try for minutes; and no usage is told to others.
            for name, value in SETTINGS.items():
                os.environ.setdefault(name, value)
            self._client = needs("mlflow").tracking.MlflowClient(tracking_uri=self.uri)
            found = self._client.get_experiment_by_name(self.experiment)
            self._experiment_id = found.experiment_id if found else self._client.create_experiment(self.experiment)
        return self._client

    def of(self, card: Card) -> Any:
        """The server's run of this card, or None."""
        found = self.client.search_runs([self._experiment_id], filter_string=f"tags.`{ID}` = '{card.id}'", max_results=1)
        return found[0] if found else None

    def has(self, card: Card) -> bool:
        run = self.of(card)
        return run is not None and WHOLE in run.data.tags

    def open(self, card: Card, whole: bool = False) -> Tracked:
        return Run(self, card, whole)


class Run(Tracked):
    def __init__(self, tracker: MLflow, card: Card, whole: bool):
        self.client, self.card, self.whole = tracker.client, card, whole
        self.waiting: list[Any] = []
        self.last = 0
        self.sent = time.monotonic()
        mlflow = needs("mlflow")
        self.entities = mlflow.entities
        there = tracker.of(card)
        tags = {ID: card.id, "group": card.group, "mlflow.note.content": card.notes, **{f"tag.{_named(tag)}": "true" for tag in card.tags}}
        if there is None:
            began = None if card.began is None else round(card.began * 1000)
            there = self.client.create_run(tracker._experiment_id, start_time=began, run_name=card.name, tags=tags)
        else:
            self.client.update_run(there.info.run_id, status="RUNNING")
        self.id = there.info.run_id
        self._send("params", [self.entities.Param(_named(key), str(value)[:LONGEST]) for key, value in flat(card.config).items()])

    def log(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        # The same number at the same step and time is kept once by the server, so what a kill cut may be told again.
        at = time.time() if seconds is None or self.card.began is None else self.card.began + seconds
        self.last = step
        self.waiting += [self.entities.Metric(_named(key), value, round(at * 1000), step) for key, value in values.items()]
        if len(self.waiting) >= BATCH["metrics"] or (not self.whole and time.monotonic() - self.sent > SECONDS):
            self._flush()

    def _flush(self) -> None:
        self._send("metrics", self.waiting)
        self.waiting, self.sent = [], time.monotonic()

    def _send(self, what: str, things: list[Any]) -> None:
        for k in range(0, len(things), BATCH[what]):
            self.client.log_batch(self.id, **{what: things[k : k + BATCH[what]]})

    def finish(self, summary: Mapping[str, Any], status: str = "finished") -> None:
        final = numeric(summary)
        self.log(self.last, {f"{SUMMARY}{key}": value for key, value in final.items()}, summary.get("seconds"))
        self._flush()
        words = {f"{SUMMARY}{key}": value for key, value in summary.items() if key not in final} | ({} if status == "interrupted" else {WHOLE: "yes"})
        self._send("tags", [self.entities.RunTag(_named(key), str(value)[:LONGEST]) for key, value in words.items()])
        seconds = summary.get("seconds")
        ended = round((self.card.began + seconds) * 1000) if self.whole and self.card.began and seconds else None
        self.client.set_terminated(self.id, STATES[status], end_time=ended)

    def attach(self, path: Path, kind: str) -> bool:
        self.client.log_artifact(self.id, str(path), kind)
        return True


def _named(key: str) -> str:
    """The key in characters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", ".", key)
