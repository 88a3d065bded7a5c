"""Long runs of a study: one whose process dies goes on from its checkpoint, ends with the numbers that it would have had, and says so."""

import os
import time

import psutil
import pytest

from benchmarks import UserError
from benchmarks.running import carry_out, launchers, long_runs, worker
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES
from benchmarks.studies import plan, study
from from_scratch.core.resuming.callbacks import ExactCheckpointCallback

SMALL = ["protocol.eval_points=4", "protocol.eval_episodes=2", "statistics.reps=200"]
EVERY = "launcher.checkpoint_steps=200"


def planned(place, *more, algos=("q_learning",), env="FrozenLake-v1", steps=800, seeds=2):
    resolved = study.adhoc(list(algos), [env], seeds=seeds, steps=steps, overrides=[*SMALL, *more])
    store = Store(place)
    store.save_study(plan.pinned(resolved, command="sb3-course compare ..."))
    return store


def runs(store):
    return [run for _, run in store.planned()]


class Died(BaseException):
    """The end of a process, as far as a test can have it without one."""


@pytest.fixture
def dies_at(monkeypatch):
    """From now on, who has saved a checkpoint at this step or later dies, once."""

    def at(step):
        def saves_and_dies(self):
            between(self)
            if self.model.num_timesteps >= step and at.alive:
                at.alive = False
                raise Died

        at.alive = True
        monkeypatch.setattr(ExactCheckpointCallback, "between_iterations", saves_and_dies)

    between = ExactCheckpointCallback.between_iterations
    return at


def same_results(one, other):
    for run in runs(one):
        for name in TABLES:
            mine, theirs = (store.table(run, name).drop(columns="seconds", errors="ignore") for store in (one, other))
            assert mine.equals(theirs), (run.id, name)
        records_of = [store.record(run.id) for store in (one, other)]
        for key in ("weights_hash_start", "weights_hash_end", "actual_steps", "diverged"):
            assert records_of[0][key] == records_of[1][key], key


def test_a_run_that_died_goes_on_from_its_checkpoint_with_the_same_results_and_its_record_says_so(tmp_path, dies_at):
    whole, broken = planned(tmp_path / "whole"), planned(tmp_path / "broken", EVERY)
    assert {run.id for run in runs(whole)} == {run.id for run in runs(broken)}  # how a study is carried out is no part of it
    job = plan.Job(tuple(runs(whole)))
    worker.execute(job, whole)
    dies_at(400)
    with pytest.raises(Died):
        worker.execute(job, broken)
    assert long_runs.begun(runs(broken), broken) == [job]
    worker.execute(job, broken)
    same_results(whole, broken)
    for run in runs(broken):
        assert broken.record(run.id)["resumed"] == [[400, None]]
        assert records.of_run(run, broken.record(run.id)) == []
        assert "resumed" not in whole.record(run.id)
    assert not (broken.path / long_runs.FOLDER).exists()


def test_a_group_that_has_a_checkpoint_stays_together_whatever_else_is_to_be_done(tmp_path, dies_at):
    store = planned(tmp_path / "study", EVERY, "launcher=local", seeds=3)
    dies_at(200)
    with pytest.raises(Died):
        worker.execute(plan.Job(tuple(runs(store)[1:])), store)
    work = carry_out.to_do(store.study().launched(jobs=3), store)
    assert [len(job.runs) for job in work.jobs] == [2, 1] and work.jobs[0].runs == tuple(runs(store)[1:])


def test_a_damaged_checkpoint_is_passed_over_and_the_run_begins_again(tmp_path, dies_at):
    whole, broken = planned(tmp_path / "whole", seeds=1), planned(tmp_path / "broken", EVERY, seeds=1)
    job = plan.Job(tuple(runs(whole)))
    worker.execute(job, whole)
    dies_at(400)
    with pytest.raises(Died):
        worker.execute(job, broken)
    long_runs.place(job, broken).write_bytes(b"no zip")
    worker.execute(job, broken)
    same_results(whole, broken)
    assert "resumed" not in broken.record(runs(broken)[0].id)


def test_without_an_interval_no_checkpoint_is_made_and_sb3_s_classes_never_have_one(tmp_path):
    store, theirs = planned(tmp_path / "study"), planned(tmp_path / "sb3", EVERY, algos=["sb3/ppo"], env="CartPole-v1")
    assert long_runs.interval(plan.Job(tuple(runs(store))), store) is None
    assert long_runs.interval(plan.Job(tuple(runs(theirs))), theirs) is None


def test_an_interval_that_is_none_and_runs_with_measures_are_refused_before_anything_runs(tmp_path):
    asked = planned(tmp_path / "study", EVERY).study()
    with pytest.raises(UserError, match=r"^launcher\.checkpoint_steps=0: give a whole number of training steps"):
        carry_out.to_do(asked.launched(checkpoint_steps=0), Store(tmp_path / "none"))
    with pytest.raises(UserError, match="a run with measures begins again from its seed"):
        carry_out.to_do(asked.asking(protocol={**asked.protocol, "measures": ["policy"]}), Store(tmp_path / "none"))


@pytest.mark.slow
def test_workers_that_are_killed_leave_runs_that_go_on(tmp_path):
    """Two workers of a pool, one job each: both are killed as soon as a job has a checkpoint, three times in all."""
    settings = {"algos": ["dqn"], "env": "CartPole-v1", "steps": 20_000}
    whole, killed = planned(tmp_path / "whole", **settings), planned(tmp_path / "killed", EVERY, **settings)
    jobs = [plan.Job((run,)) for run in runs(whole)]
    launchers.launch(jobs, whole, {"name": "inprocess"})
    kills = []

    def show(progress):
        begun = long_runs.begun(runs(killed), killed)
        if len(kills) < 3 and begun and time.monotonic() - (kills[-1] if kills else 0) > 1.5:
            children = psutil.Process(os.getpid()).children(recursive=True)
            mine = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            for child in mine:
                child.kill()
            if mine:
                kills.append(time.monotonic())

    launchers.launch(jobs, killed, {"name": "local", "jobs": 2, "attempts": 5}, show)
    assert kills and {state for _, state, _ in killed.states(runs(killed))} == {"finished"}
    same_results(whole, killed)
    assert any("resumed" in killed.record(run.id) for run in runs(killed))
