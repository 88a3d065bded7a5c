"""The pool: every run ends as a row, whatever becomes of the process that trains it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.running import launchers
from benchmarks.store.store import Store
from benchmarks.studies import plan, study
from tests.benchmarks.accidents import planned

LOCAL = {"name": "local", "jobs": 1, "lockstep_seeds": 10, "attempts": 3}

WORKER = "tests.benchmarks.accidents"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A study of three planned runs, in a process whose workers only pretend to train."""
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    return planned(tmp_path / "study")


def _launch(store, **changes):
    settings = {**LOCAL, **changes}
    work = plan.group([run for _, run in store.planned()], settings["jobs"])
    notes = []

    def show(progress):
        if progress.note and progress.note not in notes:
            notes.append(progress.note)

    return launchers.launch(work, store, settings, show, WORKER), notes


def test_the_pool_finishes_every_run_and_leaves_nothing_behind(store):
    progress, notes = _launch(store, jobs=2)
    assert store.runs()["status"].tolist() == ["finished"] * 3
    assert (progress.done_runs, progress.failed_runs, progress.fraction, notes) == (3, 0, 1.0, [])
    assert not list(store.runs_path.glob(".tmp-*"))
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())]


def test_a_worker_that_dies_once_is_replaced_and_the_run_tried_again(store, monkeypatch):
    monkeypatch.setenv("KILLED_SEED", "1")
    monkeypatch.setenv("MOST_DEATHS", "1")
    progress, notes = _launch(store)
    store.sweep()
    assert store.runs()["status"].tolist() == ["finished"] * 3
    assert "worker died (signal 9, likely out of memory) on run ppo-CartPole-v1-s" in notes[0] and "attempt 1 of 3" in notes[0]
    assert progress.fraction == pytest.approx(1.0)


@pytest.mark.slow
def test_a_run_whose_workers_keep_dying_is_a_failed_row_and_its_group_is_saved(store, monkeypatch):
    monkeypatch.setenv("KILLED_SEED", "1")
    monkeypatch.setenv("MOST_DEATHS", "99")
    progress, _ = _launch(store)
    runs = store.runs().set_index("seed")
    assert runs["status"].to_dict() == {0: "finished", 1: "failed", 2: "finished"}
    assert runs.loc[1, "error"].startswith("worker died (signal 9, likely out of memory) on run ppo-CartPole-v1-s1-")
    assert runs.loc[1, "error"].endswith("attempt 3 of 3")
    assert progress.failed_runs == 1


def test_workers_die_with_their_parent(store, tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_SECONDS", "60")
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom benchmarks.running import launchers\nfrom benchmarks.studies import plan\nfrom benchmarks.store.store import Store\n"
        f"if __name__ == '__main__':\n    store = Store({str(store.path)!r})\n"
        f"    launchers.launch(plan.group([run for _, run in store.planned()], 2), store, {LOCAL | {'jobs': 2}!r}, worker={WORKER!r})\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": os.getcwd()})
    workers = []
    deadline = time.monotonic() + 60
    while len(list(store.runs_path.glob(".tmp-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert store.runs()["status"].tolist().count("running") == 2
    workers = [child for child in psutil.Process(parent.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert len(workers) == 2 and not alive
    assert store.runs()["status"].tolist() == ["missing"] * 3
    assert store.sweep() == 2


@pytest.mark.slow
def test_in_process_and_pool_write_the_same_runs(tmp_path):
    hashes = []
    for name in ("inprocess", "local"):
        resolved = plan.pinned(study.compose("smoke", ["steps=256"]))
        store = Store(tmp_path / name)
        store.save_study(resolved)
        launchers.launch(plan.group([run for _, run in store.planned()], 1), store, LOCAL | {"name": name})
        hashes.append(store.runs()["weights_hash_end"].tolist())
    assert hashes[0] == hashes[1] and None not in hashes[0]


def test_a_process_of_the_pool_has_one_thread():
    launchers.one_thread()
    assert {os.environ[name] for name in launchers.THREADS} == {"1"}
    assert launchers.physical_cores() >= 1


def test_the_time_left_is_judged_from_the_share_of_estimated_work_that_is_done():
    progress = launchers.Progress(runs=2, seconds=100.0, costs=[80.0, 20.0], started=time.monotonic() - 30)
    assert progress.remaining_seconds is None, "nothing is known yet"
    progress.enter(0, 0.75)  # 60 of 100 in 30 s
    assert progress.remaining_seconds == pytest.approx(20.0, abs=0.5)


def test_a_study_cannot_name_the_module_that_trains():
    """It may be a stranger's, and a module's import runs it."""
    assert launchers.Settings.of({"name": "local", "worker": "antigravity"}).worker == "benchmarks.running.worker"


def test_short_jobs_travel_together_but_never_so_many_that_a_worker_has_nothing_to_do():
    runs = plan.plan(plan.pinned(study.adhoc(["q_learning"], ["FrozenLake-v1"], seeds=60, steps=100, overrides=["protocol.eval_points=1"])))
    jobs = [plan.Job((run,)) for _, run in runs]
    progress = launchers.Progress(60, 6.0, costs=[0.1] * 60)
    conductor = launchers.Conductor(jobs, None, launchers.Settings(), progress, lambda progress: None)
    sizes = []
    while conductor.waiting:
        sizes.append(len(conductor._next(size=2)))
    assert sizes[:2] == [10, 10], "a second of work"
    assert sizes[-4:] == [1] * 4 and sum(sizes) == 60


def test_a_long_job_travels_alone():
    conductor = launchers.Conductor([plan.Job(())] * 20, None, launchers.Settings(), launchers.Progress(20, 40.0, costs=[2.0] * 20), lambda progress: None)
    assert len(conductor._next(size=2)) == 1
