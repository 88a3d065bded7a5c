"""The published form of a study: all its runs in four files, whatever their number.

    DIR/study.yaml   runs.jsonl                          the plan; a run's sealed record a line (`benchmarks.store.seals`), in the order of the tables
    DIR/curve.parquet   episodes.parquet   training.parquet   the rows of all runs, by algorithm, environment and seed; of each run as it wrote them
    DIR/models/RUN.zip   [RUN.pkl, RUN.npz]              the models that are kept, and the statistics of their normalisation
    DIR/films/   report/                                 as in any store

It is read, and nothing is added to it: a study that runs needs a directory for each run, which survives a kill (`benchmarks.store.store`). What a run
seals is the same in both forms, so a study is packed and unpacked without being sealed anew. Tables are packed by Snappy: zstd would save a
quarter of their bytes, but unpacks to a thousandfold, and nobody could say beforehand what a stranger's file becomes.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import IntegrityError, UserError
from benchmarks.store import rows, seals
from benchmarks.store.files import file_hash, write_whole
from benchmarks.store.plain import MEGABYTE, content, is_regular, listing, one_line
from benchmarks.store.stacked import Stacked
from benchmarks.store.tables import MOST_TABLE, TABLES, digest_of, write_columns

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from benchmarks.store.store import Store
    from benchmarks.studies.plan import Run
    from benchmarks.studies.study import Study

RECORDS, MODELS = "runs.jsonl", "models"
MOST_LINE = 16 * MEGABYTE  # of runs.jsonl: a record of a million evaluation episodes
SUFFIXES = {"model.zip": ".zip", "vecnormalize.pkl": ".pkl", "vecnormalize.npz": ".npz"}  # a run's file -> how its name in models/ ends
FILES = (RECORDS, *seals.TABLE_FILES)


def is_packed(path: Path) -> bool:
    """Whether a study's folder holds its runs in this form: anything of a name counts, so that a link is refused, and a lost file missed, not passed over."""
    return any(os.path.lexists(path / name) for name in FILES)


class Packed:
    """What a packed study holds of its runs. Every method raises IntegrityError, one line, where the files are not what was written.

    plan: the planned runs by name. What is read is kept until a file changes.
    """

    def __init__(self, path: Path, plan: Callable[[], dict[str, Run]]):
        self.path, self._read_plan = path, plan
        self._known: dict[str, tuple[Any, Any]] = {}  # what was read -> the state of the files then, and it, or the error

    def record(self, run_id: str) -> dict[str, Any] | None:
        """A run's record, its own to change; None where there is no such run."""
        records = self.records()
        if run_id not in records:
            return None
        damage = self._kept(f"run {run_id}", lambda: self._damage(run_id), run_id)
        if damage:
            raise IntegrityError(f"run {run_id}/{damage}")
        return json.loads(records[run_id])

    def records(self) -> dict[str, bytes]:
        """The lines of runs.jsonl by the name of their run: strict JSON, each of a planned run, none twice; models/ holds what they list, and nothing else."""
        return self._kept("records", self._read_records)

    def rows(self, run: Run, name: str) -> pd.DataFrame:
        """A run's rows of one of the TABLES."""
        all_rows, places = self.tables()[name]
        return all_rows.frame(*places.get(run.id, (0, 0)))

    def together(self, runs: Sequence[Run], name: str) -> Stacked | None:
        """All rows of one of the TABLES, where they are those of these runs one after another; else None."""
        all_rows, places = self.tables()[name]
        bounds = [0]
        for run in runs:
            start, stop = places.get(run.id, (bounds[-1], bounds[-1]))
            if start != bounds[-1]:
                return None
            bounds.append(stop)
        return replace(all_rows, bounds=np.array(bounds)) if bounds[-1] == all_rows.bounds[-1] else None

    def tables(self) -> dict[str, tuple[Stacked, dict[str, tuple[int, int]]]]:
        """All rows of each of the TABLES, and where those of each run begin and end: those of finished runs stand there, together, and no others."""
        return self._kept("tables", self._read_tables)

    def digests(self) -> dict[str, dict[str, str]]:
        """Of each of the TABLES, the digests of the runs that have rows there."""
        return self._kept("digests", lambda: {name: dict(zip(places, all_rows.digests(), strict=True)) for name, (all_rows, places) in self.tables().items()})

    @contextmanager
    def folder(self, run_id: str) -> Iterator[Path]:
        """A run's kept files under the names that they have in a run's folder, for as long as this lasts."""
        record = self.record(run_id)
        with tempfile.TemporaryDirectory() as place:
            for name in record["files"] if record else ():
                shutil.copyfile(self._place(run_id, name), Path(place) / name, follow_symlinks=False)
            yield Path(place)

    def n_files(self) -> int:
        return len(FILES) + len(self._models())

    # --- how

    def _plan(self) -> dict[str, Run]:
        return self._kept("plan", self._read_plan)

    def _kept(self, what: str, read: Callable[[], Any], run_id: str | None = None) -> Any:
        state = self._state(run_id)
        if what not in self._known or self._known[what][0] != state:
            try:
                self._known[what] = state, read()
            except IntegrityError as error:
                self._known[what] = state, error
        found = self._known[what][1]
        if isinstance(found, IntegrityError):
            raise IntegrityError(str(found))
        return found

    def _state(self, run_id: str | None = None) -> tuple:
        """Of the files that all runs share, and of those that this one has besides: what changes when one is written."""
        paths = [self.path / name for name in ("study.yaml", *FILES, MODELS, "runs")]
        paths += [self._place(run_id, name) for name in SUFFIXES] if run_id else []
        facts = [(path.name, path.lstat()) for path in paths if os.path.lexists(path)]
        return tuple((name, fact.st_mode, fact.st_mtime_ns, fact.st_size, fact.st_ino) for name, fact in facts)

    def _read_records(self) -> dict[str, bytes]:
        from benchmarks.store.records import strict_json

        if os.path.lexists(self.path / "runs"):
            raise IntegrityError(f"{self.path.name} holds {RECORDS} and runs/: a study is in one form, packed or a folder for each run")
        plan, found, listed = self._plan(), {}, set()
        try:
            text = content(self.path / RECORDS, MOST_TABLE)
        except FileNotFoundError:
            raise IntegrityError(f"{RECORDS}: missing") from None
        if text and not text.endswith(b"\n"):
            raise IntegrityError(f"{RECORDS}: its last line has no end")
        start = 0
        for number in range(1, text.count(b"\n") + 1):
            end = text.index(b"\n", start)
            where = f"{RECORDS} line {number}"
            if end - start > MOST_LINE:
                raise IntegrityError(f"{where}: {end - start:,} bytes, more than the {MOST_LINE:,} that a record has")
            line, start = text[start:end], end + 1
            record = strict_json(line, where)
            run_id = record.get("run_id") if isinstance(record, dict) else None
            if not isinstance(run_id, str):
                raise IntegrityError(f"{where}: is no run's record")
            if run_id not in plan:
                raise IntegrityError(f"{where}: {one_line(run_id)[:200]} is no run that study.yaml plans")
            if run_id in found:
                raise IntegrityError(f"{where}: {run_id} stands there twice")
            found[run_id] = line
            files = record.get("files")
            listed |= {self._place(run_id, name).name for name in files if name in SUFFIXES} if isinstance(files, dict) else set()
        strays = set(self._models()) - listed
        if strays:
            raise IntegrityError(f"{MODELS}/{one_line(min(strays))}: not sealed ({RECORDS} does not list it)")
        return found

    def _models(self) -> list[str]:
        return [path.name for path in listing(self.path / MODELS, MODELS)] if os.path.lexists(self.path / MODELS) else []

    def _place(self, run_id: str, name: str) -> Path:
        return self.path / MODELS / f"{run_id}{SUFFIXES[name]}"

    def _read_tables(self) -> dict[str, tuple[Stacked, dict[str, tuple[int, int]]]]:
        plan, records = self._plan(), self.records()
        runs = {run_id: plan[run_id] for run_id, line in records.items() if json.loads(line).get("status") == "finished"}
        owners = {(run.algo, run.env, run.seed): run_id for run_id, run in runs.items()}
        found = {}
        for name in TABLES:
            where = f"{name}.parquet"
            try:
                data = content(self.path / where, MOST_TABLE)
            except FileNotFoundError:
                raise IntegrityError(f"{where}: missing") from None
            table = rows.table(data, name, where, rows.Size.of(name, *runs.values()))
            all_rows = _without_gaps(table, name, where)
            places: dict[str, tuple[int, int]] = {}
            stretches = _stretches(all_rows, rows.KEYS)
            for start, stop in stretches:
                key = tuple(all_rows.value(column, start) for column in rows.KEYS)
                whose = f"{rows.shown(key[0])} on {rows.shown(key[1])}, seed {key[2]}"
                if key not in owners:
                    raise IntegrityError(f"{where}: rows of {whose}, of which {RECORDS} has no finished run")
                if owners[key] in places:
                    raise IntegrityError(f"{where}: the rows of {whose} do not stand together")
                places[owners[key]] = start, stop
            found[name] = replace(all_rows, bounds=np.array([*(start for start, _ in stretches), len(table)])), places
        return found

    def _damage(self, run_id: str) -> str:
        """What is wrong with a run's record, its rows or its kept files, or nothing."""
        record = json.loads(self.records()[run_id])
        wrong = seals.fault(record, run_id)
        if wrong:
            return f"{RECORDS}: {wrong}"
        if record["schema"] != seals.BY_ROWS:
            return f"{RECORDS}: sealed by files, which a packed study does not hold"
        for name, expected in record["files"].items():
            if name not in SUFFIXES:
                return f"{one_line(name)[:100]}: no file of a packed study"
            if not is_regular(self._place(run_id, name)):
                return f"{name}: missing"
            if file_hash(self._place(run_id, name)) != expected:
                return f"{name}: hash mismatch"
        if record["status"] != "finished":
            return ""
        run = self._plan()[run_id]
        for name in TABLES:
            if (self.digests()[name].get(run_id) or digest_of(name, self.rows(run, name))) != record.get("rows", {}).get(name):
                return f"{name}.parquet: other rows than were sealed"
        return ""


def _without_gaps(table: pa.Table, name: str, where: str) -> Stacked:
    """The rows as arrays. IntegrityError, which names the first, where a value is missing that may not be, or a word is too long."""
    try:
        return Stacked.of(name, table, [0, len(table)]).without_nan()
    except ValueError as error:
        frame = rows.written_out(table, name, where).to_pandas(ignore_metadata=True, use_threads=False)
        wrong = next(rows.of_values(frame, name), str(error))
        raise IntegrityError(f"{where}: {wrong}") from None


def _stretches(all_rows: Stacked, columns: tuple[str, ...]) -> list[tuple[int, int]]:
    """(start, stop) of each longest stretch of rows that have the same in these columns."""
    n = int(all_rows.bounds[-1])
    if not n:
        return []
    is_new = np.zeros(n, dtype=bool)
    for column in columns:
        values = all_rows.words[column][1] if column in all_rows.words else all_rows.numbers[column]
        is_new[1:] |= values[1:] != values[:-1]
    bounds = [0, *np.flatnonzero(is_new).tolist(), n]
    return list(itertools.pairwise(bounds))


# --------------------------------------------------------------------------------------------------------------- writing


def pack(source: Store, place: Path, study: Study, with_files: Collection[str] = ()) -> None:
    """Write the runs of a store, all of which have finished, in this form into an empty folder. IntegrityError where one is damaged.

    study: as study.yaml is to have it. with_files: the runs whose model and statistics are kept; of the others they are left out.
    """
    runs = {run.id: run for _, run in source.planned()}
    lines: list[str] = []
    columns: dict[str, list[list[np.ndarray]]] = {name: [[] for _ in TABLES[name]] for name in TABLES}
    for run in sorted(runs.values(), key=lambda run: (run.algo, run.env, run.seed)):
        record = source.record(run.id)
        if record is None:
            raise IntegrityError(f"run {run.id}: missing")
        frames = {name: source.table(run, name) for name in TABLES if record["status"] == "finished"}
        record = seals.by_rows(record, {name: digest_of(name, frame) for name, frame in frames.items()})
        if run.id not in with_files:
            record = seals.without(record, tuple(record["files"]))
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        for name, frame in frames.items():
            for kept, column in zip(columns[name], TABLES[name], strict=True):
                kept.append(frame[column].to_numpy())
        _copy_files(source, run.id, record["files"], place)
    write_whole(place / RECORDS, "".join(lines))
    for name in TABLES:
        write_columns(place / f"{name}.parquet", name, [np.concatenate(parts) if parts else [] for parts in columns[name]])
    write_whole(place / "study.yaml", study.to_yaml())


def _copy_files(source: Store, run_id: str, names: Collection[str], place: Path) -> None:
    """A run's files into models/."""
    other = sorted(set(names) - set(SUFFIXES))
    if other:
        raise UserError(f"run {run_id}: {other[0]} has no place in a packed study, which keeps {', '.join(SUFFIXES)}")
    if names:
        (place / MODELS).mkdir(exist_ok=True)
        with source.folder(run_id) as folder:
            for name in names:
                shutil.copyfile(folder / name, place / MODELS / f"{run_id}{SUFFIXES[name]}", follow_symlinks=False)


def unpack(source: Store, place: Path) -> None:
    """Write the runs of a packed store with a folder for each again into an empty folder, so that runs can be added to it. Seals stay."""
    runs = {run.id: run for _, run in source.planned()}
    for run in runs.values():
        record = source.record(run.id)
        if record is None:
            continue
        directory = place / "runs" / run.id
        directory.mkdir(parents=True)
        with source.folder(run.id) as folder:
            for name in record["files"]:
                shutil.copyfile(folder / name, directory / name, follow_symlinks=False)
        for name in record["rows"]:
            frame = source.table(run, name)
            write_columns(directory / f"{name}.parquet", name, [frame[column].to_numpy() for column in TABLES[name]])
            record["files"][f"{name}.parquet"] = file_hash(directory / f"{name}.parquet")
        write_whole(directory / "run.json", json.dumps(record, indent=1, ensure_ascii=False))
    write_whole(place / "study.yaml", source.study().to_yaml())
