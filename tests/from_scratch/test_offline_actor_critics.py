"""Actor-critics that learn from data sets: losses, targets and gradients of another library, and numbers worked by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import BRAC, CQL, EDAC, TD3BC, OfflineTD3, ReBRAC
from from_scratch.core.data import SuccessiveTransition, Transition
from from_scratch.core.datasets import BadDataset, as_dataset
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


def batch(given, kind=Transition, *more):
    """The file's five transitions, [1, 5, ...]."""
    of = lambda name: torch.tensor(given[name])[None]
    return kind(of("obs"), of("action"), of("reward"), of("next_obs"), given["gamma"] * (1 - of("terminated")), *map(of, more))


def deterministic(cls, given, policy_kwargs=(), **more):
    """A model with the file's weights."""
    model = cls("MlpPolicy", SPACES, seed=0, device="cpu", gamma=given["gamma"], policy_kwargs={"net_arch": [8], **dict(policy_kwargs)}, **more)
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


def rebrac(given):
    return deterministic(ReBRAC, given, {"layer_norm": False}, actor_penalty=given["actor_beta"], critic_penalty=given["critic_beta"])


def test_rebrac_s_critics_learn_what_another_library_s_do():
    given, expected = golden("rebrac")
    assert_critics_learn(rebrac(given), given, expected, batch(given, SuccessiveTransition, "next_action"))


def test_rebrac_s_actor_learns_what_another_library_s_does():
    given, expected = golden("rebrac")
    model = rebrac(given)
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
    return cls("MlpPolicy", (spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (1,))), seed=0, device="cpu", **{"policy_kwargs": {"net_arch": [4]}, **more})


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


def test_rebrac_learns_from_steps_of_which_it_is_known_what_was_done_next():
    """Episodes of three steps that terminate, of two that are cut, and of one that terminates: the fifth step is never drawn."""
    n, ends = 6, np.array([0, 0, 1, 0, 0, 1], bool)
    ones, actions = np.ones((n, 1), np.float32), np.linspace(-1, 1, n).astype(np.float32)[:, None]
    parts = dict(zip(FIELDS, (ones, actions, np.arange(n, dtype=np.float32), ones, ends, np.array([0, 0, 0, 0, 1, 0], bool)), strict=True))
    data = as_dataset(parts, spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (1,)))
    model = plain(ReBRAC, dataset=data)
    model.bind_memory()
    b = model.memory.sample(200, 0.9)
    drawn = b.reward[0].long()
    assert set(drawn.tolist()) == {0, 1, 2, 3, 5}
    goes_on = b.discount[0] > 0
    torch.testing.assert_close(b.next_action[0, goes_on, 0], torch.from_numpy(actions[:, 0])[drawn[goes_on] + 1])


def test_a_data_set_that_never_says_what_was_done_next_is_refused():
    n, ones = 3, np.ones((3, 1), np.float32)
    parts = dict(zip(FIELDS, (ones, 0 * ones, ones[:, 0], ones, np.zeros(n, bool), np.ones(n, bool)), strict=True))
    with pytest.raises(BadDataset, match="no step says what was done next"):
        plain(ReBRAC, dataset=as_dataset(parts, spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (1,)))).learn(1)


def test_rebrac_s_critics_are_normalised_behind_every_hidden_layer():
    network = plain(ReBRAC).policy.critic.q_networks[0]
    assert [type(layer).__name__ for layer in network] == ["Linear", "ReLU", "LayerNorm", "Linear"]


def test_cql_pays_for_what_its_critics_say_of_all_candidates():
    """Q = 0, three candidates of density ½: log(3 / ½) = log 6 for each of two critics, times 10; the target is 0, too."""
    model = plain(CQL, n_action_samples=1)
    put_out([*model.policy.critic.q_networks, *model.policy.critic_target.q_networks], [0.0] * 4)
    candidates = Candidates(torch.zeros(1, 1, 3, 1), torch.full((1, 1, 3), math.log(0.5)))
    loss, _ = model.critic_loss(one_step(reward=0.0), torch.zeros(1, 1, 1), torch.ones(1), candidates, torch.ones(1))
    assert loss.item() == pytest.approx(2 * 10 * math.log(6))


def test_cql_s_candidates_are_uniform_then_the_policy_s_own_in_both_states():
    """Two states, two of each kind, and each has its density."""
    model = CQL("MlpPolicy", SPACES, seed=0, device="cpu", n_action_samples=2)
    obs, next_obs = torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    c = model.candidates(Transition(obs, torch.zeros(1, 2, 2), torch.zeros(1, 2), next_obs, torch.zeros(1, 2)))
    assert c.action.shape == (1, 2, 6, 2) and c.action.abs().max() <= 1
    density = c.log_mu[0]
    assert torch.allclose(density[:, :2], torch.tensor(-2 * math.log(2)))
    for state in range(2):
        for at, seen in ((slice(2, 4), obs), (slice(4, 6), next_obs)):
            a = c.action[0, state, at][None]
            expected = model.pi.log_prob(seen[:, state : state + 1].expand(1, 2, 3), a)[0]
            torch.testing.assert_close(density[state, at], expected, atol=1e-3, rtol=1e-3)


def test_cql_s_uniform_actions_are_uniform():
    model = plain(CQL, n_action_samples=1000)
    c = model.candidates(one_step())
    assert np.allclose(np.sort(c.action[0, 0, :1000, 0]), np.linspace(-1, 1, 1000), atol=0.1)


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


def brac(mean=0.0, mean_of_data=1.0, **more):
    """π is tanh of N(mean, 1) and π_b of N(mean_of_data, 1); target critics say 4 and 6, critics 0 and 1."""
    model = plain(BRAC, **more)
    for actor, number in ((model.policy.actor, mean), (model.policy.behaviour, mean_of_data)):
        put_out([[actor.mu], [actor.log_std]], [number, 0.0])
    put_out(model.policy.critic_target.q_networks, [4.0, 6.0])
    put_out(model.policy.critic.q_networks, [0.0, 1.0])
    return model


def test_brac_s_kl_is_the_mean_of_log_ratios_of_what_the_policy_does():
    """log N(ε; 0, 1) − log N(ε; 1, 1) = ½ − ε: of ε = −0.2 and 0.4 the mean is 0.4."""
    model, noise = brac(n_action_samples=2), torch.tensor([[[-0.2], [0.4]]])
    a, log_pi = model.pi(torch.zeros(1, 2, 1), noise)
    assert model.away(torch.zeros(1, 2, 1), a, log_pi, a).item() == pytest.approx(0.4, abs=1e-5)


def test_brac_s_mean_discrepancy_is_that_of_the_kernel():
    """Actions 0 and 1 against 1 and 1, σ = ½, so that k(0, 1) = e⁻¹: of pairs E k(x, x') = (2 + 2/e)/4, E k(y, y') = 1 and E k(x, y) = (1 + 1/e)/2."""
    model, e = brac(divergence="mmd", n_action_samples=2, mmd_sigma=0.5), math.exp(-1)
    x, y = torch.tensor([[[0.0], [1.0]]]), torch.ones(1, 2, 1)
    assert model.away(None, x, None, y).item() == pytest.approx((2 + 2 * e) / 4 + 1 - (1 + e), abs=1e-6)
    assert model.away(None, x, None, x.flip(1)).item() == pytest.approx(0, abs=1e-6)


def test_brac_v_pays_for_divergence_in_the_target_and_brac_p_does_not():
    """D = ½ at ε = 0, α = 2: y = 1 + ½ (4 − 1) = 2.5, or 1 + ½ · 4 = 3; critics say 0 and 1."""
    for penalty, loss in (("value", 2.5**2 + 1.5**2), ("policy", 3.0**2 + 2.0**2)):
        model = brac(penalty=penalty, penalty_weight=2.0, n_action_samples=1)
        found, _ = model.critic_loss(one_step(), torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1))
        assert found.item() == pytest.approx(loss, abs=1e-4)


def test_brac_s_actor_pays_for_divergence_and_climbs_the_smaller_critic():
    """α D − min Q = 2 · ½ − 0."""
    model = brac(penalty_weight=2.0, n_action_samples=1)
    loss, _ = model.actor_loss(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1))
    assert loss.item() == pytest.approx(1.0, abs=1e-5)


def test_brac_imitates_first_and_leaves_the_imitation_as_it_is_then():
    model = plain(BRAC, dataset=bandit(), behaviour_steps=3)
    weights = lambda actor: torch.cat([p.detach().flatten() for p in actor.parameters()])
    start = weights(model.policy.actor)
    behaviour = weights(model.learn(3).policy.behaviour)
    assert torch.equal(weights(model.policy.actor), start)
    model.learn(3, reset_num_timesteps=False)
    assert torch.equal(weights(model.policy.behaviour), behaviour) and not torch.equal(weights(model.policy.actor), start)


@pytest.mark.parametrize("name", ["penalty", "divergence"])
def test_a_misspelt_choice_of_brac_s_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}='both': give one of"):
        plain(BRAC, **{name: "both"})


def sloping(slopes, **more):
    """EDAC whose critics are linear in two actions: Q_i(s, a) = slope_i · a."""
    spaces_of = spaces.Box(0, 2, (1,)), spaces.Box(-1, 1, (2,))
    kwargs = {"net_arch": [4], "n_critics": len(slopes)}
    model = EDAC("MlpPolicy", spaces_of, seed=0, device="cpu", ent_coef=0.0, policy_kwargs=kwargs, **more)
    put_out([*model.policy.critic.q_networks, *model.policy.critic_target.q_networks], [0.0] * 2 * len(slopes))
    with torch.no_grad():
        for network, slope in zip(model.policy.critic.q_networks, slopes, strict=True):
            network[0].weight[0, 1:] = torch.tensor(slope)
            network[0].bias[0], network[2].weight[0, 0], network[2].bias[0] = 10.0, 1.0, -10.0  # where ReLU is linear
    return model


def ensemble_loss(model):
    """With a = 0, r = 0 and targets of 0: nothing but the term of slopes."""
    b = Transition(torch.zeros(1, 3, 1), torch.zeros(1, 3, 2), torch.zeros(1, 3), torch.zeros(1, 3, 1), torch.ones(1, 3))
    return on_tape(model.q, model.critic_loss, b, torch.zeros(1, 3, 2), torch.zeros(1))


def test_edac_pays_for_slopes_that_point_the_same_way():
    """(1, 0), (2, 0), (0, 3): the first two have cosine 1, the other pairs 0. Both orders count: η 2 / (3 − 1) = η."""
    slopes = [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]
    loss, metrics = ensemble_loss(sloping(slopes, eta=0.7))
    assert metrics["alike"].item() == pytest.approx(1.0, abs=1e-6) and loss == pytest.approx(0.7, abs=1e-6)


def test_edac_turns_its_critics_slopes_apart():
    """Of (1, 0) and (1, 1) the cosine is 1/√2. d cos / d(second slope) = (½, −½)/√2: the second turns to the other's opposite side. Both orders count twice."""
    model = sloping([[1.0, 0.0], [1.0, 1.0]], eta=1.0)
    ensemble_loss(model)
    found = model.policy.critic.q_networks[1][0].weight.grad[0, 1:]
    torch.testing.assert_close(found, 2 * torch.tensor([0.5, -0.5]) / math.sqrt(2), atol=1e-5, rtol=0)


def test_with_eta_0_edac_is_sac_n_whose_target_is_the_smallest_of_all_critics():
    model = plain(EDAC, eta=0.0, ent_coef=0.0, policy_kwargs={"net_arch": [4], "n_critics": 4})
    put_out(model.policy.critic.q_networks, [0.0] * 4)
    put_out(model.policy.critic_target.q_networks, [9.0, 4.0, 7.0, 6.0])
    loss, _ = model.critic_loss(one_step(), torch.zeros(1, 1, 1), torch.zeros(1))
    assert loss.item() == 4 * 3.0**2


def test_edac_s_target_has_the_entropy_in_it():
    """π is tanh of N(0, 1), log π(0|s) = −½ log 2π, and α = 2."""
    model = plain(EDAC, eta=0.0, policy_kwargs={"net_arch": [4], "n_critics": 2})
    put_out([[model.policy.actor.mu], [model.policy.actor.log_std]], [0.0, 0.0])
    put_out([*model.policy.critic.q_networks, *model.policy.critic_target.q_networks], [0.0] * 4)
    loss, _ = model.critic_loss(one_step(), torch.zeros(1, 1, 1), torch.full((1,), 2.0))
    assert loss.item() == pytest.approx(2 * (1 + 0.5 * math.log(2 * math.pi)) ** 2, abs=1e-4)


def test_slopes_together_and_one_by_one_are_the_same():
    model, obs, a = EDAC("MlpPolicy", SPACES, seed=0, device="cpu"), torch.randn(1, 7, 3), torch.rand(1, 7, 2)
    together = model.q.slopes(obs, a)
    model.policy.critic.register_forward_hook(lambda *_: None)
    model.serve()
    assert together.shape == (1, 10, 7, 2) and not model.q.is_stacked
    torch.testing.assert_close(model.q.slopes(obs, a), together)


def test_together_and_one_by_one_several_actions_of_each_state_are_the_same():
    model, obs, log_mu = CQL("MlpPolicy", SPACES, seed=0, device="cpu"), torch.randn(1, 7, 3), torch.randn(1, 7, 4)
    a, log_pi = model.pi.several(obs, model._rng, 4)
    assert a.shape == (1, 7, 4, 2) and a.std(2).min() > 0  # other actions for each state
    torch.testing.assert_close(model.pi.log_prob(obs[:, 3:4].expand(1, 4, 3), a[:, 3]), log_pi[:, 3], atol=1e-3, rtol=1e-3)
    together = model.q.mean_logsumexp(obs, a, log_mu)
    for module in (model.policy.actor, model.policy.critic):
        module.register_forward_hook(lambda *_: None)
    model.serve()
    assert not model.pi.is_stacked and not model.q.is_stacked
    torch.testing.assert_close(model.q.mean_logsumexp(obs, a, log_mu), together)
    a, log_pi = model.pi.several(obs, model._rng, 4)
    assert a.shape == (1, 7, 4, 2) and a.std(2).min() > 0
    torch.testing.assert_close(model.pi.log_prob(obs[:, 3:4].expand(1, 4, 3), a[:, 3]), log_pi[:, 3], atol=1e-3, rtol=1e-3)


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


@pytest.mark.parametrize("cls", [TD3BC, ReBRAC])
def test_the_better_of_two_actions_in_the_data_is_found(cls):
    """Cloning alone would be near −0.17, their mean."""
    assert 0.35 < learnt_action(cls) < 0.75


def test_cql_finds_it_too_and_says_less_of_actions_that_nobody_tried():
    """Beyond 0.5, where the data end, reward seems to rise."""
    model = CQL("MlpPolicy", None, dataset=bandit(), seed=0, device="cpu", batch_size=64, policy_kwargs={"net_arch": [32]}, learning_rate=3e-3,
                policy_learning_rate=3e-3, conservative_weight=1.0, ent_coef=0.01).learn(350, log_interval=None)  # fmt: skip
    q = model.policy.critic(torch.ones(2, 1), torch.tensor([[0.5], [0.9]]))[0][:, 0]
    assert 0.35 < model.predict(np.ones(1, np.float32), deterministic=True)[0].item() < 0.65
    assert q[0] > q[1] + 0.5


@pytest.mark.parametrize("divergence", ["kl", "mmd"])
def test_brac_prefers_the_better_action_among_those_of_the_data(divergence):
    """Cloning would be near −0.17: with a small weight the policy goes to 0.5, with a large one it stays with the data."""
    action = lambda weight: learnt_action(
        BRAC, 300, policy_learning_rate=3e-3, behaviour_steps=100, divergence=divergence, penalty_weight=weight, policy_kwargs={"net_arch": [16]}
    )
    assert action(0.05) > 0.3 > 0.1 > action(50.0)
