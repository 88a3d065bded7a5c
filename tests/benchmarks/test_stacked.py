"""Rows of many runs that are checked together: nothing passes there that does not pass alone."""

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import IntegrityError
from benchmarks.speed import store as many
from benchmarks.store import rows
from benchmarks.store.files import file_hash
from benchmarks.store.stacked import NotPlain, Stacked
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES, digest_of, schema_of, write_columns
from benchmarks.studies.plan import runs_by_id
from tests.benchmarks.forging import record_of, write_record


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A study of twenty runs, with invented scores."""
    store = Store(tmp_path_factory.mktemp("stacked") / "twenty")
    store.save_study(many.asked(20, points=3, episodes=2))
    for run in runs_by_id(run for _, run in store.planned()).values():
        many.finish(run, store)
    return store


def planned(store):
    return sorted(runs_by_id(run for _, run in store.planned()).values(), key=lambda run: (run.algo, run.env, run.seed))


def stacked(name, frames):
    """As if each frame were read from a file of its own."""
    parts = [pa.Table.from_pandas(frame, schema=schema_of(name), preserve_index=False) for frame in frames]
    table = pa.concat_tables(parts)
    for k, field in enumerate(table.schema):
        if field.type == pa.string():
            table = table.set_column(k, field.name, table[field.name].dictionary_encode())
    return Stacked.of(name, table, np.cumsum([0, *map(len, parts)]))


@pytest.mark.parametrize("name", TABLES)
def test_rows_as_they_were_written_pass_and_have_the_digests_of_each_run(store, name):
    runs = planned(store)
    frames = [store.table(run, name) for run in runs]
    together = stacked(name, frames)
    assert together.are_as_planned(runs)
    assert together.digests() == [digest_of(name, frame) for frame in frames]
    assert together.frame().equals(store._table(name))


def changed(column, value, row=1):
    def change(frame):
        values = frame[column].to_numpy().copy()
        values[row] = value
        return frame.assign(**{column: values})

    return change


FAULTS = {
    "curve": {
        "another algorithm": changed("algo", "sarsa2"), "another task": changed("env", "Taxi-v9"), "another seed": changed("seed", 77),
        "another step": changed("step", 7), "a score that is NaN": changed("score", np.nan), "an infinite score": changed("score", np.inf),
        "a score too large": changed("score", 1e61), "seconds that fall": changed("seconds", 0.0), "seconds below 0": changed("seconds", -1.0, 0),
        "steps that fall": changed("actual_step", 0, 2), "another number of episodes": changed("n_episodes", 3),
        "one row less": lambda frame: frame[:-1], "no rows": lambda frame: frame[:0], "the order": lambda frame: frame[::-1],
    },
    "episodes": {
        "an episode twice": changed("episode", 0), "a negative length": changed("length", -1), "a return that is NaN": changed("return", np.nan),
        "another step": changed("step", 7), "one row less": lambda frame: frame[:-1], "another seed": changed("seed", 77),
    },
    "training": {
        "a metric twice": changed("key", many.LOGGED[0]), "a name that cannot be printed": changed("key", "a\u202eb"), "another step": changed("step", 7),
        "a finite value too large": changed("value", 1e61), "another task": changed("env", "Taxi-v9"), "a name too long": changed("key", "k" * 201),
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "fault"), [(name, fault) for name, faults in FAULTS.items() for fault in faults])
def test_a_fault_in_one_run_of_twenty_is_seen_by_both_checks(store, name, fault):
    runs = planned(store)
    frames = [store.table(run, name) for run in runs]
    frames[7] = FAULTS[name][fault](frames[7]).reset_index(drop=True)
    size = rows.Size.of(name, runs[7])
    assert rows.fault(frames[7], name, runs[7]) or (size.is_exact and len(frames[7]) != size.most)
    try:
        assert not stacked(name, frames).are_as_planned(runs)
    except NotPlain:  # seen earlier
        assert "NaN" in fault


def test_what_training_logged_may_be_no_number(store):
    runs = planned(store)
    frames = [store.table(run, "training") for run in runs]
    for value in (np.nan, np.inf):
        frames[7] = changed("value", value)(frames[7])
        assert not rows.fault(frames[7], "training", runs[7])
        assert stacked("training", frames).are_as_planned(runs)
        assert stacked("training", frames).digests()[7] == digest_of("training", frames[7])


def test_rows_of_two_runs_that_have_changed_places_are_seen(store):
    runs = planned(store)
    frames = [store.table(run, "curve") for run in runs]
    frames[3], frames[4] = frames[4], frames[3]
    assert not stacked("curve", frames).are_as_planned(runs)


def test_a_missing_value_is_not_taken_for_a_number():
    table = pa.table({column: pa.array([None], field.type) for column, field in zip(TABLES["curve"], schema_of("curve"), strict=True)})
    with pytest.raises(NotPlain, match="algo holds a missing value"):
        Stacked.of("curve", table, [0, 1])


def test_one_changed_score_among_twenty_runs_is_named_as_it_is_alone(store):
    run = planned(store)[7]
    directory = store.runs_path / run.id
    kept = {path.name: path.read_bytes() for path in directory.iterdir()}
    frame = changed("score", 0.123)(store.table(run, "curve"))
    write_columns(directory / "curve.parquet", "curve", [frame[column].to_numpy() for column in TABLES["curve"]])
    record = record_of(store, run.id)
    write_record(store, run.id, {**record, "files": {**record["files"], "curve.parquet": file_hash(directory / "curve.parquet")}})  # which is not sealed
    try:
        with pytest.raises(IntegrityError, match=rf"^run {run.id}/curve\.parquet: other rows than were sealed$"):
            store.curves()
    finally:
        for name, data in kept.items():
            (directory / name).write_bytes(data)
