"""How a model is made: SB3's arguments in SB3's order, each by its name; what has no such name, or cannot be, is answered in one line."""

import inspect

import numpy as np
import pytest
from stable_baselines3.common.env_util import make_vec_env

from from_scratch.registry import ENTRIES
from tests.contract.probes import assert_same_state, env_for, every, learnt, make, needs, observations, one_line, same, small, train

BEHIND = ["stats_window_size", "tensorboard_log", "policy_kwargs", "verbose", "seed", "device", "_init_setup_model"]  # as in every class of SB3


@every()
def test_arguments_stand_in_sb3s_order_and_ours_behind_them_by_keyword_only(entry):
    parameters = inspect.signature(entry.load()).parameters
    fields, names = list(entry.load().hyperparameters), list(parameters)
    tail = [name for name in BEHIND if name in parameters]  # SB3's DDPG has no stats_window_size

    assert names == ["policy", "env", *fields, *tail, "seeds", "n_envs"]
    assert tail[-6:] == BEHIND[-6:]
    as_its_twin = entry.twin is not None and list(inspect.signature(ENTRIES[entry.twin].load()).parameters)[2 : 2 + len(fields)] == fields
    assert "learning_rate" not in fields or fields[0] == "learning_rate" or as_its_twin
    assert [parameters[name].kind for name in ("seeds", "n_envs")] == [inspect.Parameter.KEYWORD_ONLY] * 2
    assert [name for name in fields if parameters[name].default is inspect.Parameter.empty] == []


@every()
def test_every_argument_given_by_its_name_with_its_default_changes_nothing(entry):
    cls = entry.load()
    defaults = {name: p.default for name, p in inspect.signature(cls).parameters.items() if p.default is not inspect.Parameter.empty}
    given = {**defaults, **small(cls), "policy": entry.policy, "env": env_for(entry), "seed": 3, "device": "cpu", **needs(entry)}
    if entry.learns == "deep":
        given["policy_kwargs"] = {"net_arch": [8]}

    assert_same_state(train(cls(**given)), train(make(entry, seed=3)))


@every()
def test_a_misspelt_argument_is_answered_with_the_nearest(entry):
    cls = entry.load()
    for name in [*cls.hyperparameters, "verbose"]:
        with pytest.raises(TypeError) as error:
            make(entry, **{f"{name}z": 1})
        assert one_line(error) == f"{cls.__name__}.__init__() got an unexpected keyword argument '{name}z'. Did you mean '{name}'?"


@every()
def test_an_unknown_policy_is_refused_by_its_name(entry):
    with pytest.raises(ValueError, match="Policy NoPolicy unknown") as error:
        entry.load()("NoPolicy", env_for(entry))
    one_line(error)


@every()
def test_a_model_that_was_not_set_up_is_set_up_later_and_is_the_same(entry):
    model = make(entry, seed=3, _init_setup_model=False)
    assert getattr(model, "policy", None) is None
    model._setup_model()
    assert_same_state(train(model), train(make(entry, seed=3)))


@every(one_of=3)
def test_an_environment_may_be_a_class_an_instance_or_a_vector_of_environments(entry):
    env = env_for(entry)
    of_class, *others = (train(make(entry, env=given, seed=3)) for given in (env, env(), make_vec_env(env)))
    for other in others:
        assert_same_state(of_class, other)


@every()
def test_parameters_go_out_and_come_in_and_training_goes_on_from_them(entry):
    model, other = train(make(entry, seeds=[3])), make(entry, seeds=[4])
    other.set_parameters(model.get_parameters())
    assert same(learnt(other), learnt(model))

    before = learnt(model)
    train(other)
    assert same(learnt(model), before), "the parameters are copies"
    if entry.learns != "–":
        with pytest.raises(ValueError, match="Names of parameters do not match"):
            other.set_parameters({})


@every("deterministic")
def test_parameters_that_came_in_are_what_it_acts_on(entry):
    model, other = train(make(entry, seeds=[3])), make(entry, seeds=[4])
    other.set_parameters(model.get_parameters())
    obs = observations(model)
    np.testing.assert_array_equal(model.predict(obs, deterministic=True)[0], other.predict(obs, deterministic=True)[0])
