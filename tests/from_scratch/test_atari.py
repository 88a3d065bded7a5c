"""Atari games as SB3's users have them: make_atari_env, four frames on top of one another, images with the channels first. Beside SB3 from the same seed."""

import numpy as np
import pytest
import stable_baselines3
import torch

import from_scratch

pytest.importorskip("ale_py", reason="the games come with the extra atari")
pytest.importorskip("cv2", reason="SB3 makes their images small with opencv, of the extra atari")
pytestmark = [pytest.mark.slow, pytest.mark.parity]

DQN = {"learning_starts": 100, "buffer_size": 2000, "target_update_interval": 200, "optimize_memory_usage": False}
PPO = {"n_steps": 128, "batch_size": 256, "n_epochs": 2, "learning_rate": 2.5e-4, "clip_range": 0.1, "ent_coef": 0.01}


def games(game, n_envs):
    import ale_py  # noqa: F401  registers them
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    return VecFrameStack(make_atari_env(f"{game}NoFrameskip-v4", n_envs=n_envs, seed=0), 4)


def trained(package, name, game, n_envs, steps, settings):
    return getattr(package, name)("CnnPolicy", games(game, n_envs), seed=0, device="cpu", **settings).learn(steps)


@pytest.mark.parametrize("game", ["Pong", "Breakout"])
@pytest.mark.parametrize(("name", "n_envs", "steps", "settings", "within"), [("DQN", 1, 300, DQN, 1e-6), ("PPO", 2, 256, PPO, 1e-5)])
def test_the_first_steps_are_sb3_s(name, n_envs, steps, settings, within, game):
    ours, theirs = (trained(package, name, game, n_envs, steps, settings) for package in (from_scratch, stable_baselines3))
    assert ours.observation_space.shape == theirs.observation_space.shape == (4, 84, 84)
    np.testing.assert_array_equal(ours._last_obs, theirs._last_obs)  # they have played the same
    for p, q in zip(ours.policy.parameters(), theirs.policy.parameters(), strict=True):
        assert (p - q).abs().max() <= within


@pytest.mark.parametrize(("name", "n_envs", "settings"), [("DQN", 1, DQN), ("PPO", 8, PPO)])
def test_some_thousand_steps_leave_finite_weights_and_a_model_that_plays(name, n_envs, settings, tmp_path):
    model = trained(from_scratch, name, "Pong", n_envs, 3000, settings)
    assert all(torch.isfinite(p).all() for p in model.policy.parameters())
    model.save(tmp_path / "model")
    again, obs = getattr(stable_baselines3, name).load(tmp_path / "model"), model.env.reset()
    np.testing.assert_array_equal(again.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])
