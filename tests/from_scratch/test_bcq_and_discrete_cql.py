"""Staying with the data's actions (BCQ), and thinking little of others (CQL for discrete actions): another library's numbers, and by hand."""

import math

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import BCQ, DiscreteBCQ, DiscreteCQL, OfflineTD3
from from_scratch.core.networks.batch_constrained import VAE
from from_scratch.offline.discrete_bcq import constrained
from tests.from_scratch.offline_numbers import Three, assert_gradient, batch, differentiated, golden, recorded, take

pytestmark = pytest.mark.numerical

TWO, COIN, THREE = spaces.Box(-1, 1, (2,)), spaces.Discrete(2), spaces.Discrete(3)


def model_of(cls, action_space, **kwargs):
    return cls("MlpPolicy", Three(action_space), **{"seed": 0, "device": "cpu", "policy_kwargs": {"net_arch": [8]}, **kwargs})


# ----------------------------------------------------------------------------------------------------------------- BCQ: another's numbers
GIVEN, EXPECTED = golden("bcq_continuous")
NOISE = {name: torch.tensor(GIVEN[f"{name}_noise"])[None] for name in ("vae", "target_latent", "actor_latent")}


@pytest.fixture
def bcq(monkeypatch):
    """A model with the other library's weights and constants. It leaves out the decoder's tanh, and so is done here."""
    monkeypatch.setattr(VAE, "decode", lambda self, features, z: self.decoder(torch.cat((features, z), -1)))
    names = {"gamma": "gamma", "phi": "phi", "soft_min": "lam", "kl_weight": "beta", "n_candidates": "n_action_samples"}
    model = model_of(BCQ, TWO, **{ours: GIVEN[theirs] for ours, theirs in names.items()})
    policy = model.policy
    heads = GIVEN["vae_encoder"]
    of_encoder = {"out.W": [*heads["mu.W"], *heads["logstd.W"]], "out.b": [*heads["mu.b"], *heads["logstd.b"]]}
    take(policy.vae.encoder, {**{name: heads[name] for name in ("h0.W", "h0.b")}, **of_encoder})
    take(policy.vae.decoder, GIVEN["vae_decoder"])
    for actor, critic, prefix in ((policy.actor, policy.critic, ""), (policy.actor_target, policy.critic_target, "target_")):
        take(actor.xi, GIVEN[f"{prefix}perturbation"])
        for i in (1, 2):
            take(critic.q_networks[i - 1], GIVEN[f"{prefix}q{i}"])
    return model


def test_bcq_s_auto_encoder_s_loss_and_gradient_are_those_of_another_library(bcq):
    loss, _ = differentiated(bcq.generative, bcq.vae_loss, batch(GIVEN), NOISE["vae"])
    assert loss == pytest.approx(EXPECTED["vae_loss"], abs=1e-5)
    assert_gradient(bcq.policy.vae.decoder, EXPECTED["grad_vae_decoder"])
    of = EXPECTED["grad_vae_encoder"]
    heads = {part: np.concatenate([of[f"{head}.{part}"] for head in ("mu", "logstd")]) for part in ("W", "b")}
    assert_gradient(bcq.policy.vae.encoder, {"h0.W": of["h0.W"], "h0.b": of["h0.b"], "out.W": heads["W"], "out.b": heads["b"]})


def test_bcq_s_critics_loss_and_gradients_are_those_of_another_library(bcq):
    b = batch(GIVEN)
    loss, _ = differentiated(bcq.q, bcq.critic_loss, b, bcq.many(b.next_obs), NOISE["target_latent"])
    assert loss == pytest.approx(EXPECTED["critic_loss"], abs=1e-5)
    for i in (1, 2):
        assert_gradient(bcq.policy.critic.q_networks[i - 1], EXPECTED[f"grad_q{i}"])


def test_bcq_s_perturbation_s_loss_and_gradient_are_those_of_another_library(bcq):
    loss, _ = differentiated(bcq.perturbed, bcq.actor_loss, batch(GIVEN), NOISE["actor_latent"])
    assert loss == pytest.approx(EXPECTED["actor_loss"], abs=1e-5)
    assert_gradient(bcq.policy.actor.xi, EXPECTED["grad_perturbation"])


def test_bcq_s_decoder_ends_in_a_tanh(bcq, monkeypatch):
    z = NOISE["vae"].clamp(-0.5, 0.5)
    raw = bcq.generative(batch(GIVEN).obs, z)
    monkeypatch.undo()
    torch.testing.assert_close(model_like(bcq).generative(batch(GIVEN).obs, z), torch.tanh(raw))


def model_like(model):
    again = model_of(BCQ, TWO)
    again.set_parameters(model.get_parameters())
    return again


# ------------------------------------------------------------------------------------------------------------------ BCQ: what it plays
def test_bcq_plays_the_candidate_that_its_first_critic_thinks_most_of(bcq):
    """Candidates are z itself, unmoved, and Q₁ is a's first number: of the latent vectors that stay the same it plays that with the largest."""
    bcq.generative = lambda obs, z: z[..., :2]
    bcq.perturbed = lambda obs, a: a
    bcq.q = type("Q", (), {"first": staticmethod(lambda obs, a: a[..., 0])})
    obs = np.zeros((1, 3, 3), np.float32)
    seen = bcq.choose(obs, deterministic=True)
    assert seen.shape == (1, 3, 2) and (seen == seen[:, :1]).all() and 0 < seen[0, 0, 0] <= 0.5
    drawn = np.concatenate([bcq.choose(obs)[0] for _ in range(20)])
    assert len(np.unique(drawn[:, 0])) > 10 and np.abs(drawn).max() <= 0.5


def test_bcq_moves_no_action_further_than_phi(bcq):
    obs, a = batch(GIVEN).obs, torch.full((1, 5, 2), 0.5)
    assert 0 < (bcq.perturbed(obs, a) - a).abs().max() <= GIVEN["phi"]


def test_bcq_s_actions_stay_with_the_data_s_where_td3_leaves_them():
    """One step, recorded actions from −0.3 to 0.3, and the reward is the action: a critic that was fitted to it promises more the further one goes."""
    actions = np.linspace(-0.3, 0.3, 256, dtype=np.float32)[:, None]
    data = recorded(actions, spaces.Box(-1, 1, (1,)), actions[:, 0], [1] * 256, np.zeros((256, 3), np.float32))
    played = {}
    for cls in (BCQ, OfflineTD3):
        model = cls("MlpPolicy", None, dataset=data, seed=0, device="cpu", policy_kwargs={"net_arch": [32]}, learning_rate=3e-3)
        played[cls] = model.learn(500).predict(np.zeros(3, np.float32), deterministic=True)[0].item()
    assert 0.03 < played[BCQ] < 0.4 and played[OfflineTD3] > 0.9


# ------------------------------------------------------------------------------------------------------------------------ discrete BCQ
def discrete_bcq():
    given, expected = golden("bcq_discrete")
    model = model_of(DiscreteBCQ, THREE, gamma=given["gamma"], threshold=given["threshold"], logit_penalty=0.0)
    for name, network in (("", model.policy.q_net), ("target_", model.policy.q_net_target)):
        take(network.q_net, given[f"{name}q"])
        take(network.imitator, given["imitator"])
    return model, given, expected


def test_discrete_bcq_s_loss_and_gradients_are_those_of_another_library_less_its_penalty():
    """Its penalty is on log-probabilities, ours on logits as the authors': without any the rest must be the same."""
    model, given, expected = discrete_bcq()
    imitator, b = model.policy.q_net.imitator, batch(given, discrete=True)
    penalty = given["beta"] * (imitator(b.obs[0]).log_softmax(-1) ** 2).mean()
    of_penalty = dict(zip(("h0.W", "h0.b", "out.W", "out.b"), torch.autograd.grad(penalty, imitator.parameters()), strict=True))
    loss, metrics = differentiated(model.q, model.loss, b)
    assert metrics["td_loss"] == pytest.approx(expected["td_loss"], abs=1e-5)
    assert loss == pytest.approx(expected["loss"] - penalty.item(), abs=1e-5)
    assert_gradient(model.policy.q_net.q_net, expected["grad_q"])
    assert_gradient(imitator, {name: np.array(g) - of_penalty[name].numpy() for name, g in expected["grad_imitator"].items()})


def test_discrete_bcq_chooses_among_the_actions_that_another_library_allows():
    model, given, expected = discrete_bcq()
    obs = batch(given, discrete=True)
    q, logits = model.halves(model.q(obs.next_obs))
    np.testing.assert_array_equal((constrained(q, logits, 0.3)[0] > -1e7).int(), expected["allowed_next"])
    np.testing.assert_array_equal(model.predict(np.float32(given["next_obs"]))[0], expected["best_next_action"])
    np.testing.assert_array_equal(model.policy.predict(np.float32(given["obs"]))[0], expected["best_action"])


def test_discrete_bcq_penalises_logits():
    """Logits 3 and −1 of two actions: their squares are 5 on average, and the penalty half of that."""
    model = model_of(DiscreteBCQ, COIN, logit_penalty=0.5)
    model.q = model.q_target = lambda obs: torch.tensor([[[0.0, 0.0, 3.0, -1.0]]])
    given = {"obs": [[0.0] * 3], "action": [0], "reward": [0.0], "next_obs": [[0.0] * 3], "terminated": [1.0]}
    loss, metrics = model.loss(batch(given, discrete=True))
    assert metrics["imitation_loss"].item() == pytest.approx(math.log(1 + math.exp(-4)), abs=1e-6)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-4)) + 2.5, abs=1e-6)


@pytest.mark.parametrize(("threshold", "best"), [(0.0, 2), (0.3, 1), (1.0, 0)])
def test_the_threshold_leads_from_the_best_action_to_the_most_probable_one(threshold, best):
    """π = (0.5, 0.4, 0.1), Q = (1, 2, 3): the ratios are 1, 0.8 and 0.2. With τ = 1 no ratio is above it, and the first of equals is the most probable."""
    q, logits = torch.tensor([[1.0, 2.0, 3.0]]), torch.log(torch.tensor([[0.5, 0.4, 0.1]]))
    assert constrained(q, logits, threshold).argmax(-1).item() == best


# ------------------------------------------------------------------------------------------------------------------------ discrete CQL
def test_discrete_cql_s_loss_and_gradient_are_those_of_another_library():
    given, expected = golden("cql_discrete")
    model = model_of(DiscreteCQL, THREE, gamma=given["gamma"], alpha=given["alpha"])
    take(model.policy.q_net.q_net, given["q"])
    take(model.policy.q_net_target.q_net, given["target_q"])
    loss, metrics = differentiated(model.q, model.loss, batch(given, discrete=True))
    assert metrics["td_loss"] == pytest.approx(expected["td_loss"], abs=1e-5)
    assert metrics["conservative_loss"] == pytest.approx(expected["conservative"], abs=1e-5)
    assert loss == pytest.approx(expected["loss"], abs=1e-5)
    assert_gradient(model.policy.q_net.q_net, expected["grad_q"])


def test_discrete_cql_thinks_less_of_the_action_that_nobody_took():
    """One step, reward 1 for action 0, which is all that was recorded: Q(s, 0) goes to 1, and Q(s, 1), of which nothing is known, far below it."""
    data = recorded(np.zeros(64, int), COIN, np.ones(64), [1] * 64, np.zeros((64, 3), np.float32))
    q = {}
    for alpha in (0.0, 1.0):
        model = DiscreteCQL("MlpPolicy", None, dataset=data, seed=0, device="cpu", policy_kwargs={"net_arch": [16]}, alpha=alpha, learning_rate=3e-3)
        q[alpha] = model.learn(500).policy.q_net(torch.zeros(1, 3))[0].detach()
    assert q[0.0][0].item() == pytest.approx(1, abs=0.05)
    assert q[1.0][1] < q[1.0][0] - 2 and q[1.0][1] < q[0.0][1]


@pytest.mark.parametrize("cls", [DiscreteCQL, DiscreteBCQ])
def test_the_target_follows_at_its_interval(cls):
    model = cls("MlpPolicy", None, dataset=recorded(np.arange(8) % 2, COIN), seed=0, device="cpu", batch_size=4, tau=1.0, target_update_interval=3)
    same = []
    for _ in range(4):
        model.learn(1, reset_num_timesteps=False)
        same.append(torch.equal(*(next(net.parameters()) for net in (model.policy.q_net, model.policy.q_net_target))))
    assert same == [False, False, True, False]
