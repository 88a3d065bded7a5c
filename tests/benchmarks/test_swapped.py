"""The plugin that lets the reference's own tests run with our classes."""

import pytest
import sb3_contrib
import stable_baselines3

import from_scratch
from benchmarks.parity import swapped


def test_ours_are_in_the_places_of_their_twins_while_tests_run_and_theirs_afterwards():
    theirs = sb3_contrib.MaskablePPO, stable_baselines3.PPO
    swapped.pytest_configure(None)
    try:
        assert (sb3_contrib.MaskablePPO, stable_baselines3.PPO) == (from_scratch.MaskablePPO, from_scratch.PPO)
    finally:
        swapped.pytest_unconfigure(None)
    assert (sb3_contrib.MaskablePPO, stable_baselines3.PPO) == theirs


def test_the_files_of_the_tests_are_trusted_while_they_run(tmp_path):
    from_scratch.A2C("MlpPolicy", "CartPole-v1", learning_rate=lambda progress: 0.1 * progress, n_steps=8, device="cpu").save(tmp_path / "model")
    swapped.pytest_configure(None)
    try:
        assert stable_baselines3.A2C.load(tmp_path / "model", device="cpu").lr_schedule(0.5) == 0.05
    finally:
        swapped.pytest_unconfigure(None)
    with pytest.raises(ValueError, match="wants a function"):
        from_scratch.A2C.load(tmp_path / "model", device="cpu")


def test_every_class_with_a_twin_has_its_place():
    assert {("sb3_contrib", "TRPO", "trpo"), ("sb3_contrib", "MaskablePPO", "maskable_ppo"), ("stable_baselines3", "SAC", "sac")} <= set(swapped.places())
