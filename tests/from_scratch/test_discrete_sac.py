"""DiscreteSAC: SAC whose expectations over actions are sums. Numbers of another library, and by hand."""

import json
import math
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import DiscreteSAC
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import Rows
from tests.from_scratch.small import DICTS, IMAGES, Seen, of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"learning_starts": 20, "buffer_size": 400, "batch_size": 16, "device": "cpu"}


def small(env="CartPole-v1", steps=0, **kwargs):
    model = DiscreteSAC("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs})
    return model.learn(steps) if steps else model


class Nothing(gym.Env):
    """Vectors of three numbers and three actions, not to be played."""

    observation_space, action_space = spaces.Box(-10, 10, (3,)), spaces.Discrete(3)


# -------------------------------------------------------------------------------------------------- numbers of another library
GOLDEN = json.loads((Path(__file__).with_name("golden") / "discrete_sac.json").read_text(encoding="utf-8"))
GIVEN, EXPECTED = GOLDEN["inputs"], GOLDEN["expected"]
OF_MLP = {"h0.W": "0.weight", "h0.b": "0.bias", "out.W": "2.weight", "out.b": "2.bias"}


def take(mlp, weights):
    mlp.load_state_dict({OF_MLP[name]: torch.tensor(x) for name, x in weights.items()})


def gradient(mlp):
    return {name: dict(mlp.named_parameters())[path].grad.numpy() for name, path in OF_MLP.items()}


@pytest.fixture
def told():
    """A model with the other library's weights, its batch of five transitions, and its α."""
    model = small(Nothing(), seed=0, gamma=GIVEN["gamma"], policy_kwargs={"net_arch": [8]})
    policy = model.policy
    take(policy.actor.logits, GIVEN["policy"])
    for critic, name in ((policy.critic, "q"), (policy.critic_target, "target_q")):
        take(critic.q1, GIVEN[f"{name}1"])
        take(critic.q2, GIVEN[f"{name}2"])
    of = lambda name: torch.tensor(GIVEN[name])[None]
    discount = GIVEN["gamma"] * (1 - of("terminated"))
    return model, Transition(of("obs"), of("action")[..., None], of("reward"), of("next_obs"), discount), torch.tensor([GIVEN["temperature"]])


def critic_loss(told):
    model, b, α = told
    model.policy.critic.zero_grad()
    loss, _ = Rows.differentiate(model.q.rows, model.critic_loss, b, α)
    return loss.item()


def test_the_critics_errors_are_those_of_another_library(told):
    """It takes Huber's loss of them where the paper has the square: from its targets both are computed here."""
    model, b, _ = told
    y = b.reward[0] + b.discount[0] * torch.tensor(EXPECTED["next_value"]).float()
    q1, q2 = (q.gather(-1, b.action[0]).squeeze(-1) for q in model.policy.critic(b.obs[0]).chunk(2, -1))
    huber = sum(torch.nn.functional.smooth_l1_loss(q, y).item() for q in (q1, q2))
    assert huber == pytest.approx(EXPECTED["critic_loss_huber_sum"], abs=1e-5)
    assert critic_loss(told) == pytest.approx((0.5 * ((q1 - y) ** 2 + (q2 - y) ** 2)).mean().item(), abs=1e-5)


def test_the_actor_s_loss_and_gradient_are_those_of_another_library(told):
    model, b, α = told
    rows = model.pi.rows
    loss, metrics = rows.differentiate(model.actor_loss, b, α)
    rows.backward(loss)
    assert metrics["actor_loss"].item() == pytest.approx(EXPECTED["actor_loss"], abs=1e-5)
    rows.lend()
    for name, found in gradient(model.policy.actor.logits).items():
        np.testing.assert_allclose(found, EXPECTED["grad_policy"][name], atol=1e-5, err_msg=name)


# ---------------------------------------------------------------------------------------------------------------------- temperature
def test_the_temperature_falls_where_the_entropy_is_above_its_target_and_rises_below(told):
    """H̄ = 0.5 and two states: π = (½, ½, 0) has the entropy ln 2, π = (1, 0, 0) none. At α = e the loss is 1 · mean(ln 2 − 0.5, −0.5)."""
    model, _, _ = told
    model.target_entropy, logits = 0.5, torch.log(torch.tensor([[[0.5, 0.5, 1e-30], [1.0, 1e-30, 1e-30]]]))
    model.pi, model.temperature = lambda obs: logits, lambda like: torch.ones(1, 1)
    loss, _ = model.temperature_loss(None)
    assert loss.item() == pytest.approx(((math.log(2) - 0.5) + (0 - 0.5)) / 2, abs=1e-6)


def test_the_target_entropy_is_nine_tenths_of_that_of_random_actions_or_what_one_says():
    assert small(Nothing()).target_entropy == pytest.approx(0.89 * math.log(3))
    assert small(Nothing(), target_entropy=0.3).target_entropy == 0.3


def test_alpha_rises_where_the_policy_is_to_be_more_random_than_it_is_and_falls_where_less():
    """It starts at 1, and the entropy near ln 2 = 0.693."""
    alpha = lambda target: small(steps=100, seeds=[0], target_entropy=target, learning_rate=0.01).temperature.alpha.item()
    assert alpha(0.75) > 1.2 and alpha(0.1) < 0.8


# --------------------------------------------------------------------------------------------------------------------- playing, files
def test_it_plays_by_the_policy_s_probabilities_and_its_best_action_where_that_is_asked_for(told):
    model, b, _ = told
    obs = b.obs.numpy()[:, :1]
    p = model.policy.actor(b.obs[0, :1]).softmax(-1)[0]
    played = [model.choose(obs).item() for _ in range(2000)]
    np.testing.assert_allclose(np.bincount(played, minlength=3) / 2000, p.detach(), atol=0.05)
    assert model.choose(obs, deterministic=True).item() == model.predict(obs[0], deterministic=True)[0].item() == p.argmax()
    assert {model.predict(obs[0])[0].item() for _ in range(60)} == set(played)


def test_together_and_one_by_one_are_the_same():
    fast, general = (small(steps=40, seeds=[0]) for _ in range(2))
    for net in (general.policy.actor, general.policy.critic, general.policy.critic_target):
        net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(60, reset_num_timesteps=False)
    assert fast.q.is_stacked and fast.pi.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


def test_a_policy_is_saved_and_loaded_by_itself(tmp_path):
    model = small(steps=40, seed=0)
    model.policy.save(tmp_path / "policy")
    again, obs = type(model.policy).load(tmp_path / "policy"), torch.randn(6, 4)
    assert torch.equal(again.critic(obs), model.policy.critic(obs)) and torch.equal(again._predict(obs, True), model.policy._predict(obs, True))


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
def test_images_and_dicts_are_learnt_from(policy, space):
    small_nets = {"net_arch": [8], **({"features_extractor_kwargs": {"features_dim": 8}} if policy == "CnnPolicy" else {})}
    model = DiscreteSAC(policy, Seen(space), seed=0, **{**SMALL, "batch_size": 4, "learning_starts": 4}, policy_kwargs=small_nets)
    before = of_parameters(model)
    assert not torch.equal(before, of_parameters(model.learn(8)))


@pytest.mark.parametrize("kwargs", [{"n_critics": 3}, {"share_features_extractor": True}])
def test_what_its_policy_has_not_is_refused(kwargs):
    with pytest.raises(ValueError, match="two critics"):
        small(policy_kwargs=kwargs)
