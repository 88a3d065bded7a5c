"""The harness carries out a study by itself: no command line, nothing printed."""

import pytest

from benchmarks import UserError
from benchmarks.running import launchers
from benchmarks.running.carry_out import UNFINISHED_OR_FAILED, Reporter, carry_out, in_batches, to_do
from benchmarks.store.store import Store
from benchmarks.studies import study
from benchmarks.studies.plan import pinned

SMALL = ["protocol.eval_points=2", "protocol.eval_episodes=2", "statistics.reps=200", "launcher=inprocess"]


def asked(algos=("q_learning",), seeds=2, overrides=()):
    return pinned(study.adhoc(list(algos), ["FrozenLake-v1"], seeds=seeds, steps=200, overrides=[*SMALL, *overrides]))


class Kept(Reporter):
    """Keeps what it is told."""

    def __init__(self):
        self.todo, self.damage, self.looks = [], [], []

    def planned(self, work, store):
        self.todo.append([run.seed for run in work.todo])

    def damaged(self, error, place):
        self.damage.append((error, place))

    def looked(self, state):
        self.looks.append(state)


def states(store):
    return store.runs()["status"].tolist()


def test_a_study_is_carried_out_without_a_word(tmp_path, capfd):
    store = Store(tmp_path)
    carry_out(asked(), store)
    assert states(store) == ["finished", "finished"]
    assert capfd.readouterr() == ("", "")


def test_the_study_that_is_saved_says_how_many_processes_ran_it(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers, "physical_cores", lambda: 3)
    carry_out(asked(overrides=["launcher.jobs=null"]), Store(tmp_path))
    assert Store(tmp_path).study().launcher["jobs"] == 3


def test_what_is_finished_is_not_trained_again(tmp_path):
    store, told = Store(tmp_path), Kept()
    carry_out(asked(), store)
    carry_out(asked(seeds=3), store, reporter=told)
    assert told.todo == [[2]]


def test_a_run_that_failed_is_made_again_only_where_that_is_asked(tmp_path):
    store, told = Store(tmp_path), Kept()
    store.save_study(asked())
    store.fail(store.planned()[0][1], "boom")
    assert [run.seed for run in to_do(asked(), store).todo] == [1]
    carry_out(asked(), store, UNFINISHED_OR_FAILED, told)
    assert told.todo == [[0, 1]] and states(store) == ["finished", "finished"]


def test_a_damaged_run_is_moved_aside_and_named_and_made_again(tmp_path):
    store, told = Store(tmp_path), Kept()
    carry_out(asked(), store)
    run = store.planned()[0][1]
    (store.runs_path / run.id / "curve.parquet").write_bytes(b"x")
    carry_out(asked(), Store(tmp_path), reporter=told)
    ((error, place),) = told.damage
    assert error == f"run {run.id}/curve.parquet: hash mismatch" and (tmp_path / place / "curve.parquet").read_bytes() == b"x"
    assert states(Store(tmp_path)) == ["finished", "finished"]


def test_what_a_process_that_is_gone_left_half_done_is_swept(tmp_path):
    (tmp_path / "runs" / ".tmp-999999999-1-x").mkdir(parents=True)
    carry_out(asked(), Store(tmp_path))
    assert not list((tmp_path / "runs").glob(".tmp-*"))


@pytest.mark.parametrize(("what", "said"), [
    (dict(algos=("every_visit_mc_prediction",)), "learns what a given policy is worth"),
    (dict(overrides=["statistics.margin=0"]), "statistics.margin=0"),
    (dict(overrides=["+algo.q_learning.FrozenLake-v1.gama=0.9"]), "gama"),
])  # fmt: skip
def test_what_cannot_run_or_be_reported_is_refused_before_anything_is_touched(tmp_path, what, said):
    store = Store(tmp_path / "new")
    with pytest.raises(UserError, match=said):
        carry_out(asked(**what), store)
    assert not store.path.exists()


def test_a_dry_run_tells_the_plan_and_touches_nothing(tmp_path):
    store, told = Store(tmp_path / "new"), Kept()
    carry_out(asked(), store, reporter=told, dry_run=True)
    assert told.todo == [[0, 1]] and not store.path.exists()


def test_batches_end_when_every_comparison_is_decided_or_the_seeds_are_used(tmp_path):
    store, told = Store(tmp_path), Kept()
    in_batches(asked(["q_learning", "sarsa"], seeds=4), store, 2, reporter=told)
    used = store.study().seeds
    assert store.study().sequential["maximum"] == [0, 1, 2, 3] and used == list(range(2 * len(told.looks)))
    assert told.todo == [2 * seeds for seeds in ([0, 1], [2, 3])[: len(told.looks)]]
    assert store.study().content_hash() == store.study().hash
