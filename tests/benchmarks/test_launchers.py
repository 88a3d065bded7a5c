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
from benchmarks.studies import plan as jobs
from benchmarks.studies import study
from benchmarks.studies.plan import code_versions, plan

LOCAL = {"name": "local", "jobs": 1, "lockstep_seeds": 10, "attempts": 3}

# What a worker process imports instead of the real training: quick runs with the accidents that a test asks for.
ACCIDENTS = '''
import os, pathlib, signal, sys, time, types

def execute(job, store, report=lambda message: None):
    report(("progress", 0.5))
    for run in job.runs:
        directory = store.begin(run)
        if run.seed == int(os.environ.get("KILLED_SEED", -1)):
            mark = pathlib.Path(os.environ["DEATHS"])
            deaths = len(mark.read_text()) if mark.exists() else 0
            if deaths < int(os.environ["MOST_DEATHS"]):
                mark.write_text("x" * (deaths + 1))
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(os.environ.get("RUN_SECONDS", 0)))
        store.commit(run, directory, {"status": "finished"})
        report(("run", run.id, "finished", ""))

sys.modules["benchmarks.running.worker"] = types.ModuleType("benchmarks.running.worker")
sys.modules["benchmarks.running.worker"].execute = execute
'''


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A study of three planned runs, in a process whose workers only pretend to train."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ACCIDENTS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.getcwd(), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    resolved = study.adhoc(["ppo"], ["CartPole-v1"], seeds=3, steps=10)
    resolved["code"] = code_versions(resolved)
    store = Store(tmp_path / "study")
    store.save_study(resolved)
    return store


def _launch(store, **changes):
    settings = {**LOCAL, **changes}
    work = jobs.group([run for _, run in plan(store.study())], settings["jobs"])
    notes = []

    def show(progress):
        if progress.note and progress.note not in notes:
            notes.append(progress.note)

    return launchers.launch(work, store, settings, show), notes


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
        "import sys\nfrom benchmarks.running import launchers\nfrom benchmarks.studies import plan as jobs\nfrom benchmarks.store.store import Store\n"
        f"if __name__ == '__main__':\n    store = Store({str(store.path)!r})\n"
        f"    launchers.launch(jobs.group([run for _, run in store.planned()], 2), store, {LOCAL | {'jobs': 2}!r})\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)])
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
        resolved = study.compose("smoke", ["steps=256"])
        resolved["code"] = code_versions(resolved)
        store = Store(tmp_path / name)
        store.save_study(resolved)
        launchers.launch(jobs.group([run for _, run in plan(resolved)], 1), store, LOCAL | {"name": name})
        hashes.append(store.runs()["weights_hash_end"].tolist())
    assert hashes[0] == hashes[1] and None not in hashes[0]


def test_a_process_of_the_pool_has_one_thread():
    launchers.one_thread()
    assert {os.environ[name] for name in launchers.THREADS} == {"1"}
    assert launchers.physical_cores() >= 1


def test_the_time_left_is_judged_from_the_share_of_estimated_work_that_is_done():
    progress = launchers.Progress(runs=2, seconds=100.0, costs=[80.0, 20.0], started=time.monotonic() - 30)
    assert progress.remaining_seconds is None, "nothing is known yet"
    progress.fractions[0] = 0.75  # 60 of 100 in 30 s
    assert progress.remaining_seconds == pytest.approx(20.0, abs=0.5)
