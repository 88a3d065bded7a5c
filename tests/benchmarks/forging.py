"""What a careful forger does to a study in either form: he changes a record, rows or the plan, and seals everything again."""

import json

import pandas as pd

from benchmarks.store.files import file_hash, write_whole
from benchmarks.store.packed import RECORDS
from benchmarks.store.seals import BY_ROWS, TABLE_FILES, seal_of
from benchmarks.store.tables import TABLES, digest_of, write_columns


def record_of(store, run_id):
    """A run's record as it stands there."""
    return lines_of(store)[run_id] if store.is_packed else json.loads((store.runs_path / run_id / "run.json").read_text(encoding="utf-8"))


def lines_of(store):
    return {record["run_id"]: record for record in map(json.loads, (store.path / RECORDS).read_text(encoding="utf-8").splitlines())}


def write_lines(store, records):
    write_whole(store.path / RECORDS, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def write_record(store, run_id, record):
    if store.is_packed:
        write_lines(store, {**lines_of(store), run_id: record}.values())
    else:
        write_whole(store.runs_path / run_id / "run.json", json.dumps(record, indent=1, ensure_ascii=False))


def reseal(store, run_id, /, **changes):
    """Change a run's record, enter its files and rows as they are now, and seal it."""
    record = record_of(store, run_id) | changes
    if not store.is_packed and "files" not in changes:
        directory = store.runs_path / run_id
        record["files"] = {path.name: file_hash(path) for path in sorted(directory.iterdir()) if path.name != "run.json"}
    if record.get("schema") == BY_ROWS:
        record["rows"] = {name: _digest(store, run_id, name) for name in record["rows"]}
    write_record(store, run_id, {**record, "seal": _seal(record)})


def _seal(record):
    try:
        return seal_of(record)
    except (AttributeError, TypeError):
        return "0" * 64  # of a record that has no seal


def _digest(store, run_id, name):
    try:
        return digest_of(name, rows_of(store, run_id, name))
    except (ValueError, KeyError, OSError):
        return "0" * 64  # what is no table has none


def rows_of(store, run_id, name):
    """The rows that stand for a run, whatever they are."""
    if not store.is_packed:
        return pd.read_parquet(store.runs_path / run_id / f"{name}.parquet")
    frame = pd.read_parquet(store.path / f"{name}.parquet")
    return frame[_are_of(store, run_id, frame)].reset_index(drop=True)


def _are_of(store, run_id, frame):
    run = next(run for _, run in store.planned() if run.id == run_id)
    return (frame["algo"] == run.algo) & (frame["env"] == run.env) & (frame["seed"] == run.seed)


def change_rows(store, run_id, name, change):
    """Rewrite a run's rows, and seal nothing."""
    if not store.is_packed:
        _write(store.runs_path / run_id / f"{name}.parquet", name, change(rows_of(store, run_id, name)))
        return
    path = store.path / f"{name}.parquet"
    frame = pd.read_parquet(path)
    is_its = _are_of(store, run_id, frame).to_numpy()
    start = int(is_its.argmax())
    parts = [frame[:start], change(frame[is_its].reset_index(drop=True)), frame[start:][~is_its[start:]]]
    _write(path, name, pd.concat(parts, ignore_index=True))


def _write(path, name, frame):
    write_columns(path, name, [frame[column].to_numpy() for column in TABLES[name]])


def change_table(store, run_id, name, change):
    """Rewrite a run's rows, and seal the run."""
    change_rows(store, run_id, name, change)
    reseal(store, run_id)


def place_of(store, run_id, file):
    """Where a table of a run, or a run's record, lies: a file of its own, or one with those of all runs."""
    if store.is_packed:
        return store.path / {"run.json": RECORDS}.get(file, file)
    return store.runs_path / run_id / file


def reseal_all(store):
    for run_id in dict.fromkeys(run.id for _, run in store.planned()):
        reseal(store, run_id)


def change_study(store, **changes):
    """Change study.yaml and its hash."""
    write_whole(store.path / "study.yaml", store.study().asking(**changes).to_yaml())


def sealed_by_files(store, run_id):
    """Make a run one that was stored before rows were sealed."""
    record = {key: value for key, value in record_of(store, run_id).items() if key not in ("rows", "left_out", "seal")} | {"schema": 1}
    assert set(TABLE_FILES) <= set(record["files"])
    write_record(store, run_id, {**record, "seal": seal_of(record)})
