"""A seed in the stack equals the seed alone to the bit, on the general paths too: images, Dicts, gSDE, users' parts, n-step, HER."""

from functools import partial

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from torch import nn

import from_scratch as ours
from benchmarks.parity.cases import DICT, IMAGE, TWO, UNIT, VECTOR, Squeeze
from benchmarks.parity.envs import AnySpaces
from from_scratch.envs.wrappers.goals import PointGoal

pytestmark = pytest.mark.numerical

OFF = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16}
ON = {"n_steps": 16}
NET = {"net_arch": [16]}
MATRIX = spaces.Box(-1, 1, (2, 2), np.float32)
CASES = {  # class, policy, observations, actions, hyper-parameters
    "ppo-image": ("PPO", "CnnPolicy", IMAGE, TWO, {**ON, "batch_size": 16, "n_epochs": 1, "policy_kwargs": NET}),
    "ppo-gsde": ("PPO", "MlpPolicy", VECTOR, UNIT, {**ON, "batch_size": 16, "use_sde": True, "sde_sample_freq": 4}),
    "a2c-dict-elu": ("A2C", "MultiInputPolicy", DICT, UNIT, {**ON, "policy_kwargs": {**NET, "activation_fn": nn.ELU}}),
    "a2c-matrix-actions": ("A2C", "MlpPolicy", VECTOR, MATRIX, ON),
    "a2c-sgd": ("A2C", "MlpPolicy", VECTOR, TWO, {**ON, "policy_kwargs": {"optimizer_class": torch.optim.SGD}}),
    "dqn-n-step": ("DQN", "MlpPolicy", VECTOR, TWO, {**OFF, "n_steps": 3, "policy_kwargs": NET}),
    "dqn-own-extractor": ("DQN", "MlpPolicy", VECTOR, TWO, {**OFF, "policy_kwargs": {**NET, "features_extractor_class": Squeeze}}),
    "td3-noise": ("TD3", "MlpPolicy", VECTOR, UNIT, {**OFF, "action_noise": OrnsteinUhlenbeckActionNoise(np.zeros(2), np.ones(2)), "policy_kwargs": NET}),
    "td3-shared-extractor": (
        "TD3", "MlpPolicy", VECTOR, UNIT, {**OFF, "policy_kwargs": {**NET, "features_extractor_class": Squeeze, "share_features_extractor": True}}
    ),
    "ddpg-matrix-actions": ("DDPG", "MlpPolicy", VECTOR, MATRIX, {**OFF, "policy_kwargs": NET}),
    "sac-gsde": ("SAC", "MlpPolicy", VECTOR, UNIT, {**OFF, "use_sde": True, "policy_kwargs": NET}),
    "sac-dict": ("SAC", "MultiInputPolicy", DICT, UNIT, {**OFF, "policy_kwargs": NET}),
}  # fmt: skip


def distance(a, b):
    return max((x.double() - y.double()).abs().max().item() for x, y in zip(a.policy.state_dict().values(), b.policy.state_dict().values(), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_seed_in_the_stack_equals_the_seed_alone(case):
    name, policy, observation, action, hyperparameters = CASES[case]

    def train(seeds):
        kwargs = {**hyperparameters, "policy_kwargs": dict(hyperparameters.get("policy_kwargs", {}))}
        return getattr(ours, name)(policy, partial(AnySpaces, observation, action), seeds=seeds, n_envs=2, device="cpu", **kwargs).learn(64)

    stack = train([1, 4])
    assert distance(stack.member(1), train([4])) == 0.0
    assert distance(stack.member(0), stack.member(1)) > 1e-4


def test_hindsight_in_a_stack_equals_hindsight_alone():
    def train(seeds):
        return ours.SAC("MultiInputPolicy", PointGoal, seeds=seeds, replay_buffer_class=HerReplayBuffer, policy_kwargs={"net_arch": [16]},
                        **{**OFF, "learning_starts": 40}).learn(80)  # fmt: skip

    stack = train([1, 4])
    assert distance(stack.member(1), train([4])) == 0.0
