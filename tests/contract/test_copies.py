"""What copies promise: a deep copy and a pickle act as the model does, learn what it would have learnt, and leave it alone."""

import copy
import pickle

import cloudpickle
import numpy as np
import pytest
import torch

from tests.contract.probes import assert_learnt_on, assert_same_state, every, make, observations, state, train
from tests.some import some

WAYS = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "cloudpickle": lambda model: pickle.loads(cloudpickle.dumps(model)),
}


@pytest.mark.parametrize("way", some(WAYS, at=lambda way: way == "deepcopy"))
@every("copy")
def test_a_copy_acts_and_learns_as_the_model_would_and_leaves_it_alone(entry, way):
    model = train(make(entry, seeds=[3, 5] if entry.lockstep else [3]))
    before, twin = state(model), WAYS[way](model)
    assert_same_state(twin, before)
    train(twin)
    assert_same_state(model, before)
    assert_same_state(train(model), twin)
    assert_learnt_on(entry, before["learnt"], twin)


@every("copy", one_of=3)
def test_a_copy_of_a_model_without_seeds_draws_what_the_process_gives_it(entry):
    model = train(make(entry, seed=3))
    twin, streams = copy.deepcopy(model), (torch.get_rng_state(), np.random.get_state())
    train(twin)
    torch.set_rng_state(streams[0])
    np.random.set_state(streams[1])
    assert_same_state(train(model), twin)


@every("deterministic")
def test_a_copy_predicts_the_same(entry):
    model = train(make(entry, seeds=[3]))
    twin, obs = copy.deepcopy(model), observations(model)
    np.testing.assert_array_equal(twin.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])
