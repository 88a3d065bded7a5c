"""A replay buffer's class is named, as in the RL Zoo, and looked up in a table: nothing is imported because a study says so."""

import pytest
from stable_baselines3 import HerReplayBuffer

from benchmarks import UserError
from benchmarks.studies.hyperparams import constructor_arguments


def test_the_zoo_s_name_of_hindsight_is_its_class():
    arguments = constructor_arguments({"replay_buffer_class": "HerReplayBuffer", "replay_buffer_kwargs": "dict(n_sampled_goal=4)"})
    assert arguments == {"replay_buffer_class": HerReplayBuffer, "replay_buffer_kwargs": {"n_sampled_goal": 4}}


@pytest.mark.parametrize("name", ["PrioritisedBuffer", "os:system", "stable_baselines3.HerReplayBuffer"])
def test_any_other_name_is_refused_with_those_that_there_are(name):
    with pytest.raises(UserError, match=f"replay_buffer_class: '{name}' is not one of HerReplayBuffer"):
        constructor_arguments({"replay_buffer_class": name})
