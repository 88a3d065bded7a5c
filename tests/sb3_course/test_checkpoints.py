"""What `sb3-course train` leaves beside its models, and that `enjoy` takes what belongs to the one it plays."""

import base64
import json
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from from_scratch.core.files import load_pickle
from sb3_course import cli


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    logs = tmp_path_factory.mktemp("trained")
    words = ["train", "--algo", "ppo", "--env", "CartPole-v1", "-n", "48", "--eval-freq", "16", "--eval-episodes", "1", "--save-freq", "16", "--verbose", "0"]
    assert cli.main([*words, "-f", str(logs), "--hyperparams", "n_steps:16", "batch_size:16", "n_envs:1", "normalize:True"]) == 0
    return logs


def test_every_model_has_its_own_statistics(trained):
    folder = trained / "ppo" / "CartPole-v1_1"
    counts = [load_pickle(folder / f"rl_model_vecnormalize_{n}_steps.pkl").obs_rms.count for n in (16, 32, 48)]
    assert len(set(counts)) == 3 and len(list(folder.glob("rl_model_*_steps.zip"))) == 3
    assert load_pickle(folder / "CartPole-v1" / "vecnormalize.pkl").obs_rms.count == counts[2]
    scores = np.load(folder / "evaluations.npz")["results"].mean(1)
    assert load_pickle(folder / "vecnormalize.pkl").obs_rms.count == counts[scores.argmax()]


def test_enjoy_plays_the_best_model_with_the_statistics_of_the_best(trained, tmp_path, capsys):
    logs = shutil.copytree(trained, tmp_path / "logs")
    words = ["enjoy", "--algo", "ppo", "--env", "CartPole-v1", "--no-render", "-n", "50", "-f", str(logs)]
    (logs / "ppo" / "CartPole-v1_1" / "vecnormalize.pkl").write_bytes(b"none")
    assert cli.main([*words, "--load-best"]) != 0 and "CartPole-v1_1/vecnormalize.pkl holds no statistics" in capsys.readouterr().err
    assert cli.main(words) == 0


def test_enjoy_plays_a_checkpoint_with_its_own_statistics(trained, tmp_path, capsys):
    logs = shutil.copytree(trained, tmp_path / "logs")
    words = ["enjoy", "--algo", "ppo", "--env", "CartPole-v1", "--no-render", "-n", "50", "-f", str(logs)]
    assert cli.main([*words, "--load-checkpoint", "32"]) == 0
    (logs / "ppo" / "CartPole-v1_1" / "rl_model_vecnormalize_48_steps.pkl").write_bytes(b"none")
    capsys.readouterr()
    assert cli.main([*words, "--load-last-checkpoint"]) != 0 and "rl_model_vecnormalize_48_steps.pkl holds no statistics" in capsys.readouterr().err
    assert cli.main([*words, "--load-checkpoint", "33"]) == 2
    assert "--load-checkpoint 33: there is none after so many steps" in (said := capsys.readouterr().err) and said.rstrip().endswith("it has 16, 32, 48")
    assert cli.main([*words, "--load-checkpoint", "32", "--load-best"]) == 2 and "give one of them" in capsys.readouterr().err


def test_memories_are_kept_if_asked(tmp_path):
    words = ["train", "--algo", "dqn", "--env", "CartPole-v1", "-n", "40", "--eval-freq", "20", "--eval-episodes", "1", "--save-freq", "20", "--verbose", "0"]
    words += ["-f", str(tmp_path), "--save-replay-buffer"]
    assert cli.main([*words, "--hyperparams", "learning_starts:8", "buffer_size:100", "batch_size:4", "train_freq:4"]) == 0
    found = {str(path.relative_to(tmp_path / "dqn" / "CartPole-v1_1")) for path in tmp_path.rglob("*replay_buffer*")}
    assert found == {"replay_buffer.pkl", "rl_model_replay_buffer_20_steps.pkl", "rl_model_replay_buffer_40_steps.pkl", "CartPole-v1/replay_buffer.pkl"}


class Payload:
    """Unpickling makes a folder."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


@pytest.mark.parametrize(("algo", "said"), [("ppo", f"wants {os.name}.mkdir"), ("sb3/ppo", "cannot go on exactly")])
def test_a_checkpoint_that_somebody_left_is_not_run(algo, said, trained, tmp_path, capsys):
    there = tmp_path / "logs" / algo / "CartPole-v1_1"
    shutil.copytree(trained / "ppo" / "CartPole-v1_1", there)
    data = {"learning_rate": {":type:": "float", ":serialized:": base64.b64encode(pickle.dumps(Payload(tmp_path / "ran"))).decode()}}
    with zipfile.ZipFile(there / "CartPole-v1.zip") as old, zipfile.ZipFile(there / "checkpoint.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(json.loads(old.read(name)) | data) if name == "data" else old.read(name))
    words = ["train", "--algo", algo, "--env", "CartPole-v1", "--resume", "-f", str(tmp_path / "logs")]
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "ran").exists()
    if algo == "ppo":
        cli.main([*words, "--trust"])
        assert (tmp_path / "ran").exists()
