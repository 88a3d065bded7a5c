"""Actor-critics that learn from data sets: losses, targets and gradients of another library, and numbers worked by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import CQL, TD3BC, OfflineTD3
from from_scratch.core.data import Transition
from from_scratch.core.datasets import as_dataset
from from_scratch.core.datasets.sources import FIELDS
from from_scratch.core.distributions import Gaussian
from from_scratch.core.lockstep import Rows
from from_scratch.core.networks import continuous
from from_scratch.offline.cql import Candidates

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


def on_tape(net, equation, *data):
    """Loss and metrics by autograd; θ's gradient is left in the modules."""
    loss, metrics = Rows.differentiate(net.rows, equation, *data)
    Rows.backward(net.rows, loss)
    net.rows.lend()
    return loss.item(), metrics


def loss_and_gradient(net, equation, *data):
    """The same, and the program that `minimise` would run makes the same gradient."""
    loss, metrics = on_tape(net, equation, *data)
    by_autograd = net.rows.grad.clone()
    program, _ = net.rows.differentiate(equation, *data)
    net.rows.backward(program)
    torch.testing.assert_close(net.rows.grad, by_autograd, atol=1e-5, rtol=1e-5)
    net.rows.lend()
    return loss, metrics


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


OF_ACTOR = {"h0.W": "latent_pi.0.weight", "h0.b": "latent_pi.0.bias", "mu.W": "mu.weight", "mu.b": "mu.bias", "logstd.W": "log_std.weight",
            "logstd.b": "log_std.bias"}  # fmt: skip


def exact_squash(mean, log_std, noise):
    """Another library's: the exact slope of tanh, where SB3 adds 10⁻⁶ to it."""
    pi = Gaussian(mean, log_std)
    u = mean + noise * pi.std
    return torch.tanh(u), pi.log_prob(u) - (2 * (math.log(2) - u - torch.nn.functional.softplus(-2 * u))).sum(-1)


class Told:
    """Random numbers that are given, in the order in which they are asked for."""

    def __init__(self, *numbers):
        self.numbers = [torch.tensor(x) for x in numbers]

    def noise(self, *shape):
        return self.numbers.pop(0).view(1, *shape)


@pytest.fixture
def cql(monkeypatch):
    """CQL with the file's weights and numbers: (model, given, expected, batch, α_π, candidates)."""
    given, expected = golden("cql_continuous")
    monkeypatch.setattr(continuous, "squash", exact_squash)
    model = CQL(
        "MlpPolicy", SPACES, seed=0, device="cpu", gamma=given["gamma"], policy_kwargs={"net_arch": [8]}, n_action_samples=given["n_action_samples"],
        conservative_weight=given["conservative_weight"], target_gap=given["alpha_threshold"],
    )  # fmt: skip
    take(model.policy.actor, given["policy"], OF_ACTOR)
    take_critics(model.policy, given)
    with torch.no_grad():
        model.policy.multiplier.log_ent_coef.fill_(given["log_alpha"])
    b, of_model = batch(given), model._rng
    uniform = math.sqrt(2) * torch.erfinv(torch.tensor(given["random_actions"]))
    model._rng = Told(uniform.tolist(), given["noise_policy_s"], given["noise_policy_next_s"])
    candidates, model._rng = model.candidates(b), of_model
    return model, given, expected, b, torch.tensor([given["temperature"]]), candidates


def test_cql_s_critics_learn_what_another_library_s_do(cql, monkeypatch):
    """It takes the mean of π in s', and leaves its entropy out."""
    model, _, expected, b, α, candidates = cql
    monkeypatch.undo()  # its candidates are drawn
    loss, metrics = loss_and_gradient(model.q, model.critic_loss, b, torch.zeros(1, 5, 2), α, candidates, model.factor())
    assert loss == pytest.approx(expected["critic_loss"], abs=1e-5)
    assert metrics["td_loss"].item() == pytest.approx(expected["td_loss"], abs=1e-5)
    assert metrics["conservative_loss"].item() == pytest.approx(expected["conservative_loss_scaled"], abs=1e-5)
    np.testing.assert_allclose(metrics["gap"][0].detach(), expected["gap_per_critic"], atol=1e-5)
    for i, network in enumerate(model.policy.critic.q_networks, 1):
        assert_gradient(network, expected[f"grad_q{i}"])


def test_cql_s_target_has_the_entropy_in_it_where_that_is_asked_for(cql):
    model, given, expected, b, α, _ = cql
    model.soft_backup = True
    y = model.target(b, torch.tensor(given["noise_soft_backup"])[None], α)[0]
    torch.testing.assert_close(y, b.reward[0] + b.discount[0] * torch.tensor(expected["next_value_soft"]), atol=1e-5, rtol=1e-5)


def test_cql_s_factor_learns_what_another_library_s_does(cql):
    model, _, expected, b, α, candidates = cql
    assert model.factor().item() == pytest.approx(expected["alpha"], abs=1e-6)
    _, metrics = on_tape(model.q, model.critic_loss, b, torch.zeros(1, 5, 2), α, candidates, model.factor())
    loss, _ = loss_and_gradient(model.log_multiplier, model.multiplier_loss, metrics["gap"].detach())
    assert loss == pytest.approx(expected["alpha_loss"], abs=1e-5)


def test_cql_s_actor_learns_what_another_library_s_does(cql):
    model, given, expected, b, α, _ = cql
    loss, _ = on_tape(model.pi, model.actor_loss, b, torch.tensor(given["noise_actor"])[None], α)
    assert loss == pytest.approx(expected["actor_loss"], abs=1e-5)
    assert_gradient(model.policy.actor, expected["grad_policy"], OF_ACTOR)


# -------------------------------------------------------------------------------------------------------- numbers worked by hand
def put_out(networks, values):
    """Let every network put out one number, whatever it sees (through tanh where it ends with one)."""
    with torch.no_grad():
        for network, value in zip(networks, values, strict=True):
            linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
            for layer in linear:
                layer.weight.zero_(), layer.bias.zero_()
            last = linear[-1]
            last.bias.fill_(value)


def one_step(reward=1.0, discount=0.5, action=0.0, **more):
    """A transition of which only these numbers matter, [1, 1]."""
    obs, of = torch.zeros(1, 1, 1), lambda x: torch.full((1, 1), x)
    return Transition(obs, torch.full((1, 1, 1), action), of(reward), obs, of(discount), **more)


def plain(cls, **more):
    """A model of one observation and one action, both of one number."""
    return cls("MlpPolicy", (spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (1,))), seed=0, device="cpu", policy_kwargs={"net_arch": [4]}, **more)


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


def test_cql_pays_for_what_its_critics_say_of_all_candidates():
    """Q = 0, three candidates of density ½: log(3 / ½) = log 6 for each of two critics, times 10; the target is 0, too."""
    model = plain(CQL, n_action_samples=1)
    put_out([*model.policy.critic.q_networks, *model.policy.critic_target.q_networks], [0.0] * 4)
    candidates = Candidates(torch.zeros(1, 3, 1), torch.zeros(1, 3, 1), torch.full((1, 3), math.log(0.5)))
    loss, _ = model.critic_loss(one_step(reward=0.0), torch.zeros(1, 1, 1), torch.ones(1), candidates, torch.ones(1))
    assert loss.item() == pytest.approx(2 * 10 * math.log(6))


def test_cql_s_candidates_are_uniform_then_the_policy_s_own_in_both_states():
    """Two states, two of each kind: six of the first state come before six of the second, and each has its density."""
    model = CQL("MlpPolicy", SPACES, seed=0, device="cpu", n_action_samples=2)
    obs, next_obs = torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    c = model.candidates(Transition(obs, torch.zeros(1, 2, 2), torch.zeros(1, 2), next_obs, torch.zeros(1, 2)))
    assert torch.equal(c.obs, obs.repeat_interleave(6, 1)) and c.action.abs().max() <= 1
    density = c.log_mu.view(2, 6)
    assert torch.allclose(density[:, :2], torch.tensor(-2 * math.log(2)))
    for state in range(2):
        for at, seen in ((slice(2, 4), obs), (slice(4, 6), next_obs)):
            a = c.action.view(2, 6, 2)[state, at][None]
            expected = model.pi.log_prob(seen[:, state : state + 1].expand(1, 2, 3), a)[0]
            torch.testing.assert_close(density[state, at], expected, atol=1e-3, rtol=1e-3)


def test_cql_s_uniform_actions_are_uniform():
    model = plain(CQL, n_action_samples=1000)
    c = model.candidates(one_step())
    assert np.allclose(np.sort(c.action[0, :1000, 0]), np.linspace(-1, 1, 1000), atol=0.1)


def test_cql_s_warm_up_imitates_the_actions_of_the_data():
    """π is tanh of N(0, 1): a = 0 has the density 1/√2π. log σ is 0 as its bias is, and α is 0."""
    model = plain(CQL)
    put_out([[model.policy.actor.mu], [model.policy.actor.log_std]], [0.0, 0.0])
    loss = lambda action: model.imitation_loss(one_step(action=action), torch.zeros(1, 1, 1), torch.zeros(1))[0].item()
    assert loss(0.0) == pytest.approx(0.5 * math.log(2 * math.pi), abs=1e-5)
    u = math.atanh(0.6)
    assert loss(0.6) == pytest.approx(0.5 * math.log(2 * math.pi) + u**2 / 2 + math.log(1 - 0.36), abs=1e-5)


def test_cql_imitates_for_as_many_steps_as_it_is_told_and_then_asks_its_critics():
    model, asked = plain(CQL, dataset=bandit(), bc_steps=2), []
    minimise = model.minimise
    model.minimise = lambda equation, *data, by: asked.append(equation.__name__) or minimise(equation, *data, by=by)
    model.learn(4)
    assert [name for name in asked if name in ("imitation_loss", "actor_loss")] == ["imitation_loss"] * 2 + ["actor_loss"] * 2


def test_cql_s_factor_grows_while_the_gap_is_larger_than_it_is_to_be():
    for target_gap, sign in ((-50.0, 1), (50.0, -1)):
        model = plain(CQL, dataset=bandit(), target_gap=target_gap).learn(5)
        assert np.sign(model.policy.multiplier.log_ent_coef.item()) == sign


def test_together_and_one_by_one_densities_of_given_actions_are_the_same():
    model, obs, a = CQL("MlpPolicy", SPACES, seed=0, device="cpu"), torch.randn(1, 7, 3), torch.rand(1, 7, 2) * 2 - 1
    a[0, 0] = 1.0  # at the bound
    together = model.pi.log_prob(obs, a)
    model.policy.actor.register_forward_hook(lambda *_: None)
    model.serve()
    assert not model.pi.is_stacked
    torch.testing.assert_close(model.pi.log_prob(obs, a), together, atol=1e-4, rtol=1e-4)


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


def test_cql_finds_it_too_and_says_less_of_actions_that_nobody_tried():
    """Beyond 0.5, where the data end, reward seems to rise."""
    model = CQL("MlpPolicy", None, dataset=bandit(), seed=0, device="cpu", batch_size=64, policy_kwargs={"net_arch": [32]}, learning_rate=3e-3,
                policy_learning_rate=3e-3, conservative_weight=1.0, ent_coef=0.01).learn(350, log_interval=None)  # fmt: skip
    q = model.policy.critic(torch.ones(2, 1), torch.tensor([[0.5], [0.9]]))[0][:, 0]
    assert 0.35 < model.predict(np.ones(1, np.float32), deterministic=True)[0].item() < 0.65
    assert q[0] > q[1] + 0.5
