"""Timing seeds on a GPU, tried on the CPU: how fast anything is, is not asserted."""

import json

import pytest
import torch

from benchmarks import UserError
from benchmarks.speed import gpu

TINY = gpu.Case("ppo", "CartPole-v1", warm_up=16, turn=16, hyperparameters={"n_steps": 16, "batch_size": 8, "n_epochs": 1})
ROW = {"side": "SB3", "device": "cuda", "seeds": 1, "steps": [40, 40], "seconds": [1, 2], "per_seed": 30.0, "total": 30.0}
DOCUMENT = {
    "device": "cuda", "rounds": 2, "gpu": {"name": "Card", "memory_gb": 80, "cuda": "13.0"},
    "machine": {"cpu": "Chip", "cores": 2, "python": "3.12", "packages": {"torch": "2.11", "mujoco": None}},
    "cases": {"ppo-cartpole": {"algorithm": "ppo", "environment": "CartPole-v1", "hyperparameters": {}, "rows": [
        ROW, {**ROW, "side": "ours", "seeds": 10, "total": 300.0}, {**ROW, "side": "ours", "seeds": 100, "seconds": [], "stopped": "the time was over"},
        {**ROW, "side": "ours", "device": "cpu", "error": "Traceback\nValueError: no\n"},
    ]}},
}  # fmt: skip


def told(monkeypatch, tmp_path, **more):
    monkeypatch.setattr(gpu, "CASES", {"tiny": TINY})
    monkeypatch.setattr(gpu, "SECONDS", 0.001)
    file = tmp_path / "gpu.json"
    gpu.run(["--device", "cpu", "--seeds", "1,2", "--rounds", "2", "--out", str(file), *(f"--{name}={value}" for name, value in more.items())])
    return json.loads(file.read_text())["cases"]["tiny"]["rows"]


def test_every_side_is_timed_in_every_round(monkeypatch, tmp_path):
    rows = told(monkeypatch, tmp_path)
    assert [(row["side"], row["seeds"]) for row in rows] == [("SB3", 1), ("ours", 1), ("ours", 2), ("ours", 10)]
    for row in rows:
        assert len(row["seconds"]) == len(row["steps"]) == 2
        assert row["total"] == row["seeds"] * row["per_seed"]


def test_what_raises_is_a_row_with_its_traceback_and_the_others_go_on(monkeypatch, tmp_path):
    def fails(side, case):
        if side.name == "SB3":
            raise RuntimeError("out of memory")
        return model(side, case)

    model = gpu.Side.model
    monkeypatch.setattr(gpu.Side, "model", fails)
    broken, *others = told(monkeypatch, tmp_path)
    assert "Traceback" in broken["error"] and "RuntimeError: out of memory" in broken["error"]
    assert all(len(row["seconds"]) == 2 for row in others)


def test_when_the_time_is_over_the_rest_is_not_timed(monkeypatch, tmp_path):
    assert [row["stopped"] for row in told(monkeypatch, tmp_path, minutes=0)] == ["the time was over"] * 4


def test_the_table_names_the_card_and_says_what_is_missing():
    page = gpu.markdown(DOCUMENT)
    assert "Measured on Card (80 GiB, CUDA 13.0)" in page and "torch 2.11" in page
    assert "| `ppo-cartpole` | 30 | 30 (300) | not timed (the time was over) | failed: ValueError: no |" in page


def test_without_measurements_the_page_says_so():
    assert gpu.markdown(None) in gpu.PAGE.read_text(encoding="utf-8") or "<!-- gpu: begin -->\nMeasured on" in gpu.PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_is_said_that_torch_sees_none():
    with pytest.raises(UserError, match=r"--device cuda: torch .* sees no GPU here"):
        gpu.run([])
