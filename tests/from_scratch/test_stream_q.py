"""Stream Q(λ): its step worked by hand, where it is cut, when traces end, and how its network begins."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import StreamQ
from from_scratch.value_based.stream_q import sparse_linear

pytestmark = pytest.mark.numerical


class One(gym.Env):
    """One state, seen as the number 1, and a reward of `pays` for each step; episodes never end."""

    observation_space, action_space, pays = spaces.Box(0, 1, (1,), np.float32), spaces.Discrete(2), 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), self.pays, False, False, {}


def linear(actions=(0,), pays=1.0, **more):
    """Q is linear in the number that is seen, its weights 0 at first: Q(s, a) = bias + weight of a, both the same. It takes these actions, then the last."""
    env = type("Paying", (One,), {"pays": pays})
    model = StreamQ("MlpPolicy", env, **{"seed": 0, "device": "cpu", "gamma": 0.5, "lambda_": 0.5, "policy_kwargs": {"net_arch": []}, **more})
    with torch.no_grad():
        for p in model.policy.parameters():
            p.zero_()
    todo, act = list(actions), model.act

    def given(obs, deterministic=False):
        act(obs, deterministic=True)  # so that it knows what would be greedy
        return np.full((1, 1), todo.pop(0) if len(todo) > 1 else todo[0])

    model.act = given
    return model


def q_after(model, steps):
    """Q(s, ·)."""
    model.learn(steps, log_interval=None)
    layer = model.policy.q_net.layer0
    return (layer.weight[:, 0] + layer.bias).tolist()


def test_a_small_step_is_taken_whole():
    """δ = 1, z = (1, 1), ‖z‖₁ = 2, M = 0.1 · 2 · 1 · 2 = 0.4: the step is 0.1 δ z, and Q(0) = 2 · 0.1."""
    assert q_after(linear(learning_rate=0.1), 1) == pytest.approx([0.2, 0], abs=1e-7)


def test_a_step_that_would_overshoot_is_cut():
    """α = 1: M = 1 · 2 · 1 · 2 = 4, so that the step is ¼ δ z and Q(0) = ½; with δ = 3 M is 12, and Q(0) = 2 · 3/12 = ½ again."""
    assert q_after(linear(), 1) == pytest.approx([0.5, 0], abs=1e-7)
    assert q_after(linear(pays=3.0), 1) == pytest.approx([0.5, 0], abs=1e-7)


def test_the_trace_fades_by_gamma_lambda():
    """After the first step Q(0) = 0.2. Then δ = 1 + ½·0.2 − 0.2 = 0.9 and z = ¼ + 1: Q(0) = 0.2 + 2 · 0.1 · 0.9 · 1.25."""
    assert q_after(linear(learning_rate=0.1), 2) == pytest.approx([0.2 + 0.2 * 0.9 * 1.25, 0], abs=1e-6)


def test_an_action_that_was_not_greedy_ends_the_trace():
    """Action 0, greedy among equals; then 1, which is not as Q(0) = 0.2: it learns, by z = (¼, 1), and the third step finds no trace of either."""
    model = linear(actions=(0, 1, 0), learning_rate=0.1)
    first = 0.2
    δ2 = 1 + 0.5 * first - 0
    second = [first + 0.2 * δ2 * 0.25, 0.2 * δ2]
    assert q_after(model, 2) == pytest.approx(second, abs=1e-6)
    assert not model.traces["q_net"].any()


def test_nine_tenths_of_each_output_s_weights_begin_at_0():
    torch.manual_seed(0)
    weight = sparse_linear(40, 8, 0.9).weight
    assert ((weight == 0).sum(-1) == 36).all()
    assert weight.abs().max() <= 40**-0.5


def test_a_layer_of_few_inputs_keeps_one():
    assert ((sparse_linear(4, 8, 0.9).weight != 0).sum(-1) == 1).all()


@pytest.mark.slow
def test_it_learns_to_balance_the_pole_from_a_stream():
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    model = StreamQ("MlpPolicy", VecNormalize(make_vec_env("CartPole-v1", seed=0)), seed=0, policy_kwargs={"net_arch": [32, 32]}).learn(60_000)
    assert np.mean([episode["r"] for episode in model.ep_info_buffer]) > 150
