"""Actor-critics that learn from data sets: losses, targets and gradients of another library, and numbers worked by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import TD3BC, OfflineTD3
from from_scratch.core.data import Transition
from from_scratch.core.datasets import as_dataset
from from_scratch.core.datasets.sources import FIELDS
from from_scratch.core.lockstep import Rows

pytestmark = pytest.mark.numerical


# -------------------------------------------------------------------------------------------------- numbers of another library
SPACES = spaces.Box(-10, 10, (3,)), spaces.Box(-1, 1, (2,))
OF_MLP = {"h0.W": "0.weight", "h0.b": "0.bias", "out.W": "2.weight", "out.b": "2.bias"}


def golden(name):
    """(inputs, expected) of a file."""
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    return found["inputs"], found["expected"]


def take(mlp, weights, names=OF_MLP):
    mlp.load_state_dict({names[name]: torch.tensor(x) for name, x in weights.items()})


def take_critics(policy, given):
    for critic, name in ((policy.critic, "q"), (policy.critic_target, "target_q")):
        for i, network in enumerate(critic.q_networks, 1):
            take(network, given[f"{name}{i}"])


def batch(given, kind=Transition, **more):
    """The file's five transitions, [1, 5, ...]."""
    of = lambda name: torch.tensor(given[name])[None]
    return kind(of("obs"), of("action"), of("reward"), of("next_obs"), given["gamma"] * (1 - of("terminated")), **{name: of(name) for name in more.values()})


def deterministic(cls, given, **more):
    """A model with the file's weights."""
    model = cls("MlpPolicy", SPACES, seed=0, device="cpu", gamma=given["gamma"], policy_kwargs={"net_arch": [8]}, **more)
    take(model.policy.actor.mu, given["policy"])
    take(model.policy.actor_target.mu, given["target_policy"])
    take_critics(model.policy, given)
    return model


def loss_and_gradient(net, equation, *data):
    """What minimise would step down, by the program and by autograd: the loss, the metrics, and θ's gradient left in the modules."""
    loss, metrics = Rows.differentiate(net.rows, equation, *data)
    Rows.backward(net.rows, loss)
    by_autograd = net.rows.grad.clone()
    program, _ = net.rows.differentiate(equation, *data)
    net.rows.backward(program)
    torch.testing.assert_close(net.rows.grad, by_autograd, atol=1e-5, rtol=1e-5)
    net.rows.lend()
    return loss.item(), metrics


def assert_gradient(mlp, expected, names=OF_MLP):
    of = dict(mlp.named_parameters())
    for name, gradient in expected.items():
        np.testing.assert_allclose(of[names[name]].grad.numpy(), gradient, atol=1e-5, rtol=1e-5, err_msg=name)


def assert_critics_learn(model, given, expected, b):
    loss, _ = loss_and_gradient(model.q, model.critic_loss, b, torch.tensor(given["target_noise"])[None])
    assert loss == pytest.approx(expected["critic_loss"], abs=1e-5)
    for i, network in enumerate(model.policy.critic.q_networks, 1):
        assert_gradient(network, expected[f"grad_q{i}"])


def test_td3_bc_s_critics_learn_what_another_library_s_do():
    given, expected = golden("td3_bc")
    assert_critics_learn(deterministic(TD3BC, given, normalise_states=False), given, expected, batch(given))


def test_td3_bc_s_actor_learns_what_another_library_s_does():
    given, expected = golden("td3_bc")
    model = deterministic(TD3BC, given, normalise_states=False, alpha=given["alpha"])
    loss, metrics = loss_and_gradient(model.mu, model.actor_loss, batch(given))
    assert metrics["bc_loss"].item() == pytest.approx(expected["bc_loss"], abs=1e-5)
    assert loss == pytest.approx(expected["actor_loss"], abs=1e-5)
    assert_gradient(model.policy.actor.mu, expected["grad_policy"])


# -------------------------------------------------------------------------------------------------------- numbers worked by hand
def put_out(networks, values):
    """Let every network put out one number, whatever it sees (through tanh where it ends with one)."""
    with torch.no_grad():
        for network, value in zip(networks, values, strict=True):
            for p in network.parameters():
                p.zero_()
            last = [layer for layer in network if isinstance(layer, torch.nn.Linear)][-1]
            last.bias.fill_(value)


def one_step(reward=1.0, discount=0.5, action=0.0, **more):
    """A transition of which only these numbers matter, [1, 1]."""
    obs, of = torch.zeros(1, 1, 1), lambda x: torch.full((1, 1), x)
    return Transition(obs, torch.full((1, 1, 1), action), of(reward), obs, of(discount), **more)


def plain(cls, **more):
    """A model of one observation and one action, both of one number."""
    return cls("MlpPolicy", (spaces.Box(-1, 1, (1,)), spaces.Box(-1, 1, (1,))), seed=0, device="cpu", policy_kwargs={"net_arch": [4]}, **more)


def test_the_target_of_td3_is_the_smaller_of_both_critics():
    """r = 1, discount ½, targets say 4 and 6: y = 3. Critics that say 0 and 1 lose 3² + 2²."""
    model = plain(OfflineTD3)
    put_out(model.policy.critic_target.q_networks, [4.0, 6.0])
    put_out(model.policy.critic.q_networks, [0.0, 1.0])
    loss, metrics = model.critic_loss(one_step(), torch.zeros(1, 1, 1))
    assert loss.item() == 13.0
    assert metrics["q_value"].item() == 0.5  # the mean of both, whose drift is to be watched


def test_where_an_episode_terminated_the_target_is_the_reward():
    model = plain(OfflineTD3)
    put_out(model.policy.critic_target.q_networks, [4.0, 6.0])
    put_out(model.policy.critic.q_networks, [0.0, 0.0])
    assert model.critic_loss(one_step(discount=0.0), torch.zeros(1, 1, 1))[0].item() == 2.0


def test_the_noise_of_the_target_s_action_is_clipped_and_the_action_too():
    """μ' = 0 with ε = 0.2 · 10, clipped to 0.5; μ' = tanh 2 with the same, clipped to 1. Target critics are the action itself: y is 0.5, then 1."""
    model = plain(OfflineTD3)
    put_out(model.policy.critic.q_networks, [0.0, 0.0])
    for critic in model.policy.critic_target.q_networks:
        put_out([critic], [0.0])
        with torch.no_grad():
            critic[0].weight[0, 1], critic[2].weight[0, 0] = 1.0, 1.0  # relu(a)
    for mean, y in ((0.0, 0.5), (2.0, 1.0)):
        put_out([model.policy.actor_target.mu], [mean])
        loss, _ = model.critic_loss(one_step(reward=0.0, discount=1.0), torch.full((1, 1, 1), 10.0))
        assert loss.item() == pytest.approx(2 * y**2)


def test_the_actor_of_td3_climbs_the_first_critic_alone():
    model = plain(OfflineTD3)
    put_out(model.policy.critic.q_networks, [2.0, -7.0])
    assert model.actor_loss(one_step())[0].item() == -2.0


def test_td3_bc_weighs_the_critic_by_how_large_its_values_are():
    """Q = −8 everywhere: λ = 2.5/8, and −λ Q = 2.5; μ(s) = 0 is 0.5 from the data's action: 0.25 beside it. With Q = −0.8 it is the same."""
    model = plain(TD3BC, normalise_states=False)
    put_out([model.policy.actor.mu], [0.0])
    for q in (-8.0, -0.8):
        put_out(model.policy.critic.q_networks, [q, 0.0])
        assert model.actor_loss(one_step(action=0.5))[0].item() == pytest.approx(2.5 + 0.25)


# --------------------------------------------------------------------------------------------------- what a data set can teach
def bandit(n=256, seed=0):
    """One-step episodes: two thirds of the actions lie about −0.5, which pays 0, the others about 0.5, which pays 1."""
    rng = np.random.default_rng(seed)
    good = rng.random(n) < 1 / 3
    actions = (np.where(good, 0.5, -0.5) + rng.normal(0, 0.05, n)).astype(np.float32)[:, None]
    ones = np.ones((n, 1), np.float32)
    parts = dict(zip(FIELDS, (ones, actions, good.astype(np.float32), ones, np.ones(n, bool), np.zeros(n, bool)), strict=True))
    return as_dataset(parts, spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (1,)))


def learnt_action(cls, steps=400, **more):
    """What is done after learning from the bandit's data."""
    fast = {"learning_rate": 3e-3, "batch_size": 64, "policy_kwargs": {"net_arch": [32]}, "device": "cpu"}
    model = cls("MlpPolicy", None, dataset=bandit(), seed=0, **{**fast, **more}).learn(steps, log_interval=None)
    return model.predict(np.ones(1, np.float32), deterministic=True)[0].item()


def test_td3_bc_finds_the_better_of_two_actions_in_the_data():
    """Cloning alone would be near −0.17, their mean."""
    assert 0.35 < learnt_action(TD3BC) < 0.75
