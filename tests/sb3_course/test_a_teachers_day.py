"""A teacher's day: look into a loss, show what was learnt as maps and as a film, change a textbook's figure, and mistype now and then.

Everything happens on a machine without a display. What each step does in every case is asked in test_eager.py, test_grids.py, test_film.py,
test_textbook_changes.py and test_meant.py; here they are used one after another, as in a lesson.
"""

import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import from_scratch
from from_scratch.core.lockstep import per_seed
from from_scratch.envs import GridWorld
from sb3_course import cli


class Shown(from_scratch.PPO):
    """PPO, with all that one puts into a loss to see what happens."""

    def build(self):
        super().build()
        self.updates_seen = 0

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        self.updates_seen += 1
        print("loss", [round(x, 3) for x in loss.tolist()])
        if self.updates_seen == 3:
            breakpoint()
        return loss, metrics


@pytest.fixture(autouse=True)
def lecture_hall(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_she_looks_into_a_loss_shows_maps_and_a_film_redraws_a_figure_and_is_told_what_she_meant(monkeypatch, capsys):
    # Two seeds of PPO, step by step: the print and the counter work at every update, and the debugger stops at the third, with tensors in its hands.
    stopped = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stopped.append(dict(sys._getframe(1).f_locals)))
    with from_scratch.eager():
        model = Shown("MlpPolicy", "CartPole-v1", seeds=2, n_steps=32, batch_size=16, n_epochs=2, device="cpu").learn(32)
    printed = capsys.readouterr().out.splitlines()
    assert model.updates_seen == len(printed) == 2 * 2  # epochs and minibatches; both seeds at once
    (seen,) = stopped
    assert isinstance(seen["loss"], torch.Tensor) and seen["b"].obs.shape == (2, 16, 4)
    assert printed[2] == f"loss {[round(x, 3) for x in seen['loss'].tolist()]}"

    # What a table has learnt is shown as the grid that it was learnt on.
    model = from_scratch.QLearning("TabularPolicy", lambda: GridWorld(desc=["S..G"]), learning_rate=1.0, gamma=0.5, seed=0).learn(200)
    assert model.values_grid().split() == ["0.25", "0.50", "1.00", "G"]  # γ² γ 1
    assert model.arrows() == "→→→G"

    # The same from the command line, as a film: Q-learning walks along the edge of the cliff.
    walk = ["--algo", "q_learning", "--env", "CliffWalking-v1"]
    assert cli.main(["train", *walk, "-n", "6000", "-params", "learning_rate:0.5", "--eval-freq", "0", "--verbose", "0"]) == 0
    capsys.readouterr()
    assert cli.main(["enjoy", *walk, "--gif", "cliff.gif"]) == 0
    said = capsys.readouterr().out
    assert "-12.25       C " in said and "\n→→→→→→→→→→→↓\n↑CCCCCCCCCCG\n" in said  # −(1 − 0.99¹³) / 0.01
    assert "episode 1: return -13.00, 13 steps" in said
    with Image.open("cliff.gif") as film:
        assert (film.format, film.n_frames) == ("GIF", 14)

    # A figure of the textbook with another step size, over as many runs as a lesson has time for.
    assert cli.main(["figure", "6.5", "--set", "alpha=0.2", "--runs", "2", "--jobs", "1", "--out", "book"]) == 0
    record = json.loads(Path("book/changed/6.5.json").read_text())
    assert record["changed"] == "alpha=0.2, 2 runs" and Path("book/changed/6.5.png").is_file()

    # She writes what the textbook writes, and each time is told what it is called here.
    for made, meant in (
        (lambda: from_scratch.QLearning("TabularPolicy", "FrozenLake-v1", alpha=0.5), "'learning_rate'"),
        (lambda: from_scratch.QLearning("TabularPolicy", "FrozenLake-v1", epsilon=0.1), "'exploration_initial_eps' and 'exploration_final_eps'"),
        (lambda: from_scratch.PPO("MlpPolicy", "CartPole-v1", lam=0.9), "'gae_lambda'"),
    ):
        with pytest.raises(TypeError, match=rf"Did you mean {meant}\?$"):
            made()
    with pytest.raises(ValueError, match='QLearning learns tables, which need "TabularPolicy"'):
        from_scratch.QLearning("MlpPolicy", "FrozenLake-v1")
    with pytest.raises(ValueError, match=r"^gamma=1\.5: give a number from 0 to 1\.$"):
        from_scratch.QLearning("TabularPolicy", "FrozenLake-v1", gamma=1.5)
