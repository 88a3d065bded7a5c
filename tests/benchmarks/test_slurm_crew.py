"""Studies through Slurm's queue: by submitit's own executor for this machine, and by a queue of which every move is seen."""

import json
import os
import signal
import threading
from types import SimpleNamespace

import pytest

from benchmarks import UserError
from benchmarks.running import launchers, slurm_crew
from benchmarks.speed import store as many
from benchmarks.store.store import Store
from benchmarks.studies import plan


@pytest.fixture
def store(tmp_path):
    """A planned study of twenty runs."""
    store = Store(tmp_path / "study")
    store.save_study(many.asked(20, points=2, episodes=2))
    return store


def launch(store, worker=many.WORKER, **launcher):
    jobs = plan.group([run for _, run in store.planned()], 2, 1)
    return launchers.launch(jobs, store, {"name": "slurm", **launcher}, worker=worker)


class Queue:
    """Slurm as it is seen from here: a job is worked on when it is asked after for the second time, unless it is to be lost first."""

    def __init__(self, lose=()):
        self.lose, self.jobs, self.most, self.cancelled = set(lose), [], 0, []

    def submit(self, batch, *arguments):
        job = SimpleNamespace(job_id=str(len(self.jobs)), state="PENDING", asked=0, is_over=False, stderr=lambda: "slurmstepd: error")
        self.jobs.append(job)
        self.most = max(self.most, sum(not job.is_over for job in self.jobs))

        def done():
            job.asked += 1
            if job.asked == 2 and not job.is_over:
                job.is_over = True
                if job.job_id in self.lose:
                    job.state = "NODE_FAIL"
                    with open(arguments[3], "a") as file:  # it had begun, and spoke a word and a half
                        file.write(json.dumps(["begun", 0]) + "\n" + '["progress", 0.')
                else:
                    batch(*arguments)
            return job.is_over

        job.done, job.cancel = done, lambda: self.cancelled.append(job.job_id)
        return job


@pytest.fixture
def queued(monkeypatch):
    def of(**how):
        queue = Queue(**how)
        monkeypatch.setattr(slurm_crew, "_executor", lambda place, settings: queue)
        return queue

    monkeypatch.setattr(slurm_crew, "LOOK", 0.0)
    return of


def test_no_more_jobs_are_in_the_queue_than_there_is_room_for(store, queued):
    queue = queued()
    launch(store, jobs=2)
    assert store.runs()["status"].tolist() == ["finished"] * 20
    assert queue.most == 2 and queue.cancelled == []
    assert not (store.path / ".slurm").exists()


def test_a_batch_that_is_over_leaves_no_thread_that_would_end_its_process(store, queued):
    queued()
    before = set(threading.enumerate())
    launch(store, jobs=2)
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left)


def test_short_jobs_travel_together_further_than_in_a_pool(store, queued):
    queue = queued()
    launch(store, jobs=1)
    assert len(queue.jobs) < 10


def test_what_a_lost_job_leaves_is_submitted_again(store, queued):
    queue = queued(lose=["0"])
    notes = []
    jobs = plan.group([run for _, run in store.planned()], 2, 1)
    launchers.launch(jobs, store, {"name": "slurm", "jobs": 2}, lambda now: notes.append(now.note), worker=many.WORKER)
    assert store.runs()["status"].tolist() == ["finished"] * 20 and queue.cancelled == []
    assert any("worker died (Slurm job 0 NODE_FAIL) on run" in note and "attempt 1 of 3" in note for note in notes)


def test_a_command_that_ends_cancels_its_own_jobs_by_their_numbers(store, queued):
    queue = queued()

    def interrupted(now):
        if len(queue.jobs) >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launchers.launch(plan.group([run for _, run in store.planned()], 2, 1), store, {"name": "slurm", "jobs": 2}, interrupted, worker=many.WORKER)
    waiting = {job.job_id for job in queue.jobs if not job.is_over}
    assert waiting and waiting <= set(queue.cancelled) <= {job.job_id for job in queue.jobs}


def test_a_queue_that_takes_no_job_is_one_line(store, monkeypatch):
    def refused(*arguments):
        raise RuntimeError("sbatch: error: invalid partition specified: nowhere\nBatch job submission failed")

    monkeypatch.setattr(slurm_crew, "_executor", lambda place, settings: SimpleNamespace(submit=refused))
    with pytest.raises(UserError, match=r"^Slurm takes no job: sbatch: error: invalid partition specified: nowhere") as error:
        launch(store)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["partition", "account", "qos"])
def test_a_setting_that_is_more_than_a_word_does_not_reach_the_queue(name):
    with pytest.raises(UserError, match=rf"launcher\.{name}=short --wrap=id: a word is needed"):
        launchers.Settings.of({"name": "slurm", name: "short --wrap=id"})


def test_a_machine_without_slurm_says_so(store, monkeypatch):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'sb3-course[slurm]'")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"^no Slurm here: "):
        launch(store)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_submitit_runs_a_study_in_processes_of_this_machine(store, monkeypatch):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'sb3-course[slurm]'")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    launch(store, jobs=2, address="local")
    assert store.runs()["status"].tolist() == ["finished"] * 20
    assert not (store.path / ".slurm").exists() and not list(store.runs_path.glob(".tmp-*"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_job_of_submitit_that_is_killed_is_tried_again(store, monkeypatch, tmp_path):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'sb3-course[slurm]'")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.setenv("KILLED_ONCE", str(tmp_path / "once"))
    launch(store, worker="tests.benchmarks.test_slurm_crew", jobs=1, address="local")
    assert store.runs()["status"].tolist() == ["finished"] * 20 and (tmp_path / "once").exists()


def execute(job, store, report):
    """A worker that kills its process before its first run, once."""
    if not os.path.exists(os.environ["KILLED_ONCE"]):
        open(os.environ["KILLED_ONCE"], "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    many.execute(job, store, report)
