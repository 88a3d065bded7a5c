"""Behaviour cloning: another library's numbers, and what is cloned."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import BC, FilteredBC
from tests.from_scratch.offline_numbers import Three, assert_gradient, batch, differentiated, golden, recorded, take
from tests.from_scratch.small import DICTS, IMAGES

pytestmark = pytest.mark.numerical

TWO, ONE = spaces.Box(-1, 1, (2,)), spaces.Box(-2, 6, (1,))
COIN, THREE = spaces.Discrete(2), spaces.Discrete(3)


def clone(data, cls=BC, steps=0, policy="MlpPolicy", **kwargs):
    given = {"policy_kwargs": {"net_arch": [16]}, "seed": 0, "batch_size": 16, "learning_rate": 3e-3, "device": "cpu", **kwargs}
    return cls(policy, None, dataset=data, **given).learn(steps)


# -------------------------------------------------------------------------------------------------- numbers of another library
def told(name, action_space):
    given, expected = golden(name)
    model = BC("MlpPolicy", Three(action_space), seed=0, device="cpu", policy_kwargs={"net_arch": [8]})
    take(model.policy.actor.layers, given["policy"])
    return model, given, expected


def test_the_squared_error_and_its_gradient_are_those_of_another_library():
    model, given, expected = told("bc_continuous", TWO)
    loss, _ = differentiated(model.pi, model.squared_error, batch(given))
    assert loss == pytest.approx(expected["loss"], abs=1e-5)
    assert_gradient(model.policy.actor.layers, expected["grad_policy"])
    np.testing.assert_allclose(model.predict(np.float32(given["obs"]))[0], expected["policy_action"], atol=1e-5)


def test_the_cross_entropy_and_its_gradient_are_those_of_another_library_less_its_penalty():
    """It adds β times the mean square of the log-probabilities, which the likelihood does not have: its gradient is worked out by autograd here."""
    model, given, expected = told("bc_discrete", THREE)
    mlp = model.policy.actor.layers
    penalty = given["beta"] * (mlp(torch.tensor(given["obs"])).log_softmax(-1) ** 2).mean()
    assert penalty.item() == pytest.approx(expected["regularization"], abs=1e-5)
    of_penalty = dict(zip(("h0.W", "h0.b", "out.W", "out.b"), torch.autograd.grad(penalty, mlp.parameters()), strict=True))
    loss, _ = differentiated(model.pi, model.surprise, batch(given, discrete=True))
    assert loss == pytest.approx(expected["cross_entropy"], abs=1e-5)
    assert_gradient(mlp, {name: np.array(g) - of_penalty[name].numpy() for name, g in expected["grad_policy"].items()})


# ----------------------------------------------------------------------------------------------------------------- what is cloned
def test_of_two_actions_in_one_state_the_squared_error_learns_their_mean():
    """A quarter of the actions is 6 and three quarters are −2, in the bounds −2 … 6: their mean is 0."""
    data = recorded(np.tile(np.float32([[6], [-2], [-2], [-2]]), (16, 1)), ONE, observations=np.zeros((64, 3), np.float32))
    action, _ = clone(data, steps=400, batch_size=64).predict(np.zeros(3, np.float32))
    assert action == pytest.approx(0, abs=0.2)


def test_the_likelihood_learns_their_deviation_as_well():
    """In [−1, 1] the actions are ±0.5: the mean is 0, σ 0.5, and in the bounds −2 … 6 that is 2 ± 2."""
    data = recorded(np.tile(np.float32([[4], [0]]), (32, 1)), ONE, observations=np.zeros((64, 3), np.float32))
    model = clone(data, steps=600, policy="GaussianPolicy", learning_rate=1e-2, batch_size=64)
    assert model.policy.actor.log_std.exp().item() == pytest.approx(0.5, abs=0.05)
    assert model.predict(np.zeros(3, np.float32), deterministic=True)[0] == pytest.approx(2, abs=0.4)
    drawn = np.array([model.predict(np.zeros(3, np.float32))[0].item() for _ in range(300)])
    assert drawn.std() == pytest.approx(2, abs=0.3)


def test_discrete_actions_are_drawn_as_often_as_they_were_recorded():
    data = recorded(np.tile([0, 1, 1, 1], 16), COIN, observations=np.zeros((64, 3), np.float32))
    model = clone(data, steps=300, batch_size=64)
    assert model.policy.actor(torch.zeros(1, 3)).softmax(-1)[0, 1].item() == pytest.approx(0.75, abs=0.04)
    assert model.predict(np.zeros(3, np.float32), deterministic=True)[0] == 1
    assert {int(model.predict(np.zeros(3, np.float32))[0]) for _ in range(40)} == {0, 1}


def test_of_the_best_tenth_alone_the_actions_are_learnt():
    """Ten episodes of ten steps; the one that returned most took action 1, all others 0."""
    actions, rewards = np.zeros(100, int), np.zeros(100)
    actions[40:50], rewards[49] = 1, 5.0
    data = recorded(actions, COIN, rewards, [10] * 10)
    chosen = {cls: clone(data, cls, 150).predict(data.observations, deterministic=True)[0] for cls in (BC, FilteredBC)}
    assert chosen[FilteredBC].all() and chosen[BC].mean() < 0.3


def test_the_fraction_is_counted_in_steps():
    """A long good episode fills the half: a short one that is nearly as good is left out with the rest."""
    data = recorded([1] * 50 + [0] * 50, COIN, [0] * 49 + [9] + [0] * 9 + [8] + [0] * 40, [50, 10, 40])
    assert clone(data, FilteredBC, 1, fraction=0.5).memory.size == 50
    assert clone(data, FilteredBC, 1, fraction=1.0).memory.size == 100


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
@pytest.mark.parametrize("action_space", [TWO, COIN])
def test_images_and_dicts_are_cloned_from(policy, space, action_space):
    space.seed(0), action_space.seed(0)
    obs = [space.sample() for _ in range(8)]
    together = {key: np.stack([o[key] for o in obs]) for key in space.spaces} if policy == "MultiInputPolicy" else np.stack(obs)
    data = {
        "observations": together, "next_observations": together, "actions": np.stack([action_space.sample() for _ in range(8)]),
        "rewards": np.zeros(8, np.float32), "terminations": np.zeros(8, bool), "truncations": np.arange(8) == 7,
    }  # fmt: skip
    model = BC(policy, (space, action_space), dataset=data, seed=0, batch_size=4, device="cpu", policy_kwargs={"net_arch": [8]}).learn(2)
    assert model.action_space.contains(model.predict(obs[0])[0])
