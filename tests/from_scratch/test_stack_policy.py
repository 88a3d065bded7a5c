"""`policy` of a stack is the list of its seeds' policies: what it does, it does for all of them, and what only one can do is refused in a line."""

import copy

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch import DQN, PPO, SAC, QLearning, SemiGradientSARSA

CASES = {
    "PPO": (PPO, "MlpPolicy", "CartPole-v1", {"n_steps": 8, "batch_size": 8, "n_epochs": 2}, "action_net"),
    "DQN": (DQN, "MlpPolicy", "CartPole-v1", {"learning_starts": 4, "buffer_size": 100}, "q_net"),
    "SAC": (SAC, "MlpPolicy", "Pendulum-v1", {"learning_starts": 4, "buffer_size": 100, "policy_kwargs": {"net_arch": [8]}}, "actor"),
    "tables": (QLearning, "TabularPolicy", "FrozenLake-v1", {}, "Q"),
    "features": (SemiGradientSARSA, "LinearPolicy", "MountainCar-v0", {}, "values"),
}


def stack_of(name, seeds=(3, 5)):
    cls, policy, env, more, _ = CASES[name]
    return cls(policy, env, seeds=seeds, device="cpu", **more).learn(16)


def observations(stack, n):
    """[S·n, ...]"""
    stack.observation_space.seed(0)
    return np.stack([stack.observation_space.sample() for _ in range(stack.n_seeds * n)])


@pytest.mark.parametrize("name", CASES)
def test_it_predicts_with_each_seed_s_own_policy(name):
    stack = stack_of(name)
    obs = observations(stack, n=4)
    actions, _ = stack.policy.predict(obs, deterministic=True)
    each = [stack[k].policy.predict(obs[4 * k : 4 * k + 4], deterministic=True)[0] for k in range(2)]
    np.testing.assert_array_equal(actions, np.concatenate(each))
    np.testing.assert_array_equal(actions, stack.predict(obs, deterministic=True)[0])


@pytest.mark.parametrize("name", CASES)
def test_its_state_is_that_of_all_seeds_and_can_be_put_back(name):
    stack = stack_of(name)
    state = copy.deepcopy(stack.policy.state_dict())
    assert {key.partition(".")[0] for key in state} == {"0", "1"}
    for key, value in stack[1].policy.state_dict().items():
        assert torch.equal(state[f"1.{key}"], value)
    stack.policy.load_state_dict({key: torch.zeros_like(value) for key, value in state.items()})
    assert not any(value.any() for value in stack[1].policy.state_dict().values())
    stack.policy.load_state_dict(state)
    assert all(torch.equal(value, state[f"0.{key}"]) for key, value in stack[0].policy.state_dict().items())


@pytest.mark.parametrize("name", ["PPO", "DQN", "SAC"])
def test_a_callback_that_alters_its_parameters_alters_every_seed_as_it_would_alter_each_alone(name):
    class Shrinks(BaseCallback):
        def _on_step(self):
            with torch.no_grad():
                for parameter in self.model.policy.parameters():
                    parameter.mul_(0.99)
            return True

    cls, policy, env, more, _ = CASES[name]
    stack = cls(policy, env, seeds=[3, 5], device="cpu", **more).learn(24, callback=Shrinks())
    for k, seed in enumerate((3, 5)):
        alone = cls(policy, env, seeds=[seed], device="cpu", **more).learn(24, callback=Shrinks())
        for mine, theirs in zip(stack.policies[k].parameters(), alone.policy.parameters(), strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", CASES)
def test_what_only_one_seed_has_names_the_way_to_it(name):
    stack, attribute = stack_of(name), CASES[name][-1]
    said = f"A stack has a policy for each of its 2 seeds: take one, as in model.policies[k].{attribute}, or model[k].policy.{attribute} of a copy."
    with pytest.raises(AttributeError) as error:
        getattr(stack.policy, attribute)
    assert str(error.value) == said
    with pytest.raises(AttributeError, match=rf"model\.policies\[k\]\.{attribute} = …, or"):
        setattr(stack.policy, attribute, None)
    with pytest.raises(TypeError, match=r"as in model\.policies\[k\]\(…\), or model\[k\]\.policy\(…\) of a copy"):
        stack.policy(torch.zeros(1))


def test_a_name_that_no_policy_has_is_said_as_ever():
    with pytest.raises(AttributeError, match="'Policies' object has no attribute 'qnet'"):
        _ = stack_of("DQN").policy.qnet


def test_what_is_no_multiple_of_the_seeds_is_refused():
    stack = stack_of("PPO")
    for obs, said in ((observations(stack, 1)[0], "1 observation for 2 seeds: give a multiple"), (observations(stack, 2)[:3], "3 observations for 2 seeds")):
        for ask in (stack.predict, stack.policy.predict):
            with pytest.raises(ValueError, match=said):
                ask(obs)


def test_what_the_seeds_share_can_be_asked_of_all():
    policy = stack_of("SAC").policy
    assert policy.action_space == policy[0].action_space and policy.device == torch.device("cpu") and policy.squash_output
    np.testing.assert_allclose(policy.unscale_action(policy.scale_action(np.array([[1.5]]))), [[1.5]])
    assert policy.obs_to_tensor(np.zeros((4, 3), np.float32))[0].shape == (4, 3)


def test_a_setting_is_told_where_all_have_the_same_and_refused_where_they_differ():
    policy = stack_of("DQN").policy
    assert policy.net_arch == [64, 64] and policy.activation_fn is torch.nn.ReLU
    for k, support in enumerate((torch.zeros(3), torch.zeros(3))):
        policy[k].support = support
    assert torch.equal(policy.support, torch.zeros(3))
    policy[1].support = torch.ones(3)
    with pytest.raises(AttributeError, match=r"as in model\.policies\[k\]\.support, or"):
        _ = policy.support


def test_the_mode_is_set_for_every_seed():
    policy = stack_of("PPO").policy
    policy.set_training_mode(True)
    assert [each.action_net.training for each in policy] == [True, True]
    policy.set_training_mode(False)
    assert [each.action_net.training for each in policy] == [False, False]


@pytest.mark.parametrize("name", ["PPO", "DQN"])
@pytest.mark.parametrize("k", [0, 1])
def test_each_seed_s_policy_may_be_replaced_the_first_one_s_too(name, k):
    stack = stack_of(name)
    stack.policies[k] = copy.deepcopy(stack.policies[k])
    before = copy.deepcopy(stack.policies[k].state_dict())
    stack.learn(16, reset_num_timesteps=False)
    assert any(not torch.equal(value, before[key]) for key, value in stack.policies[k].state_dict().items())
    assert stack.policy[k] is stack.policies[k]


def test_one_seed_has_the_policy_that_it_has_in_sb3():
    model = stack_of("PPO", seeds=[3])
    assert model.policy is model._policies[0] and hasattr(model.policy, "action_net")
