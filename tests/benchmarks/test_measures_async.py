"""Idle cores: what stands in /proc/stat, and that nothing of training is touched."""

import pytest
import torch

from benchmarks.measures import idle_cores
from benchmarks.measures.idle_cores import IdleCores, idle
from from_scratch import A2C


class Job:
    runs = (None,)


def test_a_core_is_idle_for_the_share_of_ticks_in_which_it_did_nothing_or_waited_for_a_disk():
    # user, nice, system, idle, iowait, irq, softirq, steal: of 200 ticks of two cores 50 are work, 130 nothing, 20 waiting
    assert idle("cpu 0 0 0 0 0 0 0 0 0 0", "cpu 40 0 10 130 20 0 0 0 0 0", cores=2) == 2 * 150 / 200


def test_it_watches_before_training_and_changes_nothing(monkeypatch, tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu 0 0 0 0 0 0 0 0 0 0\nmore\n")
    monkeypatch.setattr(idle_cores, "TIMES", stat)
    monkeypatch.setattr(idle_cores.time, "sleep", lambda seconds: stat.write_text("cpu 25 0 0 75 0 0 0 0 0 0\nmore\n"))
    monkeypatch.setattr(idle_cores.os, "cpu_count", lambda: 4)
    measure = IdleCores(Job)
    with_it, without = (A2C("MlpPolicy", "CartPole-v1", seeds=[0], device="cpu").learn(50, callback=callback) for callback in (measure, None))
    assert measure.values() == [{"idle_cores": 3.0}]
    assert all(map(torch.equal, with_it.policy.parameters(), without.policy.parameters()))


def test_where_nobody_tells_no_core_counts_as_idle(monkeypatch, tmp_path):
    monkeypatch.setattr(idle_cores, "TIMES", tmp_path / "none")
    measure = IdleCores(Job)
    A2C("MlpPolicy", "CartPole-v1", seeds=[0], device="cpu").learn(5, callback=measure)
    assert measure.values() == [{"idle_cores": pytest.approx(0)}]
