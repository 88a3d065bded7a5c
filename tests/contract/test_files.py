"""What files promise: what was saved is what is loaded, and goes on as if nothing had happened; what the library calls its parts stays out of them."""

import base64
import copy
import io
import json
import re
import zipfile

import numpy as np
import pytest

from tests.contract.probes import assert_learnt_on, assert_same_state, every, learnt, make, needs, observations, same, saved, train

pytestmark = [pytest.mark.numerical, pytest.mark.filterwarnings("ignore:The number of environments used is greater:UserWarning")]  # as SB3's, of DQN


def two(entry, **more):
    """A model of two seeds, where it can have two, that has learnt something."""
    return train(make(entry, seeds=[3, 5] if entry.lockstep else [3], **more))


@every(one_of=3)
def test_a_file_holds_what_was_learnt_and_how_far(entry):
    model = two(entry)
    loaded = type(model).load(saved(model), device="cpu")
    assert same(learnt(loaded), learnt(model))
    assert (loaded.num_timesteps, loaded._n_updates, loaded.seeds) == (model.num_timesteps, model._n_updates, model.seeds)
    for name in set(model.hyperparameters) - needs(entry).keys():
        mine, theirs = getattr(loaded, name), getattr(model, name)
        assert type(mine) is type(theirs) and (not isinstance(mine, int | float | str | tuple) or mine == theirs), name


@every("deterministic")
def test_a_loaded_model_predicts_the_same_without_an_environment(entry):
    model = two(entry)
    loaded = type(model).load(saved(model), device="cpu")
    obs = observations(model)
    assert loaded.env is None
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


def stopped(model):
    """The model from its file, in a copy of its environments as they are."""
    data = {"dataset": model.dataset} if hasattr(model, "dataset") else {}  # a file says which it was, and does not hold it
    loaded = type(model).load(saved(model), env=copy.deepcopy(model.env), device="cpu", force_reset=False, **data)
    if hasattr(model, "save_replay_buffer"):
        memory = io.BytesIO()
        model.save_replay_buffer(memory)
        memory.seek(0)
        loaded.load_replay_buffer(memory)
    return loaded


@every("continue")
def test_saving_loading_and_continuing_equals_never_having_stopped(entry):
    model = two(entry)
    before, loaded = learnt(model), stopped(model)
    for _ in range(2):
        assert_same_state(train(loaded), train(model))
    assert_learnt_on(entry, before, model)


@every("continue", one_of=4)
def test_a_file_with_one_seed_continues_too(entry):
    model = train(make(entry, seeds=[3]), 33)
    assert_same_state(train(stopped(model)), train(model))


def named_in(file):
    """The modules of ours that the pickles in a saved model name."""
    data = json.loads(zipfile.ZipFile(file).read("data"))
    pickles = [base64.b64decode(value[":serialized:"]) for value in data.values() if isinstance(value, dict) and ":serialized:" in value]
    return {name.decode() for pickle in pickles for name in re.findall(rb"from_scratch[\w.]*", pickle)}


@every()
def test_no_file_names_a_module_of_core(entry):
    assert not {name for name in named_in(saved(two(entry))) if name.startswith("from_scratch.core")}
