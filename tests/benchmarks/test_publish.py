"""Copying a study to where it can be committed."""

import pytest

from benchmarks import IncompleteData, UserError
from benchmarks.reproduction.publish import publish
from benchmarks.store.store import Store
from benchmarks.store.tables import write_table
from benchmarks.studies import study
from benchmarks.studies.plan import pinned, runs_by_id


@pytest.fixture
def store(tmp_path):
    resolved = pinned(study.compose("smoke"), command="sb3-course compare smoke --out some/where --jobs 2")
    store = Store(tmp_path / "smoke")
    store.save_study(resolved)
    return store


def finish_all(store):
    for run in runs_by_id(run for _, run in store.planned()).values():
        directory = store.begin(run)
        n = run.protocol["eval_episodes"]
        write_table(directory / "curve.parquet", "curve", [(run.algo, run.env, run.seed, step, step, 1.0, 7.0, 0.0, 7.0, n) for step in run.checkpoints])
        episodes = [(run.algo, run.env, run.seed, step, i, 7.0, 7) for step in run.checkpoints for i in range(n)]
        write_table(directory / "episodes.parquet", "episodes", episodes)
        write_table(directory / "training.parquet", "training", [])
        (directory / "model.zip").write_bytes(b"weights")
        store.commit(run, directory, {"status": "finished", "error": None, "traceback": None})


def test_a_published_study_is_whole_and_keeps_the_models_of_its_median_runs_only(store, tmp_path):
    finish_all(store)
    copy = publish(store, tmp_path / "published")
    assert set(copy.runs()["status"]) == {"finished"}
    kept = {path.stem for path in (tmp_path / "published" / "models").iterdir()}
    assert 0 < len(kept) < len(copy.runs())
    assert copy.curves().equals(store.curves())
    name = next(name for name in copy.runs()["run_id"] if name not in kept)
    assert copy.study().command == "sb3-course compare smoke --jobs 2"
    assert copy.record(name)["left_out"] == {"model.zip": store.record(name)["files"]["model.zip"]} and copy.record(name)["files"] == {}


def test_a_published_run_has_the_seal_of_the_day_on_which_it_ended(store, tmp_path):
    finish_all(store)
    copy = publish(store, tmp_path / "published")
    assert all(copy.record(name)["seal"] == store.record(name)["seal"] for name in copy.runs()["run_id"])


def test_an_unfinished_study_is_not_published(store, tmp_path):
    with pytest.raises(IncompleteData, match=r"runs of .* are not finished"):
        publish(store, tmp_path / "published")


def test_nothing_that_exists_is_overwritten(store, tmp_path):
    finish_all(store)
    (tmp_path / "published").mkdir()
    with pytest.raises(UserError, match="exists already"):
        publish(store, tmp_path / "published")
