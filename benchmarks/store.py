"""Where the results of a study live: one directory per run, readable without this program.

    DIR/study.yaml                        the resolved study, its hash, and the code versions that its runs are pinned to
    DIR/runs/<algo>-<env>-s<seed>-<hash>/ run.json  curve.parquet  episodes.parquet  training.parquet  model.zip  [vecnormalize.pkl]
    DIR/quarantine/                       what was found damaged, kept to be looked at

A run directory is built under a temporary name and renamed whole. run.json is written last and holds the sha256 of the
other files and of its own content. There is no index that could disagree with the files: they are the truth, whatever
became of the process that wrote them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.jobs import Run, plan
from benchmarks.study import digest

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
TABLES = {
    "curve": ("algo", "env", "seed", "step", "actual_step", "seconds", "score", "score_std", "episode_length", "n_episodes"),
    "episodes": ("algo", "env", "seed", "step", "episode", "return", "length"),
    "training": ("algo", "env", "seed", "step", "key", "value"),
}
RUN_COLUMNS = ("run_id", "algo", "env", "group", "seed", "status", "error", "traceback", "steps", "actual_steps", "train_seconds", "eval_seconds",
               "steps_per_second", "lockstep", "diverged", "model_seed", "weights_hash_start", "weights_hash_end", "hyperparams", "host", "finished_at")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is either the old one or the new one, also if the machine stops in between."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _as_saved(study: dict[str, Any]) -> str:
    return yaml.safe_dump(study, sort_keys=False, allow_unicode=True, width=160)


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def without_nan(value: Any) -> Any:
    """NaN and infinities as None: JSON has neither."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _owner_is_alive(name: str) -> bool:
    """Whether the process that made a temporary directory `.tmp-PID-START-...` still runs (a later process may have the same PID)."""
    _, pid, start, *_ = name.split("-")
    try:
        return int(psutil.Process(int(pid)).create_time() * 100) == int(start)
    except (psutil.Error, ValueError):
        return False


class Store:
    """The results of one study, at a directory."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.runs_path = self.path / "runs"
        self._verified: dict[Path, tuple[tuple, str | None]] = {}

    # --- the study -----------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        return (self.path / "study.yaml").is_file()

    def save_study(self, study: dict[str, Any]) -> None:
        self.runs_path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "study.yaml", _as_saved(study))

    def is_as_saved(self, study: dict[str, Any]) -> bool:
        """Whether study.yaml holds this study and nothing else: no comment, no key twice."""
        return (self.path / "study.yaml").read_bytes() == _as_saved(study).encode()

    def study(self) -> dict[str, Any]:
        """The resolved study. UserError if there is none here, IntegrityError if it cannot be read."""
        if not self.exists():
            raise UserError(f"{self.path} holds no study (no study.yaml): sb3-course compare makes one")
        try:
            study = yaml.safe_load((self.path / "study.yaml").read_text(encoding="utf-8"))
            study["groups"], study["seeds"]
        except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
            raise IntegrityError(f"{self.path}/study.yaml cannot be read: start sb3-course compare with the same words again, finished runs are kept") from None
        return study

    @cached_property
    def keeps_models(self) -> bool:
        """Whether this study's runs keep their trained models (they do, unless the study says keep_models: false)."""
        return not self.exists() or self.study().get("keep_models", True)

    # --- writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one process at a time adds to a store; it is free again as soon as that process ends, however it ends."""
        from filelock import FileLock, Timeout

        self.runs_path.mkdir(parents=True, exist_ok=True)
        owner = self.path / ".lock.owner"
        try:
            with FileLock(self.path / ".lock", timeout=0):
                owner.write_text(str(os.getpid()))
                yield
        except Timeout:
            pid = owner.read_text() if owner.exists() else "?"
            raise UserError(f"another sb3-course (process {pid}) is working on {self.path}: wait for it, or choose another --out") from None

    def begin(self, run: Run) -> Path:
        """A temporary directory for this run's files; its name says which process it belongs to."""
        start = int(psutil.Process().create_time() * 100)
        directory = self.runs_path / f".tmp-{os.getpid()}-{start}-{run.id}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return directory

    def commit(self, run: Run, directory: Path, record: dict[str, Any]) -> Path:
        """Seal the run's files with run.json and give the directory its name, in place of a failed run's if there is one."""
        files = {}
        for path in sorted(directory.iterdir()):
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files[path.name] = file_hash(path)
        record = without_nan({"schema": SCHEMA, "run_id": run.id, **asdict(run), **record, "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                               "files": files})
        record["seal"] = digest(record)
        write_whole(directory / "run.json", json.dumps(record, indent=1, ensure_ascii=False))
        final = self.runs_path / run.id
        if final.exists():
            stale = directory.with_name(directory.name + ".old")
            os.rename(final, stale)
            os.rename(directory, final)
            shutil.rmtree(stale)
        else:
            os.rename(directory, final)
        return final

    def fail(self, run: Run, error: str, traceback: str = "", **facts: Any) -> None:
        """A run that failed is a row with its reason."""
        self.commit(run, self.begin(run), {"status": "failed", "error": error, "traceback": traceback, **facts})

    def sweep(self) -> int:
        """Remove what processes that no longer live have left half done; how many directories that were."""
        stale = [path for path in self.runs_path.glob(".tmp-*") if not _owner_is_alive(path.name)]
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)

    def quarantine(self, run_id: str) -> Path:
        """Move a damaged run out of the way; where it went."""
        place = self.path / "quarantine"
        place.mkdir(exist_ok=True)
        target = place / f"{run_id}.{time.strftime('%Y%m%dT%H%M%S')}"
        n = 0
        while target.exists():
            n += 1
            target = target.with_name(f"{target.name}-{n}")
        os.rename(self.runs_path / run_id, target)
        self._verified.pop(self.runs_path / run_id, None)
        return target

    # --- reading -------------------------------------------------------------------------------------------------

    def record(self, run_id: str) -> dict[str, Any] | None:
        """A run's run.json, or None where there is no such run. IntegrityError if any of its files is not what was written."""
        directory = self.runs_path / run_id
        if not directory.is_dir():
            return None
        damage = self._damage(directory)
        if damage:
            raise IntegrityError(f"run {run_id}/{damage}")
        return json.loads((directory / "run.json").read_text(encoding="utf-8"))

    def _damage(self, directory: Path) -> str | None:
        """What is wrong with a run's files, or None. Files that have not changed since they were last read are not read again."""
        fingerprint = tuple(sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in directory.iterdir()))
        known = self._verified.get(directory)
        if known and known[0] == fingerprint:
            return known[1]
        damage = self._look_for_damage(directory)
        self._verified[directory] = (fingerprint, damage)
        return damage

    @staticmethod
    def _look_for_damage(directory: Path) -> str | None:
        try:
            record = json.loads((directory / "run.json").read_text(encoding="utf-8"))
            seal, files = record.pop("seal"), record["files"]
        except FileNotFoundError:
            return "run.json: missing"
        except (ValueError, KeyError, TypeError, AttributeError):
            return "run.json: cannot be read"
        if digest(record) != seal:
            return "run.json: hash mismatch"
        for name, expected in files.items():
            path = directory / name
            if not path.is_file():
                return f"{name}: missing"
            if file_hash(path) != expected:
                return f"{name}: hash mismatch"
        return None

    def planned(self) -> list[tuple[str, Run]]:
        return plan(self.study())

    def status(self, run: Run) -> tuple[str, dict[str, Any]]:
        """(status, run.json or {"error": why}) of one planned run: finished, failed, corrupt, running or missing."""
        try:
            record = self.record(run.id)
        except IntegrityError as error:
            return "corrupt", {"error": str(error)}
        if record is not None:
            return record["status"], record
        running = any(path.name.endswith(run.id) and _owner_is_alive(path.name) for path in self.runs_path.glob(f".tmp-*{run.id}"))
        return ("running" if running else "missing"), {}

    def runs(self) -> pd.DataFrame:
        """One row per planned run: see RUN_COLUMNS. hyperparams and host are JSON; error is the first line."""
        import pandas as pd

        rows = []
        for group, run in self.planned():
            status, record = self.status(run)
            row = {column: record.get(column) for column in RUN_COLUMNS}
            row |= {"run_id": run.id, "algo": run.algo, "env": run.env, "group": group, "seed": run.seed, "status": status, "steps": run.steps,
                    "hyperparams": json.dumps(run.hyperparams, sort_keys=True), "host": json.dumps(record.get("host") or {}, sort_keys=True)}
            rows.append(row)
        return pd.DataFrame(rows, columns=list(RUN_COLUMNS))

    def curves(self) -> pd.DataFrame:
        """The checkpoints of all finished runs, in order of algorithm, environment, seed and step: see TABLES["curve"]."""
        return self._table("curve")

    def episodes(self) -> pd.DataFrame:
        """Every evaluation episode of all finished runs: see TABLES["episodes"]."""
        return self._table("episodes")

    def training(self) -> pd.DataFrame:
        """What training logged, at the checkpoints: see TABLES["training"]."""
        return self._table("training").sort_values(["algo", "env", "seed", "step", "key"], ignore_index=True)

    def _table(self, name: str) -> pd.DataFrame:
        """The rows of all finished runs; IntegrityError where one is not its run's (`benchmarks.records.table`)."""
        import pandas as pd

        from benchmarks import records

        runs = {run.id: run for _, run in self.planned()}
        finished = [run for run in runs.values() if self.status(run)[0] == "finished"]
        if not finished:
            return pd.DataFrame(columns=list(TABLES[name]))
        finished.sort(key=lambda run: (run.algo, run.env, run.seed))
        return pd.concat([records.table(self.runs_path / run.id, name, run) for run in finished], ignore_index=True)


def schema_of(name: str) -> Any:
    """The Arrow schema of one of TABLES: names, whole numbers, and floating point for all else."""
    import pyarrow as pa

    kinds = {"algo": pa.string(), "env": pa.string(), "key": pa.string(), "seed": pa.int64(), "step": pa.int64(), "actual_step": pa.int64(),
             "episode": pa.int64(), "length": pa.int64(), "n_episodes": pa.int64()}
    return pa.schema([(column, kinds.get(column, pa.float64())) for column in TABLES[name]])


def write_table(path: Path, name: str, rows: list[tuple]) -> None:
    """One of TABLES as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(name)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TABLES[name])
    pq.write_table(pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema), path)


def open_study(name: str) -> Store:
    """The store of a study named by its directory, or by its name under studies/. UserError where there is none."""
    for path in (Path(name), Path("studies") / name):
        if Store(path).exists():
            return Store(path)
    raise UserError(f"no study at {name} or studies/{name}: sb3-course compare makes one")
