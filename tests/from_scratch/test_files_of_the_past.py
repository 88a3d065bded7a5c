"""Files outlive the places where classes are defined: those of version 0.1 load and continue, and no new one names a module of core."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import from_scratch
from from_scratch import policies

FILES = Path(__file__).with_name("files")
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_of_version_0_1_acts_as_it_did_and_learns_on(name):
    then = EXPECTED[name]
    model = getattr(from_scratch, then["class"]).load(FILES / f"{name}.zip", gym.make(then["env"]), device="cpu")

    assert model.num_timesteps == then["timesteps"]
    if then["actions"] is not None:
        obs = np.asarray(then["obs"], dtype=model.observation_space.dtype)
        np.testing.assert_allclose(model.predict(obs, deterministic=True)[0], then["actions"], rtol=1e-5, atol=1e-6)
    model.learn(40, reset_num_timesteps=False)
    assert model.num_timesteps >= then["timesteps"] + 40


@pytest.mark.parametrize("name", policies.__all__)
def test_every_address_leads_to_the_class_of_that_name(name):
    cls = getattr(policies, name)
    assert cls.__name__ == name
    assert cls.__module__ == "from_scratch.policies" or ".core." not in cls.__module__


def test_an_unknown_address_says_which_there_are():
    with pytest.raises(AttributeError, match="It has: ActorBaselinePolicy, "):
        _ = policies.TablePolicy
