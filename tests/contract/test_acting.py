"""What `predict` promises: an action for an observation, actions for many; asked to be deterministic, the same ones; and training does not notice."""

import numpy as np

from tests.contract.probes import assert_same_state, every, make, observations, train, unable


@every()
def test_one_observation_gives_one_action_and_many_give_as_many(entry):
    model = train(make(entry, seed=3))
    obs = observations(model, 5)
    for deterministic in (False, True):
        one, hidden = model.predict(obs[0], deterministic=deterministic)
        many, _ = model.predict(obs, deterministic=deterministic)
        assert np.shape(one) == model.action_space.shape and (hidden is None) != entry.remembers
        assert many.shape == (5, *model.action_space.shape)
        assert all(model.action_space.contains(action) for action in [np.asarray(one, many.dtype)[()], *many])


@every()
def test_a_stack_predicts_for_all_its_seeds(entry):
    model = train(make(entry, seeds=[3, 5] if entry.lockstep else [3]))
    obs = observations(model, 6)
    for deterministic in (False, True):
        assert model.predict(obs, deterministic=deterministic)[0].shape == (6, *model.action_space.shape)


@every("deterministic")
def test_asked_to_be_deterministic_it_does_the_same_twice(entry):
    model = train(make(entry, seed=3))
    obs = observations(model, 40)
    np.testing.assert_array_equal(model.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


@unable("deterministic")
def test_whoever_is_never_deterministic_says_so(entry):
    model = train(make(entry, seed=3))
    obs = observations(model, 40)
    assert not np.array_equal(model.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


@every("deterministic")
def test_each_member_of_a_stack_predicts_as_the_stack_does_for_it(entry):
    model = train(make(entry, seeds=[3, 5] if entry.lockstep else [3]))
    obs = observations(model, 6)
    together = model.predict(obs, deterministic=True)[0].reshape(model.n_seeds, -1, *model.action_space.shape)
    for k, mine in enumerate(obs.reshape(model.n_seeds, -1, *obs.shape[1:])):
        np.testing.assert_array_equal(model.member(k).predict(mine, deterministic=True)[0], together[k])


@every()
def test_predicting_in_the_middle_of_training_disturbs_no_training(entry):
    def predicts(variables, _):
        model = variables["self"]
        model.predict(observations(model, 2))
        return True

    asked, left_alone = (train(make(entry, seeds=[3]), callback=callback) for callback in (predicts, None))
    assert_same_state(asked, left_alone)
