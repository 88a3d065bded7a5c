"""Environments that are tables: what they do, what they are worth, and that Gymnasium knows them."""

import subprocess
import sys

import gymnasium as gym
import pytest

import from_scratch.envs
from from_scratch.envs.registration import ENVIRONMENTS, register_all


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True).stdout.strip()


# ----------------------------------------------------------------------------------------------------------------------- registration
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_every_registered_environment_is_made_and_plays(env_id):
    env = gym.make(env_id)
    obs, _ = env.reset(seed=0)
    assert obs in env.observation_space
    obs, _reward, _terminated, _truncated, _ = env.step(env.action_space.sample())
    assert obs in env.observation_space


def test_registering_again_changes_nothing(recwarn):
    before = dict(gym.registry)
    register_all()
    assert dict(gym.registry) == before and not recwarn.list


def test_importing_the_environments_imports_none_of_them():
    loaded = python("import sys, from_scratch.envs; print(*(name for name in sys.modules if name == 'torch' or name.startswith('from_scratch.envs.')))")
    assert loaded == "from_scratch.envs.registration"


def test_gymnasium_finds_them_by_module_and_id_and_after_any_of_our_algorithms():
    assert "ShortCorridor" in python("import gymnasium; print(gymnasium.make('from_scratch.envs:ShortCorridor-v0'))")
    assert "ShortCorridor" in python("from from_scratch import ValueIteration; import gymnasium; print(gymnasium.make('ShortCorridor-v0'))")


def test_every_name_of_the_package_is_there_and_an_unknown_one_is_named():
    assert all(getattr(from_scratch.envs, name) is not None for name in from_scratch.envs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Gridworld'"):
        _ = from_scratch.envs.Gridworld
