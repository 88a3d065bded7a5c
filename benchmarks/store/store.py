"""Where the results of a study live: one directory per run while it is made, a few files once it is published, readable without this program.

    DIR/study.yaml                        the resolved study, its hash, and the code versions that its runs are pinned to
    DIR/runs/<algo>-<env>-s<seed>-<hash>/ run.json  curve.parquet  episodes.parquet  training.parquet  model.zip  [vecnormalize.pkl, .npz]
    DIR/films/                            the median runs in motion (benchmarks.report.films)
    DIR/quarantine/                       what was found damaged, kept to be looked at

A run directory is built under a temporary name and renamed whole. run.json is written last; it seals the rows of the tables, the sha256 of the other
files and its own content (benchmarks.store.seals). There is no index that could disagree with the files: they are the truth, whatever became of the
process that wrote them. A published study has runs.jsonl and three tables in the place of runs/ (benchmarks.store.packed), and is only read.

A store may have been written by a stranger. What is read of it is checked before it is used: a run's folder holds regular files
that its seal lists, every name is one component of a path, every value has its type (benchmarks.store.plain), and no path is a pattern.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import platform
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import IntegrityError, UserError
from benchmarks.store import seals
from benchmarks.store.files import file_hash, write_whole
from benchmarks.store.packed import Packed, is_packed
from benchmarks.store.plain import content, from_json, is_name, is_regular, one_line
from benchmarks.store.tables import MOST_TABLE, TABLES, digest_as_written, digest_of
from benchmarks.studies.plan import Run, plan, runs_by_id
from benchmarks.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

RUN_COLUMNS = ("run_id", "algo", "env", "group", "seed", "status", "error", "traceback", "steps", "actual_steps", "train_seconds", "eval_seconds",
               "steps_per_second", "lockstep", "diverged", "model_seed", "weights_hash_start", "weights_hash_end", "hyperparams", "host", "finished_at")


def without_nan(value: Any) -> Any:
    """NaN and infinities as None: JSON has neither."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def _this_machine() -> str:
    """A name for this machine that does not say which it is: on a shared file system, others' processes have the same numbers."""
    return hashlib.sha256(f"{platform.node()} {uuid.getnode()}".encode()).hexdigest()[:8]


def _birth(pid: int) -> int:
    """When a process began, by a clock that nobody sets: ticks since the machine started, where the system tells them."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])
    return int(psutil.Process(pid).create_time() * 100)


def _owner_is_alive(name: str) -> bool | None:
    """Whether the process that made a temporary directory `.tmp-MACHINE-PID-BIRTH-...` still runs (a later process may have the same PID).

    None where it is another machine's, of which that cannot be known.
    """
    try:
        _, machine, pid, birth, *_ = name.split("-")
        return None if machine != _this_machine() else _birth(int(pid)) == int(birth)
    except (psutil.Error, ValueError):
        return False


QUICK = 1e-3  # seconds of a wait for the disk: less than to wake threads takes


@cache
def _syncing(pid: int) -> ThreadPoolExecutor:
    """The threads of a process that wait for the disk: kept, for to start them takes longer than to store a small run. A fork has its own."""
    return ThreadPoolExecutor(8, thread_name_prefix="sync")


def make_durable(paths: Iterable[Path]) -> None:
    """`files.make_durable`, for a process that does so often: one after another where the disk is quicker than to wake a thread is, else together."""
    def sync(path: Path) -> None:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    began, (first, *others) = time.perf_counter(), paths
    sync(first)
    is_quick = time.perf_counter() - began < QUICK
    list((map if is_quick else _syncing(os.getpid()).map)(sync, others))


class Store:
    """The results of one study, at a directory."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.runs_path = self.path / "runs"
        self._verified: dict[Path, tuple[tuple, str | None]] = {}
        self.damaged: dict[str, str] = {}  # runs of which only a damaged copy was to be had: what is wrong with it (benchmarks.store.remote)
        self.packed = Packed(self.path, lambda: runs_by_id(run for _, run in self.planned()))

    # --- the study -----------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        return (self.path / "study.yaml").is_file()

    @property
    def is_packed(self) -> bool:
        """Whether this is a published study, whose runs lie together in a few files and which is only read."""
        return is_packed(self.path)

    def _refuse_links(self) -> None:
        """IntegrityError where one of the study's folders is a link: through it, files would be read or written that are not the study's. Or is a file."""
        for path in (self.path / name for name in ("runs", "models", "report", "films", "quarantine", ".checkpoints")):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise IntegrityError(f"{path} is a link or a file, and links are not followed: a study's folders are its own")

    def save_study(self, study: Study) -> None:
        self._refuse_writing()
        self._refuse_links()
        self.runs_path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "study.yaml", study.to_yaml())

    def is_as_saved(self, study: Study) -> bool:
        """Whether study.yaml holds this study and nothing else: no comment, no key twice."""
        return (self.path / "study.yaml").read_bytes() == study.to_yaml().encode()

    def study(self) -> Study:
        """The resolved study. UserError if there is none here, IntegrityError if it cannot be read, or has not the shape of one."""
        if not self.exists():
            raise UserError(f"{self.path} holds no study (no study.yaml): sb3-course compare makes one")
        self._refuse_links()
        try:
            return Study.from_yaml(content(self.path / "study.yaml").decode(), f"{self.path}/study.yaml")
        except UnicodeDecodeError:
            raise IntegrityError(f"{self.path}/study.yaml cannot be read: it is no text") from None

    @cached_property
    def keeps_models(self) -> bool | str:
        """Whether this study's runs keep their trained models (they do, unless the study says keep_models: false)."""
        return not self.exists() or (kept := self.study().keep_models) is None or kept

    @cached_property
    def checkpoint_steps(self) -> int | None:
        """Training steps from one checkpoint of a run to the next (launcher.checkpoint_steps); None: there are none."""
        return (self.study().launcher or {}).get("checkpoint_steps") if self.exists() else None

    # --- writing -------------------------------------------------------------------------------------------------

    def _refuse_writing(self) -> None:
        if self.is_packed:
            raise UserError(f"{self.path} is a packed study, to which no run is added: "
                            f"python -m benchmarks.reproduction.publish --unpack {self.path} NEW makes one with a folder for each run")  # fmt: skip

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one process at a time adds to a store; it is free again as soon as that process ends, however it ends."""
        from filelock import FileLock, Timeout

        self._refuse_writing()
        self._refuse_links()
        self.runs_path.mkdir(parents=True, exist_ok=True)
        owner = self.path / ".lock.owner"
        if not is_regular(self.path / ".lock"):  # such as a link to a file of somebody else's
            (self.path / ".lock").unlink(missing_ok=True)
        try:
            with FileLock(self.path / ".lock", timeout=0):
                write_whole(owner, str(os.getpid()))
                yield
        except Timeout:
            pid = owner.read_text()[:20] if owner.exists() else "?"
            raise UserError(f"another sb3-course (process {pid}) is working on {self.path}: wait for it, or choose another --out") from None

    def begin(self, run: Run) -> Path:
        """A temporary directory for this run's files; its name says which process it belongs to."""
        self._refuse_writing()
        return self._beside(run.id)

    def _beside(self, run_id: str) -> Path:
        directory = self.runs_path / f".tmp-{_this_machine()}-{os.getpid()}-{_birth(os.getpid())}-{run_id}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return directory

    def commit(self, run: Run, directory: Path, record: dict[str, Any]) -> Path:
        """Seal the run's rows and files with run.json and give the directory its name, in place of a failed run's if there is one.

        A failure does not take the place of a run that has finished: a worker that was given up may still speak.
        """
        from benchmarks.store.rows import Size

        files, rows = {}, {}
        for name in sorted(os.listdir(directory)):
            table = name.removesuffix(".parquet")
            if name in seals.TABLE_FILES:  # read once, for its hash and for its rows
                data = content(directory / name, MOST_TABLE)
                files[name] = hashlib.sha256(data).hexdigest()
                rows[table] = digest_as_written(table, files[name], Size.of(table, run).most) or self._digest(data, run, table)
            else:
                files[name] = file_hash(directory / name)
        record = without_nan({"schema": seals.BY_ROWS, "run_id": run.id, **asdict(run), **record,
                              "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "files": files, "rows": rows})  # fmt: skip
        record["seal"] = seals.seal_of(record)
        lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in record.items())
        (directory / "run.json").write_text(f"{{\n{lines}\n}}", encoding="utf-8")
        make_durable([*(directory / name for name in files), directory / "run.json"])
        final = self.runs_path / run.id
        if final.exists() and record["status"] == "failed" and self.status(run)[0] == "finished":
            shutil.rmtree(directory)
        else:
            self._name(directory, final)
        return final

    @staticmethod
    def _name(directory: Path, final: Path) -> None:
        """Give a directory its name, in place of what has it."""
        if final.exists():
            stale = final.with_name(f".tmp-{_this_machine()}-{os.getpid()}-{_birth(os.getpid())}-{final.name}.old")
            os.rename(final, stale)
            os.rename(directory, final)
            shutil.rmtree(stale)
        else:
            os.rename(directory, final)

    def receive(self, run_id: str, fill: Callable[[Path], None]) -> None:
        """A run that was made elsewhere, in place of one that is here: fill writes its files, which are checked against its seal before it has its name.

        IntegrityError where they are not those that were sealed; then nothing has changed.
        """
        self._refuse_writing()
        beside = self._beside(run_id)
        try:
            directory = beside / run_id
            directory.mkdir()
            fill(directory)
            damage = self._look_for_damage(directory)
            if damage:
                raise IntegrityError(damage)
            make_durable(directory.iterdir())
            self._name(directory, self.runs_path / run_id)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    @staticmethod
    def _digest(data: bytes, run: Run, name: str) -> str:
        """Of the rows in the bytes of a table's file, read again: what is sealed is what is there."""
        from benchmarks.store import rows
        from benchmarks.store.stacked import NotPlain, Stacked

        where = f"run {run.id}/{name}.parquet"
        table = rows.table(data, name, where, rows.Size(rows.Size.of(name, run).most))
        try:
            return Stacked.of(name, table, [0, len(table)]).digests()[0]
        except NotPlain:  # it says what is wrong
            return digest_of(name, rows.written_out(table, name, where))

    def fail(self, run: Run, error: str, traceback: str = "", **facts: Any) -> None:
        """A run that failed is a row with its reason."""
        self.commit(run, self.begin(run), {"status": "failed", "error": error, "traceback": traceback, **facts})

    def sweep(self) -> int:
        """Remove what processes that no longer live have left half done; how many directories that were.

        Who sweeps has the lock and has ended its workers, so what other machines' processes were making is stale too.
        """
        stale = [path for path in self._temporary() if not _owner_is_alive(path.name)]
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)

    def quarantine(self, run_id: str) -> Path:
        """Move a damaged run out of the way; where it went."""
        self._refuse_writing()
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
        """A run's record, or None where there is no such run. IntegrityError if any of its files is not what was written."""
        return self.packed.record(run_id) if self.is_packed else self._record(run_id)

    def _record(self, run_id: str) -> dict[str, Any] | None:
        """`record` from a folder of the run's own."""
        if run_id in self.damaged:
            raise IntegrityError(self.damaged[run_id])
        directory = self.runs_path / run_id
        if not is_name(run_id) or not (directory.exists() or directory.is_symlink()):
            return None
        if not directory.is_dir():
            raise IntegrityError(f"run {run_id}: is no folder")
        damage = self._damage(directory)
        if damage:
            raise IntegrityError(f"run {run_id}/{damage}")
        return from_json(content(directory / "run.json"))

    def _damage(self, directory: Path) -> str | None:
        """What is wrong with a run's files, or None. Files that have not changed since they were last read are not read again."""
        with os.scandir(directory) as entries:
            facts = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        fingerprint = tuple(sorted((name, fact.st_mode, fact.st_mtime_ns, fact.st_size) for name, fact in facts))
        known = self._verified.get(directory)
        if known and known[0] == fingerprint:
            return known[1]
        damage = self._look_for_damage(directory)
        self._verified[directory] = (fingerprint, damage)
        return damage

    @staticmethod
    def _look_for_damage(directory: Path) -> str | None:
        if directory.is_symlink():
            return "is a link, not a folder"
        present = {path.name for path in directory.iterdir()}
        for name in sorted(present):
            if not is_regular(directory / name):
                return f"{one_line(name)}: {'a link' if (directory / name).is_symlink() else 'not a regular file'}"
        try:
            record = from_json(content(directory / "run.json"))
            wrong, files = seals.fault(record, directory.name), record["files"]
        except FileNotFoundError:
            return "run.json: missing"
        except (IntegrityError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "run.json: cannot be read"
        if wrong:
            return f"run.json: {wrong}"
        for name in record.get("rows", ()):
            if f"{name}.parquet" not in files:
                return f"run.json: its rows are sealed, but it lists no {name}.parquet"
        for name, expected in files.items():
            if name not in present:
                return f"{name}: missing"
            if file_hash(directory / name) != expected:
                return f"{name}: hash mismatch"
        strays = present - files.keys() - {"run.json"}
        return f"{one_line(min(strays))}: not sealed (run.json does not list it)" if strays else None

    def _temporary(self) -> list[Path]:
        return [path for path in self.runs_path.iterdir() if path.name.startswith(".tmp-")] if self.runs_path.is_dir() else []

    def planned(self) -> list[tuple[str, Run]]:
        return plan(self.study())

    def status(self, run: Run) -> tuple[str, dict[str, Any]]:
        """(status, record or {"error": why}) of one planned run: finished, failed, corrupt, running or missing.

        IntegrityError where what all runs of a packed study share cannot be read: then none of them can be told from another.
        """
        return next(self.states([run]))[1:]

    def states(self, runs: Iterable[Run]) -> Iterator[tuple[Run, str, dict[str, Any]]]:
        """(run, status, record or {"error": why}) of each: see `status`. What is in the making is looked up once for all."""
        is_packed, making = self.is_packed, None
        if is_packed:
            self.packed.tables()
        for run in runs:
            try:
                record = self.packed.record(run.id) if is_packed else self._record(run.id)
            except IntegrityError as error:
                yield run, "corrupt", {"error": str(error)}
                continue
            if record is not None:
                yield run, record["status"], record
                continue
            if making is None:
                making = {path.name.split("-", 4)[-1] for path in self._temporary() if _owner_is_alive(path.name) is not False}
            yield run, "running" if run.id in making else "missing", {}

    def runs(self) -> pd.DataFrame:
        """One row per planned run: see RUN_COLUMNS. hyperparams and host are JSON; error is the first line."""
        import pandas as pd

        rows = []
        groups, runs = zip(*self.planned(), strict=True)
        for group, (run, status, record) in zip(groups, self.states(runs), strict=True):
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

    def rows(self, run_id: str, name: str) -> pd.DataFrame:
        """`table` of a run by its name."""
        return self.table(next(run for _, run in self.planned() if run.id == run_id), name)

    def table(self, run: Run, name: str) -> pd.DataFrame:
        """One of the TABLES of a finished run. IntegrityError where a row is not the run's, or the rows are not those that were sealed."""
        from benchmarks.store import rows

        where = f"run {run.id}/{name}.parquet"
        columns = None if self.is_packed else self._columns(self.runs_path / run.id, run, name)
        frame = self.packed.rows(run, name) if columns is None else columns.to_pandas(ignore_metadata=True, use_threads=False)
        wrong = rows.fault(frame, name, run)
        if wrong:
            raise IntegrityError(f"{where}: {wrong}")
        sealed = (self.record(run.id) or {}).get("rows")
        if sealed is not None and digest_of(name, frame if columns is None else columns) != sealed.get(name):
            raise IntegrityError(f"{where}: other rows than were sealed")
        return frame

    @staticmethod
    def _columns(directory: Path, run: Run, name: str) -> pa.Table:
        """The rows in a run's folder."""
        from benchmarks.store import rows

        return rows.written_out(Store._read(directory, run, name), name, f"run {run.id}/{name}.parquet")

    @staticmethod
    def _read(directory: Path, run: Run, name: str) -> pa.Table:
        """`_columns` with words as `rows.table` has them."""
        from benchmarks.store import rows

        where = f"run {run.id}/{name}.parquet"
        try:
            data = content(directory / f"{name}.parquet", MOST_TABLE)
        except FileNotFoundError:
            raise IntegrityError(f"{where}: missing") from None
        return rows.table(data, name, where, rows.Size.of(name, run))

    @contextmanager
    def folder(self, run_id: str) -> Iterator[Path]:
        """A folder that holds a run's model and the statistics of its normalisation under their names, as far as they are kept."""
        if self.is_packed:
            with self.packed.folder(run_id) as place:
                yield place
        else:
            yield self.runs_path / run_id

    def _table(self, name: str) -> pd.DataFrame:
        """The rows of all finished runs; IntegrityError where one is not its run's."""
        import pandas as pd

        runs = runs_by_id(run for _, run in self.planned())
        finished = [(run, record) for run, status, record in self.states(runs.values()) if status == "finished"]
        if not finished:
            return pd.DataFrame(columns=list(TABLES[name]))
        finished.sort(key=lambda pair: (pair[0].algo, pair[0].env, pair[0].seed))
        together = self._together(name, *zip(*finished, strict=True))
        return pd.concat([self.table(run, name) for run, _ in finished], ignore_index=True) if together is None else together

    def _together(self, name: str, runs: Sequence[Run], records: Sequence[dict[str, Any]]) -> pd.DataFrame | None:
        """`table` of all these finished runs, read and checked as one; None where something is wrong, and `table` of each says of which it is, and what."""
        import pyarrow as pa

        from benchmarks.store.stacked import Stacked

        try:
            if self.is_packed:
                stacked = self.packed.together(runs, name)
                if stacked is None:
                    return None
            else:
                parts = [self._read(self.runs_path / run.id, run, name) for run in runs]
                stacked = Stacked.of(name, pa.concat_tables(parts), [0, *itertools.accumulate(map(len, parts))])
                sealed = [record.get("rows", {name: None}).get(name, "") for record in records]  # None: its record seals the file
                if any(seal not in (None, digest) for seal, digest in zip(sealed, stacked.digests(), strict=True)):
                    return None
        except (IntegrityError, ValueError):
            return None
        return stacked.frame() if stacked.are_as_planned(runs) else None


def open_study(name: str) -> Store:
    """The store of a study named by its directory, by its name under studies/, or by a URL, from which it is fetched. UserError where there is none."""
    from benchmarks.store import remote

    if remote.is_remote(name):
        return remote.fetched(name)
    for path in (Path(name), Path("studies") / name):
        if Store(path).exists():
            return Store(path)
    raise UserError(f"no study at {name} or studies/{name}: sb3-course compare makes one")
