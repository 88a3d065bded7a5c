"""MinAtar and Atari in studies: their ids, the settings that they have, and what a run makes of them."""

import gymnasium as gym
import pytest
import torch

from benchmarks import UserError
from benchmarks.studies import environments, hyperparams, study, trust


def settings(algo, env):
    found = study.adhoc([algo], [env])
    return {**found.hyperparams[algo][env], "n_timesteps": found.budget[env][algo]}


def test_dqn_has_the_authors_settings_of_minatar():
    pytest.importorskip("minatar", reason="comes with the extra minatar")
    from from_scratch.policies import MinAtarCNN

    raw = settings("dqn", "MinAtar/Seaquest-v1")
    kwargs = hyperparams.constructor_arguments(raw)["policy_kwargs"]
    assert (raw["n_timesteps"], raw["exploration_fraction"] * raw["n_timesteps"]) == (5_000_000, 100_000)
    assert kwargs["features_extractor_class"] is MinAtarCNN and kwargs["optimizer_class"] is torch.optim.RMSprop
    assert trust.of_environment("MinAtar/Seaquest-v1", {}) == []


def test_a_word_that_stands_for_no_class_is_refused_with_those_that_do():
    with pytest.raises(UserError, match="MinAtarCNN, NatureCNN, RMSprop"):
        hyperparams.literal("dict(features_extractor_class=MyCNN)")


@pytest.mark.parametrize("env", ["ALE/Pong-v5", "PongNoFrameskip-v4", "MinAtar/Breakout-v1"])
def test_a_game_that_is_not_installed_names_the_extra_that_brings_it(monkeypatch, env):
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs (ale-py|minatar): pip install \"sb3-course\[(atari|minatar)\]\""):
        environments.check(env)


@pytest.mark.parametrize("algo", ["dqn", "ppo"])
@pytest.mark.parametrize("game", ["Pong", "Breakout"])
def test_atari_has_the_zoo_s_settings_for_dqn_and_ppo(algo, game):
    pytest.importorskip("ale_py", reason="comes with the extra atari")
    raw = settings(algo, f"{game}NoFrameskip-v4")
    assert raw["policy"] == "CnnPolicy" and raw["frame_stack"] == 4 and raw["n_timesteps"] == 10_000_000
    assert raw["env_wrapper"] == ["stable_baselines3.common.atari_wrappers.AtariWrapper"]
    assert f"{game}NoFrameskip-v4" in gym.registry
