"""What goes wrong in a study, and what becomes of it: nothing is lost, nothing counts twice, and every failure says why (docs/faults.md)."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks import IncompleteData, UserError
from benchmarks.running import carry_out, launchers
from benchmarks.store import store as stores
from benchmarks.store.store import Store
from benchmarks.studies import plan, study
from tests.benchmarks import accidents

WORKER = "tests.benchmarks.accidents"
LOCAL = {"name": "local", "jobs": 1, "attempts": 3}
TABULAR = ["protocol.eval_points=2", "protocol.eval_episodes=2", "statistics.reps=200", "launcher=inprocess"]


@pytest.fixture
def store(tmp_path):
    return accidents.planned(tmp_path / "study")


@pytest.fixture
def single(tmp_path):
    """A study of one run."""
    return accidents.planned(tmp_path / "single", seeds=1)


def _launch(store, lockstep_seeds=10, **settings):
    jobs = plan.group([run for _, run in store.planned()], 1, lockstep_seeds)
    return launchers.launch(jobs, store, {**LOCAL, **settings}, worker=WORKER)


def _rows(store):
    return store.runs().set_index("seed")


def test_every_row_of_the_table_names_tests_that_exist():
    root = Path(__file__).parents[2]
    rows = [line for line in (root / "docs" / "faults.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "what becomes" not in line]
    there = set(re.findall(r"def (test_\w+)", "".join(path.read_text(encoding="utf-8") for path in (root / "tests" / "benchmarks").glob("test_*.py"))))
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named and set(named) <= there, row


# --- a run


@pytest.mark.slow
def test_a_run_that_hangs_is_ended_at_its_limit_and_says_where_it_was(store, monkeypatch):
    monkeypatch.setenv("ACCIDENT", "hangs 1")
    _launch(store, lockstep_seeds=2, limit_minutes=0.02)
    runs = _rows(store)
    assert runs["status"].to_dict() == {0: "finished", 1: "failed", 2: "finished"}
    assert runs.loc[1, "error"] == "took longer than its limit of 0.02 minutes (--limit-minutes) at 50% of its steps"
    assert "in _accident" in runs.loc[1, "traceback"]


def test_a_run_that_hangs_and_holds_the_interpreter_is_ended_from_outside_and_says_where_it_was(single, monkeypatch):
    monkeypatch.setenv("ACCIDENT", "holds 0")
    monkeypatch.setattr(launchers, "GRACE", 0.5)
    _launch(single, limit_minutes=0.005)
    run = _rows(single).loc[0]
    assert (run["status"], run["error"].startswith("took longer than its limit")) == ("failed", True)
    assert "in _accident" in run["traceback"]


def test_a_run_that_takes_more_memory_than_its_limit_is_ended_and_says_where_it_was(single, monkeypatch):
    monkeypatch.setenv("ACCIDENT", "hogs 0")
    _launch(single, limit_memory=0.75)
    run = _rows(single).loc[0]
    assert run["status"] == "failed" and run["error"].startswith("took more memory than its limit of 0.75 GiB (--limit-memory)")
    assert "in _accident" in run["traceback"]


def test_memory_that_earlier_runs_left_is_not_the_next_ones(store, monkeypatch):
    """In a process with a past the run is over the limit, in a new one it is not."""
    out = launchers._Out((), 0.0, current=0, limit=("took more memory", "", False))
    conductor = launchers.Conductor([], store, launchers.Settings(), launchers.Progress(3, 1.0), lambda progress: None)
    run = store.planned()[0][1]
    assert conductor._blame(run, out, True, "") is None
    out.limit = ("took more memory", "", True)
    assert conductor._blame(run, out, True, "") == "took more memory"


def test_a_crash_in_compiled_code_says_where_it_was(single, monkeypatch):
    monkeypatch.setenv("ACCIDENT", "crashes 0")
    _launch(single, attempts=1)
    run = _rows(single).loc[0]
    assert run["error"].startswith("worker died (signal 11)")
    assert "Segmentation fault" in run["traceback"] and "in _accident" in run["traceback"]


def test_limits_are_refused_where_no_process_could_be_ended(store):
    with pytest.raises(UserError, match="launcher=inprocess has none of its own"):
        _launch(store, name="inprocess", limit_minutes=1)


# --- a worker


@pytest.mark.slow
def test_a_worker_that_is_silent_is_given_up_and_its_run_tried_again(single, monkeypatch):
    monkeypatch.setenv("ACCIDENT", "stops 0")
    _launch(single, heartbeat_seconds=1.5, attempts=2)
    run = _rows(single).loc[0]
    assert run["status"] == "failed"
    assert "no sign of life for" in run["error"] and "attempt 2 of 2" in run["error"]


def test_a_result_whose_word_was_lost_with_its_worker_is_not_made_again(store, monkeypatch):
    """The worker was killed between writing a result and saying so."""
    run = store.planned()[0][1]
    accidents.finish(run, store.begin(run), store)
    before = (store.runs_path / run.id / "run.json").stat().st_mtime_ns
    progress = launchers.Progress(1, 1.0, costs=[1.0])
    conductor = launchers.Conductor([plan.Job((run,))], store, launchers.Settings(), progress, lambda progress: None)
    conductor.out[1] = launchers._Out((conductor.waiting.popleft(),), 0.0)
    conductor.tell(1, ("begun", 0))
    conductor.tell(1, ("lost", "signal 9", ""))
    assert not conductor.waiting and progress.done_runs == 1 and progress.fraction == 1.0
    assert (store.runs_path / run.id / "run.json").stat().st_mtime_ns == before


def test_a_failure_that_comes_late_does_not_take_the_place_of_a_finished_run(store):
    run = store.planned()[0][1]
    accidents.finish(run, store.begin(run), store)
    store.fail(run, "from a worker that had been given up")
    assert store.status(run)[0] == "finished"
    assert [path.name for path in store.runs_path.iterdir()] == [run.id]


@pytest.mark.slow
def test_workers_that_cannot_begin_end_the_study_in_one_line(store):
    jobs = plan.group([run for _, run in store.planned()], 1)
    with pytest.raises(IncompleteData, match=r"workers in a row died before they began \(exit code 1\): 0 of 3 runs are done and kept"):
        launchers.launch(jobs, store, LOCAL | {"attempts": 1}, worker="tests.benchmarks.no_such_module")


# --- the store


def test_a_full_disk_ends_the_study_in_one_line_and_the_same_command_goes_on(tmp_path, monkeypatch):
    asked = plan.pinned(study.adhoc(["q_learning"], ["FrozenLake-v1"], seeds=3, steps=400, overrides=TABULAR))
    store = Store(tmp_path / "lake")
    left = [1]  # of runs that still fit

    def sync(paths):
        left[0] -= 1
        if left[0] < 0:
            record = next(path for path in paths if path.name == "run.json")
            record.write_text(record.read_text()[:100])
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stores, "make_durable", sync)
        with pytest.raises(IncompleteData, match=r"No space left on device: .* takes no more results; 1 of 3 runs are done and kept"):
            carry_out.carry_out(asked, store)
    assert store.runs()["status"].tolist().count("finished") == 1
    work = carry_out.carry_out(asked, store)
    assert len(work.todo) == 2
    assert store.runs()["status"].tolist() == ["finished"] * 3
    assert sorted(path.name for path in store.runs_path.glob("[!.]*")) == sorted(run.id for _, run in store.planned())


def test_runs_that_another_command_has_made_meanwhile_are_not_made_again(tmp_path):
    """Two commands plan one study; the second waits, and finds the work done."""
    asked = plan.pinned(study.adhoc(["q_learning"], ["FrozenLake-v1"], seeds=2, steps=400, overrides=TABULAR))
    store = Store(tmp_path)

    class Meanwhile(carry_out.Reporter):
        def planned(self, work, store):
            assert len(work.todo) == 2
            carry_out.carry_out(asked, Store(tmp_path))

    carry_out.carry_out(asked, store, reporter=Meanwhile())
    assert len({path.stat().st_mtime_ns for path in store.runs_path.glob("*/run.json")}) == 2
    trained = carry_out._still(carry_out.Work(asked, {}, [run for _, run in store.planned()], [], 1), store, carry_out.UNFINISHED)
    assert trained.todo == [] and trained.jobs == []


@pytest.mark.parametrize("step", [-86400 * 365, 86400 * 365])
def test_a_clock_that_is_set_moves_no_process_and_ends_no_run(store, monkeypatch, step):
    """Limits and signs of life are counted by a clock that nobody sets, and so is when a process began."""
    run = store.planned()[0][1]
    store.begin(run)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step)
    monkeypatch.setattr(psutil, "boot_time", lambda: psutil.BOOT_TIME + step if hasattr(psutil, "BOOT_TIME") else step)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 1.0)
    assert store.status(run)[0] == "running"
    assert store.sweep() == 0
    progress = _launch(store, limit_minutes=1, heartbeat_seconds=30)
    assert progress.failed_runs == 0 and _rows(store)["status"].tolist() == ["finished"] * 3


def test_a_run_that_another_machine_is_making_is_running_until_who_has_the_store_sweeps(store):
    run = store.planned()[0][1]
    directory = store.begin(run)
    directory.rename(directory.with_name(directory.name.replace(stores._this_machine(), "0a1b2c3d")))
    assert store.status(run)[0] == "running"
    assert store.sweep() == 1
    assert store.status(run)[0] == "missing"


# --- kills at random moments

DRIVER = """
import sys
from benchmarks.running import launchers
from benchmarks.store.store import Store
from benchmarks.studies import plan
if __name__ == "__main__":
    store = Store(sys.argv[1])
    with store.lock():
        todo = [run for run, state, _ in store.states([run for _, run in store.planned()]) if state != "finished"]
        launchers.launch(plan.group(todo, 2, 1), store, {"name": "local", "jobs": 2, "attempts": int(sys.argv[2])}, worker="tests.benchmarks.accidents")
        store.sweep()
"""


def _driver(store, tmp_path, attempts):
    (tmp_path / "driver.py").write_text(DRIVER)
    return subprocess.Popen([sys.executable, str(tmp_path / "driver.py"), str(store.path), str(attempts)], env={**os.environ, "PYTHONPATH": os.getcwd()})


def _is_whole(store, n):
    """Every planned run once, each with all of its rows, and nothing else."""
    runs = store.runs()
    assert runs["status"].tolist() == ["finished"] * n
    assert sorted(path.name for path in store.runs_path.iterdir()) == sorted(runs["run_id"])
    curves, points = store.curves(), len(store.planned()[0][1].checkpoints)
    assert len(curves) == n * points and (curves["score"] == curves["seed"] % 7).all()
    assert not curves.duplicated(["algo", "env", "seed", "step"]).any()


def _wait_for_more(driver, store, done, seconds=60):
    """Until a run more is there than before."""
    deadline = time.monotonic() + seconds
    while driver.poll() is None and len(list(store.runs_path.glob("[!.]*"))) <= done and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.slow
def test_after_twenty_drivers_that_were_killed_at_random_moments_every_run_is_there_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_SECONDS", "0.05")
    n, moment = 150, random.Random(0)
    store = accidents.planned(tmp_path / "study", n, overrides=["protocol.eval_points=3", "protocol.eval_episodes=2"])
    done = 0
    for _ in range(20):
        driver = _driver(store, tmp_path, 3)
        _wait_for_more(driver, store, done)
        time.sleep(moment.uniform(0, 0.2))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        now = len(list(store.runs_path.glob("[!.]*")))
        assert now >= done, "what was there stays"
        done = now
    assert 20 <= done < n
    driver = _driver(store, tmp_path, 3)
    assert driver.wait(timeout=120) == 0
    _is_whole(store, n)


@pytest.mark.slow
def test_after_twenty_workers_that_were_killed_at_random_moments_every_run_is_there_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_SECONDS", "0.1")
    n, moment, kills = 150, random.Random(1), 0
    store = accidents.planned(tmp_path / "study", n, overrides=["protocol.eval_points=3", "protocol.eval_episodes=2"])
    driver = _driver(store, tmp_path, 50)
    while driver.poll() is None and kills < 20:
        time.sleep(moment.uniform(0, 0.3))
        workers = [child for child in psutil.Process(driver.pid).children() if "spawn_main" in " ".join(child.cmdline())]
        if workers and list(store.runs_path.glob("[!.]*")):
            moment.choice(workers).kill()
            kills += 1
    assert kills == 20 and driver.wait(timeout=120) == 0
    _is_whole(store, n)


@pytest.mark.slow
def test_a_disk_that_is_really_full_loses_nothing_that_was_on_it(tmp_path, monkeypatch):
    place = tmp_path / "small"
    place.mkdir()
    if shutil.which("mount") is None or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        store = accidents.planned(place / "study", 100)
        with pytest.raises(IncompleteData, match="takes no more results"):
            _launch(store, lockstep_seeds=1)
        assert 0 < store.runs()["status"].tolist().count("finished") < 100
        assert "corrupt" not in store.runs()["status"].tolist()
        subprocess.run(["mount", "-o", "remount,size=100m", place], check=True)
        store.sweep()
        _launch(store, lockstep_seeds=1)
        assert store.runs()["status"].tolist() == ["finished"] * 100
    finally:
        subprocess.run(["umount", place], check=True)
        assert not Path(place / "study").exists()
