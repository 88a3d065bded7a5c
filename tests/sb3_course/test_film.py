"""`enjoy` films what a model does, without a display; on grids its pictures show values and arrows."""

import importlib.util
import sys
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

from from_scratch import QLearning, RecurrentPPO
from from_scratch.core.tabular import grids
from from_scratch.envs import GridWorld
from sb3_course import cli, film


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def enjoy(algo, env, *more):
    return cli.main(["enjoy", "--algo", algo, "--env", env, *more])


def trained(algo, env, n=2000):
    assert cli.main(["train", "--algo", algo, "--env", env, "-n", str(n), "--verbose", "0", "--eval-freq", "0"]) == 0


def test_a_gif_shows_the_first_episode_from_its_first_state_to_its_last(capsys):
    trained("value_iteration", "CliffWalking-v1")
    assert enjoy("value_iteration", "CliffWalking-v1", "--gif", "walk") == 0
    out = capsys.readouterr().out
    assert "→→→→→→→→→→→↓\n↑CCCCCCCCCCG\n" in out  # tables are printed, too
    assert "walk.gif: 14 frames" in out
    with Image.open("walk.gif") as picture:
        assert (picture.format, picture.n_frames, picture.info["loop"]) == ("GIF", 14, 0)
        assert picture.info["duration"] == 250  # 4 frames a second, as the environment says


def test_a_number_of_steps_is_filmed_through_the_ends_of_episodes(capsys):
    trained("value_iteration", "CliffWalking-v1")
    assert enjoy("value_iteration", "CliffWalking-v1", "--gif", "walk.gif", "-n", "20") == 0
    assert "walk.gif: 22 frames" in capsys.readouterr().out  # 20 steps and two beginnings


def test_a_network_is_filmed_too_and_no_table_is_printed(capsys):
    trained("dqn", "CartPole-v1", 200)
    capsys.readouterr()
    assert enjoy("dqn", "CartPole-v1", "--gif", "pole.gif", "-n", "3") == 0
    assert capsys.readouterr().out.startswith("pole.gif: 4 frames")


def test_a_network_that_remembers_is_handed_back_its_state_and_told_where_an_episode_starts(monkeypatch):
    trained("recurrent_ppo", "CartPole-v1", 200)
    told, predict = [], RecurrentPPO.predict

    def noted(model, obs, state=None, episode_start=None, deterministic=False):
        told.append((state, episode_start, returned := predict(model, obs, state, episode_start, deterministic)))
        return returned

    monkeypatch.setattr(RecurrentPPO, "predict", noted)
    assert enjoy("recurrent_ppo", "CartPole-v1", "--no-render", "-n", "40") == 0
    assert told[0][0] is None
    assert all(state is before[2][1] for before, (state, *_) in pairwise(told))
    assert 0 < sum(bool(start[0]) for _, start, _ in told[1:]) < 8  # a beginner's episodes


def test_what_cannot_be_filmed_says_why_in_one_line(capsys):
    trained("value_iteration", "CliffWalking-v1")
    trained("epsilon_greedy_bandit", "from_scratch/KArmedTestbed-v0", 100)
    capsys.readouterr()
    no_display = "no display to show the environment on: add --gif FILE to film it, or --no-render to print the returns only"
    no_pictures = "from_scratch/KArmedTestbed-v0 draws no pictures (its render_modes are none): add --no-render to print the returns only"
    asked = [
        (["value_iteration", "CliffWalking-v1"], no_display),
        (["value_iteration", "CliffWalking-v1", "--gif", "nowhere/walk.gif"], "nowhere/walk.gif: there is no folder nowhere"),
        (["epsilon_greedy_bandit", "from_scratch/KArmedTestbed-v0", "--gif", "arms.gif"], no_pictures),
    ]
    for words, line in asked:
        assert enjoy(*words) == 2
        assert capsys.readouterr().err.strip().endswith(line)


def test_a_video_without_moviepy_is_refused_before_anything_is_played(capsys, monkeypatch):
    trained("value_iteration", "CliffWalking-v1")
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "moviepy" else known(name, *more))
    capsys.readouterr()
    assert enjoy("value_iteration", "CliffWalking-v1", "--mp4", "walk.mp4") == 2
    assert capsys.readouterr() == ("", '--mp4 needs moviepy: pip install "sb3-course[video]" (--gif needs nothing more)\n')


@pytest.mark.skipif(importlib.util.find_spec("moviepy") is None, reason="needs the extra `video`")
def test_a_video_is_written(capsys):
    trained("value_iteration", "CliffWalking-v1")
    assert enjoy("value_iteration", "CliffWalking-v1", "--mp4", "walk.mp4") == 0
    with open("walk.mp4", "rb") as file:
        assert file.read(12)[4:8] == b"ftyp"


# ---------------------------------------------------------------------------------------------------------------- what is drawn
def cell(picture, row, column, side=32):
    return picture[row * side : (row + 1) * side, column * side : (column + 1) * side]


def test_an_arrow_points_where_the_best_action_goes_and_only_where_something_was_learnt():
    env = film.Drawn(GridWorld(desc=["S..G"], render_mode="rgb_array"))
    plain = env.reset() and env.render()
    model = env.model = QLearning("TabularPolicy", GridWorld(desc=["S..G"]), seed=0)
    model.Q[0, 1] = [0.0, 0.0, 0.5, 0.0]  # left
    model.Q[0, 2] = [0.0, 0.5, 0.0, 0.0]  # down
    drawn = env.render()
    for unchanged in (0, 3):
        assert (cell(drawn, 0, unchanged) == cell(plain, 0, unchanged)).all()
    left, down = ((cell(drawn, 0, column) == film.ARROW).all(-1) for column in (1, 2))
    assert left.sum() > 20 and down.sum() > 20
    columns, rows = left.any(0).nonzero()[0], down.any(1).nonzero()[0]
    assert left[:, columns[0]].sum() < left[:, columns[-2]].sum()  # its tip is on the left …
    assert down[rows[-1]].sum() < down[rows[1]].sum()  # … and here below


def test_numbers_are_drawn_where_a_cell_has_room_for_them():
    grid = grids.grid_of(GridWorld(desc=["S.G"]))
    for side, has_numbers in ((32, True), (12, False)):
        white = np.full((side, 3 * side, 3), 200, np.uint8)
        drawn = film.drawn(white, grid, np.array([0.5, 0.7, 0.0]), np.ones(3, bool), np.full(3, -1))
        assert (drawn != white).any() == has_numbers
        assert (drawn[:, 2 * side :] == 200).all()  # nobody acts in G


def test_other_pictures_are_left_alone():
    env = film.Drawn(gym.make("CartPole-v1", render_mode="rgb_array"))
    env.reset(seed=0)
    assert (env.render() == env.env.render()).all() and not env.frames
