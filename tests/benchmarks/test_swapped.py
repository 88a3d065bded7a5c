"""The plugin that lets the reference's own tests run with our classes."""

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


def test_every_class_with_a_twin_has_its_place():
    assert {("sb3_contrib", "TRPO", "trpo"), ("sb3_contrib", "MaskablePPO", "maskable_ppo"), ("stable_baselines3", "SAC", "sac")} <= set(swapped.places())
