"""The store: what is in it was written whole, and damage is found."""

import json
import os
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest

from benchmarks import IntegrityError, UserError
from benchmarks.store.files import file_hash
from benchmarks.store.store import RUN_COLUMNS, Store, make_durable, open_study
from benchmarks.store.tables import TABLES, digest_as_written, digest_of, write_columns, write_table
from benchmarks.studies import study
from benchmarks.studies.plan import pinned, runs_by_id


@pytest.fixture
def store(tmp_path):
    """A study of four planned runs, none of which exists."""
    resolved = pinned(study.compose("smoke"))
    store = Store(tmp_path / "smoke")
    store.save_study(resolved)
    return store


def _run(store, position=0):
    return list(runs_by_id(run for _, run in store.planned()).values())[position]


def _finish(store, run, score=1.0):
    directory = store.begin(run)
    n = run.protocol["eval_episodes"]
    write_table(directory / "curve.parquet", "curve", [(run.algo, run.env, run.seed, step, step, 0.5, score, 0.0, 9.0, n) for step in run.checkpoints])
    write_table(directory / "episodes.parquet", "episodes", [(run.algo, run.env, run.seed, step, i, score, 9) for step in run.checkpoints for i in range(n)])
    write_table(directory / "training.parquet", "training", [])
    (directory / "model.zip").write_bytes(b"weights")
    return store.commit(run, directory, {"status": "finished", "error": None, "train_seconds": 2.0, "host": {"threads": 1}})


def test_there_is_a_row_for_every_planned_run_also_for_those_that_do_not_exist(store):
    runs = store.runs()
    assert list(runs.columns) == list(RUN_COLUMNS)
    assert list(runs["status"]) == ["missing"] * 4
    _finish(store, _run(store))
    runs = store.runs()
    assert list(runs["status"]) == ["finished"] + ["missing"] * 3
    assert runs.loc[0, "train_seconds"] == 2.0 and json.loads(runs.loc[0, "host"]) == {"threads": 1}
    assert json.loads(runs.loc[0, "hyperparams"])["n_steps"] == 32


def test_tables_hold_finished_runs_only_in_a_fixed_order(store):
    _finish(store, _run(store, 3), score=4.0)
    _finish(store, _run(store, 0), score=1.0)
    store.fail(_run(store, 1), "ValueError: no")
    assert list(store.curves().columns) == list(TABLES["curve"])
    assert list(store.curves()["algo"]) == ["sb3/dqn"] * 2 + ["sb3/ppo"] * 2
    n = len(_run(store).checkpoints) * _run(store).protocol["eval_episodes"]
    assert list(store.episodes()["return"]) == [4.0] * n + [1.0] * n
    assert store.training().empty


def test_an_empty_store_has_empty_tables_with_their_columns(store):
    assert store.curves().empty and list(store.curves().columns) == list(TABLES["curve"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "curve.parquet").write_bytes((d / "curve.parquet").read_bytes()[:-1]), "curve.parquet: hash mismatch"),
        (lambda d: (d / "model.zip").write_bytes(b"Weights"), "model.zip: hash mismatch"),
        (lambda d: (d / "episodes.parquet").unlink(), "episodes.parquet: missing"),
        (lambda d: (d / "run.json").write_text("{"), "run.json: cannot be read"),
        (lambda d: (d / "run.json").unlink(), "run.json: missing"),
        (lambda d: (d / "run.json").write_text((d / "run.json").read_text().replace('seconds": 2.0', 'seconds": 1.0')), "run.json: hash mismatch"),
    ],
)  # fmt: skip
def test_a_single_changed_byte_is_found_and_the_run_is_not_read(store, damage, message):
    run = _run(store)
    directory = _finish(store, run)
    assert store.status(run)[0] == "finished"
    damage(directory)
    state, record = store.status(run)
    assert state == "corrupt" and record["error"] == f"run {run.id}/{message}"
    assert store.curves().empty
    with pytest.raises(IntegrityError, match=run.id):
        store.record(run.id)


def test_a_finished_run_seals_its_rows_and_its_other_files(store):
    run = _run(store)
    record = json.loads((_finish(store, run) / "run.json").read_text())
    assert record["rows"] == {name: digest_of(name, store.table(run, name)) for name in TABLES}
    assert set(record["files"]) == {"curve.parquet", "episodes.parquet", "training.parquet", "model.zip"}


def test_rows_that_are_not_those_that_were_sealed_are_not_read_though_their_file_is_listed(store):
    run = _run(store)
    directory = _finish(store, run)
    score = store.table(run, "curve").assign(score=2.0)
    write_columns(directory / "curve.parquet", "curve", [score[column] for column in TABLES["curve"]])
    record = json.loads((directory / "run.json").read_text())
    record["files"]["curve.parquet"] = file_hash(directory / "curve.parquet")
    (directory / "run.json").write_text(json.dumps(record))
    assert store.status(run)[0] == "finished", "the hash of a table's file is no part of the seal"
    with pytest.raises(IntegrityError, match=r"curve\.parquet: other rows than were sealed"):
        store.curves()


def test_a_run_that_seals_rows_without_their_file_is_damaged(store):
    run = _run(store)
    directory = _finish(store, run)
    record = json.loads((directory / "run.json").read_text())
    del record["files"]["curve.parquet"]
    (directory / "run.json").write_text(json.dumps(record))
    assert store.status(run)[1]["error"] == f"run {run.id}/run.json: its rows are sealed, but it lists no curve.parquet"


def test_what_is_damaged_is_kept_in_quarantine_and_the_run_is_missing_again(store):
    run = _run(store)
    (_finish(store, run) / "model.zip").write_bytes(b"")
    place = store.quarantine(run.id)
    assert (place / "run.json").is_file() and place.parent == store.path / "quarantine"
    assert store.status(run)[0] == "missing"
    _finish(store, run)
    assert store.status(run)[0] == "finished"


def test_a_failed_run_is_a_row_with_its_reason_until_it_is_run_again(store):
    run = _run(store)
    store.fail(run, "ValueError: the reason", "Traceback ...")
    row = store.runs().iloc[0]
    assert (row["status"], row["error"], row["traceback"]) == ("failed", "ValueError: the reason", "Traceback ...")
    _finish(store, run)
    assert store.status(run)[0] == "finished"
    assert [path.name for path in store.runs_path.iterdir()] == [run.id], "nothing temporary is left"


def test_a_run_in_the_making_is_running_while_its_process_lives_and_swept_when_it_does_not(store):
    run = _run(store)
    directory = store.begin(run)
    assert store.status(run)[0] == "running"
    assert store.sweep() == 0
    orphan = directory.with_name(directory.name.replace(f"-{os.getpid()}-", "-999999-"))
    shutil.move(directory, orphan)
    assert store.status(run)[0] == "missing"
    assert store.sweep() == 1 and not orphan.exists()


def test_nan_is_stored_as_nothing_and_not_as_invalid_json(store):
    run = _run(store)
    store.commit(run, store.begin(run), {"status": "finished", "steps_per_second": float("nan")})
    assert store.record(run.id)["steps_per_second"] is None


def test_two_processes_do_not_write_into_one_store(store):
    script = f"from benchmarks.store.store import Store\nwith Store({str(store.path)!r}).lock(): pass"
    with store.lock():
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert f"another sb3-course (process {os.getpid()}) is working on" in other.stderr
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_study_is_found_by_its_directory_or_its_name(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_study("smoke").path.name == "smoke"
    (tmp_path / "studies").mkdir()
    shutil.move(store.path, tmp_path / "studies" / "other")
    assert open_study("other").study().name == "smoke"
    with pytest.raises(UserError, match="no study at nowhere or studies/nowhere"):
        open_study("nowhere")


def test_a_study_file_that_cannot_be_read_is_an_integrity_error(store):
    (store.path / "study.yaml").write_text("a: [")
    with pytest.raises(IntegrityError, match=r"study\.yaml cannot be read"):
        store.study()


def test_a_stored_study_keeps_its_runs_when_the_code_changes_afterwards(store, monkeypatch):
    before = [run.id for _, run in store.planned()]
    monkeypatch.setattr("benchmarks.studies.plan.code_version", lambda algo, env: "another")
    assert [run.id for _, run in store.planned()] == before


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_every_file_is_waited_for_on_a_quick_disk_and_on_a_slow_one(tmp_path, monkeypatch, seconds):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    waited = []

    def fsync(handle):
        time.sleep(seconds)
        waited.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    make_durable(iter(paths))
    assert sorted(waited) == sorted(path.stat().st_ino for path in paths)


def test_a_table_that_was_changed_after_it_was_written_is_read_to_be_sealed(tmp_path):
    rows = [("q_learning", "FrozenLake-v1", 0, 10, 10, 0.5, 1.0, 0.0, 9.0, 3)]
    write_table(tmp_path / "curve.parquet", "curve", rows)
    as_written = digest_as_written("curve", file_hash(tmp_path / "curve.parquet"), 1)
    assert as_written == digest_of("curve", pd.read_parquet(tmp_path / "curve.parquet"))
    assert digest_as_written("curve", file_hash(tmp_path / "curve.parquet"), 0) is None  # more rows than there may be
    (tmp_path / "curve.parquet").write_bytes(b"PAR1")
    assert digest_as_written("curve", file_hash(tmp_path / "curve.parquet"), 1) is None


def test_the_digest_of_a_word_that_is_too_long_is_not_kept(tmp_path):
    write_table(tmp_path / "training.parquet", "training", [("q_learning", "FrozenLake-v1", 0, 10, "x" * 2000, 0.5)])
    assert digest_as_written("training", file_hash(tmp_path / "training.parquet"), 10) is None
