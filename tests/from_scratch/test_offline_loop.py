"""The loop of learners from data sets: what it is given, what it counts, and that it obeys whoever alters the model."""

import copy
import warnings

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from from_scratch.core.datasets import BadDataset, as_dataset
from from_scratch.offline.awac import AWAC
from from_scratch.offline.bc import BC
from from_scratch.offline.td3_bc import TD3BC
from tests.contract.probes import Forces, recorded

SMALL = {"device": "cpu", "policy_kwargs": {"net_arch": [8]}, "batch_size": 16}


def model_of(cls=TD3BC, env=Forces, data=None, **more):
    return cls("MlpPolicy", env, dataset=data or recorded(Forces), seed=0, **{**SMALL, **more})


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


def equal(one, other):
    return all(map(torch.equal, one, other))


# ------------------------------------------------------------------------------------------------------------------- what it is given
@pytest.mark.parametrize("env", [None, (Forces.observation_space, Forces.action_space), Forces])
def test_an_environment_a_pair_of_spaces_or_nothing_make_the_same_model(env):
    model, other = model_of(env=env).learn(20), model_of().learn(20)
    assert equal(weights(model.policy), weights(other.policy))


def test_a_model_with_spaces_alone_cannot_be_played_and_says_what_it_needs():
    env = model_of(env=None).env
    env.reset()
    with pytest.raises(RuntimeError, match=r"no environment to play: give it one by set_env"):
        env.step(np.zeros((1, 1), np.float32))


def test_a_model_without_data_says_three_ways_to_give_it_some():
    with pytest.raises(ValueError, match=r"TD3BC learns from a data set, and has none: TD3BC\(policy, env, dataset=…\), load\(.*\), or set_dataset"):
        TD3BC("MlpPolicy", Forces, **SMALL).learn(1)


def test_a_model_that_is_given_nothing_says_what_it_needs():
    with pytest.raises(ValueError, match=r"TD3BC was given neither an environment, nor a pair of spaces, nor a data set"):
        TD3BC("MlpPolicy", None)


@pytest.mark.parametrize("env", [("Pendulum-v1", "pendulum/medium-v0"), (Forces.observation_space,), (Forces.observation_space, None)])
def test_a_pair_that_holds_other_things_than_spaces_is_refused(env):
    with pytest.raises(ValueError, match=r"give an environment, or the pair \(observation_space, action_space\)"):
        model_of(env=env)


def test_data_of_other_spaces_are_refused_by_name():
    data = as_dataset({name: getattr(recorded(Forces), name) for name in ("observations", "actions", "rewards", "next_observations", "terminations",
                      "truncations")}, Forces.observation_space, spaces.Box(-2, 2, (1,), np.float32))  # fmt: skip
    with pytest.raises(BadDataset, match=r"Data set 'unnamed' does not fit the model. Action spaces do not match"):
        model_of(data=data)


def test_a_replay_buffer_is_a_data_set_whose_actions_are_the_environment_s_again():
    space = spaces.Box(-4, 2, (1,), np.float32)
    buffer = ReplayBuffer(10, Forces.observation_space, space, device="cpu")
    x = np.zeros((1, 3), np.float32)
    for i, (done, cut) in enumerate([(False, False), (True, True), (True, False), (False, False)]):
        buffer.add(x + i, x + i + 1, np.array([[0.5]], np.float32), np.array([i]), np.array([done]), [{"TimeLimit.truncated": cut}])
    data = as_dataset(buffer)
    assert data.actions[:, 0].tolist() == [0.5] * 4, "(0.5 + 1) / 2 of the way from −4 to 2"
    assert data.terminations.tolist() == [False, False, True, False]
    assert data.truncations.tolist() == [False, True, False, True], "the recording stopped behind the last step"
    assert data.returns.tolist() == [1, 2, 3]


def test_the_best_tenth_is_counted_in_steps_and_has_one_episode_at_least():
    data = recorded(Forces)
    best = data.best(0.1)
    assert len(best) <= 0.1 * len(data) and best.returns.min() >= np.sort(data.returns)[-best.n_episodes]
    assert data.best(1e-9).n_episodes == 1 and data.best(1e-9).returns[0] == data.returns.max()


# ------------------------------------------------------------------------------------------------------------------- states
def test_states_are_normalised_by_the_data_for_training_and_for_predict_alike():
    data, model = recorded(Forces), model_of()
    seen = model.new_memory(data).obs
    np.testing.assert_allclose(seen.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(0), data.observations.std(0) / (data.observations.std(0) + 1e-3), rtol=1e-4)
    x = data.observations[:5]
    np.testing.assert_array_equal(model.predict(x)[0], model.policy.predict(model.seen(x))[0])


def test_a_second_data_set_leaves_the_states_of_the_first():
    model, other = model_of(), recorded(Forces, n=60)
    mean = model.state_mean
    model.set_dataset(other)
    assert model.state_mean == mean and model.learnt_from["hash"] == other.hash


# ---------------------------------------------------------------------------------------------------------------- it obeys its user
def test_another_data_set_given_by_the_attribute_is_learnt_from():
    one, other = model_of(BC), model_of(BC, data=recorded(Forces, n=60))
    one.learn(5), other.learn(5)
    one.set_parameters(other.get_parameters())
    one.dataset = other.dataset
    one.set_random_seed(1)
    one.learn(5)
    assert one.data is other.data and one.learnt_from["steps"] == 60


def test_a_frozen_layer_stays_and_the_others_move():
    model = model_of().learn(4)
    first = model.actor.mu[0]
    first.requires_grad_(False)
    before, others = weights(first), weights(model.critic)
    model.learn(10, reset_num_timesteps=False)
    assert equal(before, weights(first)) and not equal(others, weights(model.critic))


def test_an_exchanged_layer_and_a_hook_are_heeded():
    model, calls = model_of().learn(4), []
    model.actor.mu[0] = torch.nn.Linear(3, 8)
    model.actor.optimizer.add_param_group({"params": model.actor.mu[0].parameters()})
    before = weights(model.actor.mu[0])
    model.actor.register_forward_hook(lambda *_: calls.append(1))
    model.learn(10, reset_num_timesteps=False)
    assert calls and not equal(before, weights(model.actor.mu[0]))


def test_a_subclass_may_exchange_a_loss():
    class Imitates(TD3BC):
        def actor_loss(self, b):
            loss = ((self.mu(b.obs) - b.action) ** 2).mean(-1).mean(-1)
            return loss, {"actor_loss": loss}

    model, other = model_of(Imitates).learn(10), model_of().learn(10)
    assert not equal(weights(model.actor), weights(other.actor))


def test_a_deep_copy_goes_on_by_itself():
    model = model_of().learn(10)
    twin = copy.deepcopy(model)
    twin.learn(5, reset_num_timesteps=False)
    before = weights(twin.policy)
    model.learn(5, reset_num_timesteps=False)
    assert equal(before, weights(twin.policy))


def test_a_model_that_has_played_says_that_no_file_makes_it_go_on_exactly(tmp_path):
    model = model_of(AWAC).learn(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(tmp_path / "recorded", exact=True)
    model.learn_online(5)
    with pytest.warns(UserWarning, match=r"will not go on exactly from this file: what was played is in no file: save_replay_buffer"):
        model.save(tmp_path / "played", exact=True)
