"""sb3-course train --resume: a training that was killed ends as one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from from_scratch import registry
from sb3_course import cli
from sb3_course.commands.train import CHECKPOINT

QUIET = ["--verbose", "0", "--eval-episodes", "1"]
LAKE = ["train", "--algo", "q_learning", "--env", "FrozenLake-v1"]
KILLED = {  # an algorithm: its environment, steps, and what makes them short
    "ppo": ("CartPole-v1", 6000, ["n_envs:2", "n_steps:64", "batch_size:64", "n_epochs:4", "normalize:True", "learning_rate:lin_0.001"]),
    "dqn": ("CartPole-v1", 3000, ["learning_starts:200", "buffer_size:2000", "batch_size:32"]),
    "sac": ("Pendulum-v1", 1200, ["learning_starts:100", "buffer_size:1000", "batch_size:32", "policy_kwargs:dict(net_arch=[32])"]),
    "rainbow": ("CartPole-v1", 1200, ["learning_starts:200", "buffer_size:1000", "batch_size:32", "policy_kwargs:dict(net_arch=[32])"]),
    "recurrent_ppo": ("CartPole-v1", 2000, ["n_steps:64", "batch_size:64", "n_epochs:2", "policy_kwargs:dict(net_arch=[16],lstm_hidden_size=16)"]),
    "q_learning": ("FrozenLake-v1", 20000, []),
}


def words(algo, folder, every):
    env, steps, settings = KILLED[algo]
    given = ["-params", *settings] if settings else []
    return ["train", "--algo", algo, "--env", env, "-n", str(steps), "--eval-freq", str(steps // 4), *QUIET, "-f", str(folder), *given, *every]


def place(folder, algo):
    return Path(folder) / algo / f"{KILLED[algo][0]}_1"


def weights(folder, algo):
    model = registry.load(algo).load(place(folder, algo) / f"{KILLED[algo][0]}.zip", device="cpu")
    return {name: value.numpy() for name, value in model.policy.state_dict().items()}


@pytest.mark.slow
@pytest.mark.numerical
@pytest.mark.parametrize("algo", KILLED)
def test_a_training_that_is_killed_at_random_moments_ends_as_one_that_was_never_stopped(algo, tmp_path):
    """Each process is killed at some moment behind the next checkpoint; the last one may finish."""
    assert cli.main(words(algo, tmp_path / "whole", [])) == 0
    chance, kills, more = random.Random(algo), 0, ["--checkpoint-freq", str(KILLED[algo][1] // 10)]
    command = [sys.executable, "-m", "sb3_course.cli"]
    checkpoint = place(tmp_path / "killed", algo) / CHECKPOINT
    for _ in range(20):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = subprocess.Popen([*command, *words(algo, tmp_path / "killed", more), "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and kills < 3:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
                time.sleep(chance.uniform(0, 0.3))
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
                assert not checkpoint.exists() or zipfile.ZipFile(checkpoint).testzip() is None
        if process.wait() == 0:
            break
    assert kills >= 1 and process.returncode == 0
    whole, killed = weights(tmp_path / "whole", algo), weights(tmp_path / "killed", algo)
    assert whole.keys() == killed.keys() and all(np.array_equal(whole[name], killed[name]) for name in whole)
    one, other = (np.load(place(tmp_path / name, algo) / "evaluations.npz") for name in ("whole", "killed"))
    assert all(np.array_equal(one[name], other[name]) for name in ("timesteps", "results", "ep_lengths"))


def interrupted(folder, monkeypatch, *more):
    """A training that Ctrl-C broke off behind its checkpoint at step 400."""
    from stable_baselines3.common.callbacks import BaseCallback

    def stop(self):
        if self.model.num_timesteps == 500 and type(self).__name__ == "ExactCheckpointCallback":
            raise KeyboardInterrupt
        return on_step(self)

    on_step = BaseCallback.on_step
    with monkeypatch.context() as patch:
        patch.setattr(BaseCallback, "on_step", stop)
        assert cli.main([*LAKE, "-n", "800", "--checkpoint-freq", "400", "--eval-freq", "0", *QUIET, "-f", str(folder), *more]) == 0


def test_the_training_that_was_interrupted_is_finished_in_its_folder_and_its_checkpoint_goes(tmp_path, monkeypatch, capsys):
    interrupted(tmp_path, monkeypatch)
    folder = tmp_path / "q_learning" / "FrozenLake-v1_1"
    assert (folder / CHECKPOINT).exists()
    assert cli.main([*LAKE, "--resume", *QUIET[:2], "-f", str(tmp_path)]) == 0
    assert "Going on from step 400 of 800" in capsys.readouterr().out
    assert not (folder / CHECKPOINT).exists() and registry.load("q_learning").load(folder / "FrozenLake-v1.zip").num_timesteps == 800
    assert [path.name for path in folder.parent.iterdir()] == ["FrozenLake-v1_1"]
    assert cli.main([*LAKE, "--resume", "-f", str(tmp_path)]) == 0
    assert "Nothing to resume" in capsys.readouterr().out


def test_the_same_words_with_resume_begin_where_nothing_was_begun(tmp_path, capsys):
    assert cli.main([*LAKE, "-n", "100", "--resume", "--checkpoint-freq", "50", "--eval-freq", "0", *QUIET, "-f", str(tmp_path)]) == 0
    assert "after 100 steps" in capsys.readouterr().out


def test_a_training_that_was_killed_before_its_first_checkpoint_begins_again_by_its_own_settings(tmp_path, monkeypatch, capsys):
    interrupted(tmp_path, monkeypatch, "--seed", "7")
    folder = tmp_path / "q_learning" / "FrozenLake-v1_1"
    os.remove(folder / CHECKPOINT), os.remove(folder / "FrozenLake-v1.zip")
    assert cli.main([*LAKE, "--resume", *QUIET[:2], "-f", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "No checkpoint in" in said and "seed 7: return" in said and "after 800 steps" in said


def test_other_settings_than_those_it_was_begun_with_are_refused(tmp_path, monkeypatch, capsys):
    interrupted(tmp_path, monkeypatch)
    assert cli.main([*LAKE, "--resume", "-n", "900", "-f", str(tmp_path)]) != 0
    assert "--n-timesteps 900: the training in" in capsys.readouterr().err


def test_sb3_s_own_classes_cannot(tmp_path, capsys):
    assert cli.main(["train", "--algo", "sb3/ppo", "--env", "CartPole-v1", "--checkpoint-freq", "10", "-f", str(tmp_path)]) != 0
    assert "sb3/ppo is Stable-Baselines3's, which cannot go on exactly" in capsys.readouterr().err


def test_a_training_that_is_not_there_is_refused(tmp_path, capsys):
    assert cli.main([*LAKE, "--resume", "--exp-id", "4", "-f", str(tmp_path)]) != 0
    assert "--exp-id 4: there is no training in" in capsys.readouterr().err
