"""A stack of seeds in a user's own script: what SB3's users do to a model, done to several at once."""

import numpy as np
import pytest
import torch

import from_scratch as ours

SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}
OFF = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()])


def stack_of(env="CartPole-v1", seeds=(3, 5), **more):
    return ours.PPO("MlpPolicy", env, seeds=seeds, **{**SMALL, **more})


# ------------------------------------------------------------------------------------------------------------------------ as a list
def test_a_number_of_seeds_means_that_many_from_0_on():
    assert stack_of(seeds=3).seeds == stack_of(seeds=np.int64(3)).seeds == [0, 1, 2]


@pytest.mark.parametrize("seeds", [0, -1, True])
def test_no_number_of_models_is_refused(seeds):
    with pytest.raises(ValueError, match=f"seeds={seeds}: how many models to train, from 1 on"):
        stack_of(seeds=seeds)


def test_a_stack_is_a_sequence_of_its_members():
    stack = stack_of(seeds=3)
    assert len(stack) == 3 and [each.seeds for each in stack] == [[0], [1], [2]]
    assert torch.equal(weights(stack[1]), weights(stack.member(1))) and stack[-1].seeds == [2]
    with pytest.raises(IndexError, match="this model has members 0 … 2"):
        stack[3]
    with pytest.raises(TypeError, match="give the place of one seed, 0 … 2"):
        stack[0:2]


def test_one_model_is_true_and_has_itself_as_its_only_member():
    alone = ours.PPO("MlpPolicy", "CartPole-v1", seed=3, **SMALL)
    assert alone and len(alone) == 1 and torch.equal(weights(alone[0]), weights(alone))
