"""`sb3-course export`, `enjoy --exported` and `control`, as a user types them."""

import json

import numpy as np
import pytest
from gymnasium import spaces

from benchmarks import UserError
from sb3_course.cli import main
from sb3_course.commands.control import World
from sb3_course.commands.enjoy import policy_in


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two small trainings: a table, and a network with its normalisation."""
    folder = tmp_path_factory.mktemp("logs")
    given = ["--verbose", "0", "--eval-freq", "0", "--eval-episodes", "1", "-f", str(folder)]
    assert main(["train", "--algo", "q_learning", "--env", "FrozenLake-v1", "-n", "50", *given]) == 0
    settings = ["normalize:True", "n_steps:32", "batch_size:32", "n_envs:1", "policy_kwargs:dict(net_arch=[8])"]
    assert main(["train", "--algo", "ppo", "--env", "Pendulum-v1", "-n", "32", *given, "-params", *settings]) == 0
    return folder


@pytest.fixture(scope="module")
def pendulum(trained, tmp_path_factory):
    """The network as a file."""
    file = tmp_path_factory.mktemp("exported") / "pendulum.pt"
    assert main(["export", "--algo", "ppo", "--env", "Pendulum-v1", "-f", str(trained), "--n-observations", "20", "--out", str(file)]) == 0
    return file


def test_a_training_is_exported_with_its_normalisation_and_the_file_plays_as_the_model(trained, pendulum, capsys):
    play = ["--env", "Pendulum-v1", "-n", "200", "--no-render"]
    assert main(["enjoy", "--exported", str(pendulum), *play]) == 0
    of_file = capsys.readouterr().out
    assert main(["enjoy", "--algo", "ppo", "-f", str(trained), *play]) == 0
    assert capsys.readouterr().out == of_file and "1 episodes: mean return" in of_file


def test_it_says_what_was_compared_and_how_to_play_it(trained, tmp_path, capsys):
    file = tmp_path / "lake.pt"
    assert main(["export", "--algo", "q_learning", "--env", "FrozenLake-v1", "-f", str(trained), "--n-observations", "30", "--out", str(file)]) == 0
    said = capsys.readouterr().out
    assert "equal to the model on 30 observations played in FrozenLake-v1; largest difference 0" in said
    assert f"sb3-course enjoy --exported {file} --env FrozenLake-v1" in said


def test_a_model_s_file_is_exported_with_what_it_was_trained_with(trained, tmp_path, capsys):
    folder = trained / "ppo" / "Pendulum-v1_1"
    words = ["export", str(folder / "Pendulum-v1.zip"), "--algo", "sb3/ppo", "--vecnormalize", str(folder / "Pendulum-v1" / "vecnormalize.pkl")]
    assert main([*words, "--check-env", "Pendulum-v1", "--n-observations", "20", "--out", str(tmp_path / "a.pt")]) == 0
    assert "20 observations played in Pendulum-v1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["export"], 2, "--algo is missing"),
        (["export", "--algo", "ppo"], 2, "what is to be exported?"),
        (["export", "none.zip", "--algo", "ppo", "--out", "a.pt"], 2, "none.zip: there is no such file"),
        (["export", "--algo", "ppo", "--env", "Pendulum-v1", "--out", "a.zip"], 2, "--out a.zip: there are .onnx, .pt, .pt2"),
        (["export", "--algo", "ppo", "--env", "Pendulum-v1", "--out", "a.pt", "--format", "onnx"], 2, "--format onnx ends in .onnx"),
        (["export", "--algo", "ppo", "--env", "Pendulum-v1", "-f", "LOGS", "--load-last-checkpoint", "--out", "a.pt"], 2, "has no checkpoints"),
        (["export", "LOGS/q_learning/FrozenLake-v1_1/FrozenLake-v1.zip", "--algo", "dqn", "--out", "a.pt"], 4, "cannot be loaded as dqn"),
        (["export", "PENDULUM", "--algo", "sb3/ppo", "--out", "a.pt"], 4, "cannot be loaded as sb3/ppo"),
        (["enjoy", "--exported", "PENDULUM", "--env", "CartPole-v1", "--no-render"], 2, "is for another observation space than that of CartPole-v1"),
        (["enjoy", "--exported", "PENDULUM", "--algo", "ppo", "--env", "Pendulum-v1"], 2, "and not both"),
        (["enjoy", "--env", "Pendulum-v1"], 2, "--algo for a model, or --exported FILE"),
        (["enjoy", "--exported", "PENDULUM", "--env", "Pendulum-v1", "--no-render", "--stochastic"], 2, "holds the deterministic policy alone"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--rate", "0"], 2, "rate=0"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--rate", "inf"], 2, "rate=inf"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--seconds", "inf"], 2, "--seconds inf: above 0, and finite"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--spin", "-1"], 2, "--spin -1"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--json", "none/a.json"], 2, "there is no folder none"),
        (["control", "PENDULUM", "--env", "Pendulum-v1", "--safe", "7"], 2, "--safe 7"),
        (["control", "none.pt", "--env", "Pendulum-v1"], 2, "there is no such file"),
    ],
)
def test_a_mistake_is_one_line(words, code, says, trained, pendulum, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("PENDULUM", str(pendulum)).replace("LOGS", str(trained)) for word in words]
    capsys.readouterr()

    assert main(words) == code
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_control_loop_plays_it_and_reports(pendulum, tmp_path, capsys):
    """Nothing here depends on how fast it was: a rate at which one period is as long as the test."""
    report = tmp_path / "report.json"
    words = ["control", str(pendulum), "--env", "Pendulum-v1", "--rate", "1000", "--seconds", "0.02", "--most-misses", "1000", "--json", str(report)]
    assert main(words) == 0
    assert "20 periods at 1000 Hz, deadline 1 ms" in capsys.readouterr().out
    assert json.loads(report.read_text())["periods"] == 20


def test_a_control_loop_that_is_interrupted_before_its_first_period_leaves_a_report_that_json_knows(pendulum, tmp_path, monkeypatch):
    def interrupted(world):
        raise KeyboardInterrupt

    monkeypatch.setattr(World, "observe", interrupted)
    report = tmp_path / "report.json"
    assert main(["control", str(pendulum), "--env", "Pendulum-v1", "--rate", "10", "--seconds", "1", "--json", str(report)]) == 0
    found = json.loads(report.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found["stopped"] == "interrupted" and found["latency"]["p50"] is None


def test_a_policy_for_other_bounds_of_an_action_is_refused(pendulum):
    class Stronger:
        observation_space = spaces.Box(np.float32([-1, -1, -8]), np.float32([1, 1, 8]))
        action_space = spaces.Box(-3, 3, (1,), np.float32)

    told = r"another action space than that of Strong-v1: Box \(1,\) from -2.0 to 2.0, and Strong-v1 has Box \(1,\) from -3.0 to 3.0"
    with pytest.raises(UserError, match=told):
        policy_in(pendulum, "Strong-v1", Stronger())
