"""ImplicitQLearning: numbers of another library, numbers by hand, and small data sets whose best policy is known."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import ImplicitQLearning
from from_scratch.core.data import Transition
from tests.from_scratch.small import DICTS, IMAGES, of_parameters

pytestmark = pytest.mark.numerical

VECTORS, FORCES, THREE = spaces.Box(-1, 1, (3,), np.float32), spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3)


def a_model(cls=ImplicitQLearning, actions=FORCES, observations=VECTORS, policy="MlpPolicy", **more):
    return cls(policy, (observations, actions), **{"device": "cpu", "seed": 0, "policy_kwargs": {"net_arch": [8]}, **more})


def steps(actions, observations=VECTORS, n=64, reward=lambda obs, action: 0.0):
    """Single steps of random play, each an episode."""
    observations.seed(0)
    actions.seed(1)
    draw = lambda space: [space.sample() for _ in range(n)]
    stacked = lambda each: {key: np.stack([x[key] for x in each]) for key in each[0]} if isinstance(each[0], dict) else np.stack(each)
    obs, a = draw(observations), np.stack(draw(actions))
    r, ends = np.array([reward(*pair) for pair in zip(obs, a, strict=True)]), np.ones(n, bool)
    return {"observations": stacked(obs), "actions": a, "rewards": r, "next_observations": stacked(obs), "terminations": ends, "truncations": ~ends}


# -------------------------------------------------------------------------------------------------------- numbers of another library
def golden(name):
    of = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    return of["inputs"], of["expected"]


OF_MLP = {"h0.W": "0.weight", "h0.b": "0.bias", "out.W": "2.weight", "out.b": "2.bias", "mu.W": "2.weight", "mu.b": "2.bias"}


def take(mlp, weights):
    mlp.load_state_dict({OF_MLP[name]: torch.tensor(x) for name, x in weights.items() if name in OF_MLP})


def batch(given):
    of = lambda name: torch.tensor(given[name])[None].float()
    discount = given.get("gamma", 0.99) * (1 - of("terminated"))
    return Transition(of("obs"), of("action"), of("reward"), of("next_obs"), discount)


def differentiated(equation, net, *data):
    """(loss, the module's parameters by name, with their gradients)."""
    loss, _ = net.rows.differentiate(equation, *data)
    net.rows.backward(loss)
    net.rows.lend()
    loss = loss.loss.value if hasattr(loss, "loss") else loss.detach()
    return float(np.asarray(loss).item()), dict(net.modules[0].named_parameters())


def assert_gradient(parameters, prefix, wanted):
    for name, path in OF_MLP.items():
        if name in wanted:
            np.testing.assert_allclose(parameters[f"{prefix}.{path}"].grad.numpy(), wanted[name], atol=1e-5, err_msg=f"{prefix} {name}")


@pytest.fixture
def iql():
    """A model with the other library's weights, and its batch of five transitions."""
    given, expected = golden("iql")
    model = a_model(gamma=given["gamma"], expectile=given["expectile"], beta=given["weight_temp"], max_weight=given["max_weight"])
    policy = model.policy
    take(policy.actor.layers, given["policy"])
    policy.actor.log_std.data.copy_(torch.tensor(expected["policy_logstd"]))
    take(policy.value.layers, given["value"])
    for critic, name in ((policy.critic, "q"), (policy.critic_target, "target_q")):
        for k, q in enumerate(critic.q_networks):
            take(q, given[f"{name}{k + 1}"])
    return model, batch(given), expected


def test_the_value_s_loss_and_gradient_are_those_of_another_library(iql):
    model, b, expected = iql
    loss, parameters = differentiated(model.value_loss, model.v, b)
    assert loss == pytest.approx(expected["v_loss"], abs=1e-5)
    assert_gradient(parameters, "layers", expected["grad_value"])


def test_the_critics_loss_and_gradient_are_those_of_another_library(iql):
    model, b, expected = iql
    loss, parameters = differentiated(model.critic_loss, model.q, b)
    assert loss == pytest.approx(expected["q_loss"], abs=1e-5)
    for k in range(2):
        assert_gradient(parameters, f"qf{k}", expected[f"grad_q{k + 1}"])


def test_the_actor_s_loss_and_gradient_are_those_of_another_library(iql):
    """Its log σ is −5 + 7 sigmoid(p) of a parameter p, and its gradient that of p: by the chain rule ours times 7 sigmoid'(p)."""
    model, b, expected = iql
    loss, parameters = differentiated(model.actor_loss, model.pi, b)
    assert loss == pytest.approx(expected["actor_loss"], abs=1e-5)
    assert_gradient(parameters, "layers", expected["grad_policy"])
    part = (torch.tensor(expected["policy_logstd"]) + 5) / 7
    np.testing.assert_allclose(parameters["log_std"].grad.numpy() * (7 * part * (1 - part)).numpy(), expected["grad_policy"]["logstd"][0], atol=1e-5)


# ------------------------------------------------------------------------------------------------------------- numbers worked by hand
def test_a_weight_is_the_exponential_of_the_advantage_and_never_more_than_its_bound():
    """β = 2, and A = 0.5 and 10: exp 1 and the bound 100. With log π = −1 and −1 the loss is their mean."""
    model = a_model(actions=THREE, beta=2.0)
    model.advantage, model.log_prob = lambda b: torch.tensor([[0.5, 10.0]]), lambda b: torch.tensor([[-1.0, -1.0]])
    loss, _ = model.actor_loss(None)
    assert loss.item() == pytest.approx((np.e + 100) / 2, abs=1e-4)


def test_critics_of_discrete_actions_are_read_at_the_action_that_was_taken():
    """Two critics of three actions put out 0 … 5: at the actions 2 and 0 they say 2 and 5, and 0 and 3."""
    model = a_model(actions=THREE)
    q = model.of_pairs(lambda obs: torch.arange(6.0).expand(1, 2, 6), None, torch.tensor([[[2], [0]]]))
    assert q.tolist() == [[[2, 0], [5, 3]]]


def fitted_value(expectile):
    """V where half of the actions gave 0 and half gave 1, and Q says so."""
    model = a_model(actions=THREE, expectile=expectile, learning_rate=0.01)
    model.of_pairs = lambda critic, obs, action: torch.tensor([[[0.0, 1.0]] * 2])
    b = Transition(torch.zeros(1, 2, 3), torch.zeros(1, 2, 1), torch.zeros(1, 2), torch.zeros(1, 2, 3), torch.zeros(1, 2))
    for _ in range(400):
        model.minimise(lambda b: model.value_loss(b), b, by=model.v)
    return model.v.play(np.zeros((1, 1, 3), np.float32)).item()


@pytest.mark.parametrize("expectile", [0.5, 0.9])
def test_v_is_the_expectile_of_the_actions_values(expectile):
    """Of 0 and 1, equally often, it is m with τ (1 − m) = (1 − τ) m: τ itself."""
    assert fitted_value(expectile) == pytest.approx(expectile, abs=0.01)


def test_the_actor_s_learning_rate_falls_along_a_cosine_and_the_others_stay():
    seen = []

    def look(local, _):
        policy = local["self"].policy
        seen.append([optimizer.param_groups[0]["lr"] for optimizer in (policy.optimizer, policy.critic_optimizer, policy.value_optimizer)])
        return True

    a_model(actions=THREE, dataset=steps(THREE), learning_rate=0.01, batch_size=8).learn(4, callback=look)
    np.testing.assert_allclose(seen, [[0.01 * (1 + np.cos(np.pi * i / 4)) / 2, 0.01, 0.01] for i in range(4)])


def test_an_actor_s_learning_rate_of_one_s_own_is_taken_as_it_is():
    model = a_model(actions=THREE, dataset=steps(THREE), actor_learning_rate=0.002, batch_size=8).learn(4)
    assert model.policy.optimizer.param_groups[0]["lr"] == 0.002


# ------------------------------------------------------------------------------------------------------------------------- learning
def test_the_better_of_the_data_s_actions_is_learnt_and_bound_by_the_data():
    """The reward is −(a − ½)² of the first number: π's mean moves there, from the data's mean, 0."""
    data = steps(FORCES, n=256, reward=lambda obs, a: -((a[0] - 0.5) ** 2))
    model = a_model(dataset=data, learning_rate=0.003, beta=20.0, expectile=0.5, seeds=[0], seed=None, batch_size=64).learn(800)
    a = model.predict(data["observations"][:64], deterministic=True)[0]
    assert a[:, 0].mean() == pytest.approx(0.5, abs=0.12)
    assert abs(a[:, 1].mean()) < 0.2


def test_the_best_of_discrete_actions_is_learnt():
    data = steps(THREE, n=256, reward=lambda obs, a: float(a == (obs[0] > 0)))
    model = a_model(actions=THREE, dataset=data, learning_rate=0.01, beta=10.0, seeds=[0], seed=None, batch_size=64).learn(600)
    a = model.predict(data["observations"], deterministic=True)[0]
    assert (a == (data["observations"][:, 0] > 0)).mean() > 0.95


@pytest.mark.parametrize("actions", [FORCES, THREE], ids=["forces", "three"])
def test_together_and_one_by_one_are_the_same(actions):
    fast, general = (a_model(actions=actions, dataset=steps(actions), batch_size=16, seeds=[0], seed=None) for _ in range(2))
    for net in (general.policy.actor, general.policy.critic, general.policy.critic_target, general.policy.value):
        net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(30)
    assert fast.q.is_stacked and fast.pi.is_stacked and fast.v.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


def test_an_action_of_another_scale_is_learnt_and_predicted_in_that_scale():
    """Bounds of ±4: actions are in [−1, 1] to the networks, and 2 is ½ there."""
    wide = spaces.Box(-4, 4, (1,), np.float32)
    data = steps(wide, n=64)
    data["actions"] = np.full((64, 1), 2.0, np.float32)
    model = a_model(actions=wide, dataset=data, learning_rate=0.01, batch_size=32).learn(400)
    assert model.memory.action.max() == 0.5
    assert model.predict(data["observations"][:4], deterministic=True)[0] == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
@pytest.mark.parametrize("actions", [FORCES, THREE], ids=["forces", "three"])
def test_images_and_dicts_are_learnt_from(policy, space, actions):
    small = {"net_arch": [8], **({"features_extractor_kwargs": {"features_dim": 8}} if policy == "CnnPolicy" else {})}
    model = a_model(actions=actions, observations=space, policy=policy, dataset=steps(actions, space, 8), batch_size=4, policy_kwargs=small)
    before = of_parameters(model)
    assert not torch.equal(before, of_parameters(model.learn(2)))


@pytest.mark.parametrize("actions", [FORCES, THREE], ids=["forces", "three"])
def test_a_policy_is_saved_and_loaded_by_itself(tmp_path, actions):
    model = a_model(actions=actions)
    model.policy.save(tmp_path / "policy")
    again, obs = type(model.policy).load(tmp_path / "policy"), np.ones((6, 3), np.float32)
    assert np.array_equal(again.predict(obs, deterministic=True)[0], model.policy.predict(obs, deterministic=True)[0])
    assert torch.equal(again.value(torch.as_tensor(obs)), model.policy.value(torch.as_tensor(obs)))


def test_a_deviation_outside_its_range_is_cut_to_it():
    model = a_model(policy_kwargs={"net_arch": [8], "log_std_range": (-2.0, -1.0)})
    model.policy.actor.log_std.data.fill_(5.0)
    model.adopt()
    assert model.pi(torch.zeros(1, 1, 3)).log_std.unique().tolist() == [-1.0]


def test_an_action_drawn_beyond_the_bounds_is_cut_to_them():
    model = a_model()
    a = np.array([model.choose(np.zeros((1, 1, 3), np.float32))[0, 0] for _ in range(200)])  # σ = 1 around 0
    b = np.array([model.policy.predict(np.zeros(3, np.float32))[0] for _ in range(200)])
    for drawn in (a, b):
        assert np.abs(drawn).max() == 1 and (np.abs(drawn) < 1).any()


@pytest.mark.parametrize(("name", "value"), [("expectile", 1.5), ("beta", -1.0), ("max_weight", 0.0)])
def test_what_means_nothing_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        a_model(**{name: value})
