"""Studies on a real Ray cluster: a head without processors and two nodes with one each, on this machine."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks import UserError
from benchmarks.running import launchers
from benchmarks.store.store import Store
from benchmarks.studies import plan, study
from tests.benchmarks import accidents

DRIVER = """
import sys
from benchmarks.running import launchers
from benchmarks.store.store import Store
from benchmarks.studies import plan
store, address, worker = Store(sys.argv[1]), sys.argv[2], sys.argv[3]
with store.lock():
    todo = [run for run, state, _ in store.states([run for _, run in store.planned()]) if state != "finished"]
    launchers.launch(plan.group(todo, 2, 1), store, {"name": "ray", "address": address}, lambda now: print(now.note, flush=True) if now.note else None, worker)
    store.sweep()
"""
TABULAR = ["protocol.eval_points=2", "protocol.eval_episodes=2"]


@pytest.fixture
def cluster(monkeypatch):
    """What it starts, it ends, by its own list of processes."""
    utils = pytest.importorskip("ray.cluster_utils")
    monkeypatch.setenv("RUN_SECONDS", "0.3")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


def _driver(tmp_path, store, cluster, worker="tests.benchmarks.accidents"):
    (tmp_path / "driver.py").write_text(DRIVER)
    words = [sys.executable, str(tmp_path / "driver.py"), str(store.path), cluster.address, worker]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finished(store):
    return {path.parent.name: path.stat().st_mtime_ns for path in store.runs_path.glob("[!.]*/run.json")}


def _wait(driver, reached, seconds=300):
    deadline = time.monotonic() + seconds
    while not reached():
        assert driver.poll() is None and time.monotonic() < deadline, driver.communicate()[0]
        time.sleep(0.02)


def _ends_well(driver, store, n):
    words, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0, words
    assert store.runs()["status"].tolist() == ["finished"] * n
    assert sorted(path.name for path in store.runs_path.iterdir()) == sorted(store.runs()["run_id"])
    return words


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_cluster_writes_the_same_runs_as_this_process(cluster, tmp_path):
    hashes = []
    for name in ("inprocess", "ray"):
        store = Store(tmp_path / name)
        store.save_study(plan.pinned(study.adhoc(["q_learning", "sarsa"], ["FrozenLake-v1"], seeds=3, steps=1000, overrides=TABULAR)))
        if name == "ray":
            _ends_well(_driver(tmp_path, store, cluster, "benchmarks.running.worker"), store, 6)
        else:
            launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": name})
        hashes.append(store.runs()["weights_hash_end"].tolist())
    assert hashes[0] == hashes[1] and len(set(hashes[0])) == 6 and None not in hashes[0]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_run_of_a_worker_that_is_killed_is_tried_again(cluster, tmp_path):
    store = accidents.planned(tmp_path / "study", seeds=12)
    driver = _driver(tmp_path, store, cluster)
    _wait(driver, lambda: len(_finished(store)) >= 2 and list(store.runs_path.glob(".tmp-*")))
    for making in store.runs_path.glob(".tmp-*"):
        psutil.Process(int(making.name.split("-")[2])).kill()
    words = _ends_well(driver, store, 12)
    assert "worker died (its process is gone, likely out of memory) on run ppo-CartPole-v1-s" in words and "attempt 1 of 3" in words


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_study_goes_on_without_a_node_that_is_killed(cluster, tmp_path):
    store = accidents.planned(tmp_path / "study", seeds=16)
    driver = _driver(tmp_path, store, cluster)
    _wait(driver, lambda: len(_finished(store)) >= 3)
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    before = _finished(store)
    _ends_well(driver, store, 16)
    assert _finished(store).items() >= before.items(), "what had finished is not made again"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_after_the_head_was_killed_the_same_command_makes_only_what_is_missing(cluster, tmp_path):
    store = accidents.planned(tmp_path / "study", seeds=16)
    driver = _driver(tmp_path, store, cluster)
    _wait(driver, lambda: len(_finished(store)) >= 3)
    cluster.remove_node(cluster.head_node, allow_graceful=False)
    driver.communicate(timeout=400)
    assert driver.returncode != 0
    cluster.shutdown()
    before = _finished(store)
    assert 3 <= len(before) < 16
    own = pytest.importorskip("ray.cluster_utils").Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        _ends_well(_driver(tmp_path, store, own), store, 16)
    finally:
        own.shutdown()
    assert _finished(store).items() >= before.items()


def test_who_asks_for_ray_without_having_it_is_told_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r'pip install "sb3-course\[ray\]"'):
        launchers.capacity({"name": "ray"})
