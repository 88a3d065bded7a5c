"""`enjoy --study`: a run of a study is played, the median one or that of a seed, whether the study is folders, packed, or an archive."""

import os
import sys

import pytest

from benchmarks.reproduction import publish
from benchmarks.store.store import Store
from sb3_course import cli

WALK = ["--algo", "q_learning", "--env", "CliffWalking-v1"]
SMALL = ["protocol.eval_points=1", "protocol.eval_episodes=1", "statistics.reps=100"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three seeds of Q-learning, trained for a moment: a study of folders."""
    folder = tmp_path_factory.mktemp("studies") / "walks"
    before = os.getcwd()
    os.chdir(folder.parent)
    try:
        words = ["compare", "--algos", "q_learning", "--envs", "CliffWalking-v1", "--seeds", "3", "-n", "3000", "--launcher", "inprocess"]
        assert cli.main([*words, "--out", "walks", *SMALL]) == 0
    finally:
        os.chdir(before)
    return folder


def enjoy(capsys, study, *more, walk=WALK):
    capsys.readouterr()
    code = cli.main(["enjoy", *walk, "--study", str(study), "--no-render", "-n", "200", *more])
    said = capsys.readouterr()
    return code, said.out + said.err


def scores(study):
    curves = Store(study).curves()
    return {seed: float(rows.sort_values("step")["score"].iloc[-1]) for seed, rows in curves.groupby("seed")}


def test_the_median_run_is_played_by_its_final_score(capsys, study):
    code, said = enjoy(capsys, study)
    seed = sorted(scores(study), key=scores(study).get)[1]
    assert code == 0 and f"seed {seed}, the median of 3 runs, final score {scores(study)[seed]:.2f}" in said.splitlines()[0], said


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_seed_s_run_plays_what_was_scored(capsys, study, seed):
    code, said = enjoy(capsys, study, "--run-seed", str(seed))
    assert code == 0 and f"seed {seed}, final score {scores(study)[seed]:.2f}" in said, said
    assert f"return {scores(study)[seed]:.2f}" in said.splitlines()[-1]  # CliffWalking has one beginning, and no chance


def test_a_packed_study_and_an_archive_play_as_the_folders_do(capsys, study, tmp_path):
    publish.packed_copy(Store(study), tmp_path / "packed", {Store(study).planned()[1][1].id})
    assert cli.main(["archive", str(study), str(tmp_path / "walks.tar.gz")]) == 0
    _, of_folders = enjoy(capsys, study, "--run-seed", "1")
    for other in ("packed", "walks.tar.gz"):
        code, said = enjoy(capsys, tmp_path / other, "--run-seed", "1")
        assert code == 0 and said.splitlines()[1:] == of_folders.splitlines()[1:], said  # but for the study's name
    code, said = enjoy(capsys, tmp_path / "packed", "--run-seed", "0")
    assert code == 2 and "none of q_learning on CliffWalking-v1 with seed 0" in said


@pytest.mark.parametrize(
    ("more", "walk", "line"),
    [
        (["--run-seed", "7"], WALK, "--run-seed 7: q_learning has the seeds 0, 1, 2 in "),
        ([], ["--algo", "sarsa", "--env", "CliffWalking-v1"], " has no runs of sarsa on CliffWalking-v1: it has --algo q_learning --env CliffWalking-v1"),
        (["--load-best"], WALK, "--load-best: a study keeps the last model of a run, not the best"),
        (["--load-checkpoint", "5"], WALK, "--load-checkpoint: a study keeps the last model of a run, not those on the way"),
    ],
    ids=["seed", "algorithm", "best", "checkpoint"],
)
def test_what_the_study_does_not_have_is_one_line(capsys, study, more, walk, line):
    code, said = enjoy(capsys, study, *more, walk=walk)
    assert code == 2 and line in said and said.count("\n") == 1


def test_a_wrapper_that_is_not_known_here_asks_for_trust_and_is_not_imported(capsys, study, monkeypatch):
    planned = Store(study).planned()
    for _, run in planned:
        assert run.hash  # kept, whatever becomes of the rest
        object.__setattr__(run, "hyperparams", {**run.hyperparams, "env_wrapper": "antigravity.Wrapper"})
    monkeypatch.setattr(Store, "planned", lambda store: planned)
    code, said = enjoy(capsys, study)
    assert code == 2 and "antigravity.Wrapper" in said and "--trust" in said and "antigravity" not in sys.modules


def test_a_study_s_seed_without_a_study_is_one_line(capsys):
    assert cli.main(["enjoy", *WALK, "--run-seed", "1"]) == 2
    assert capsys.readouterr().err == "--run-seed 1 is of a study: name it, as in --study quickstart\n"
