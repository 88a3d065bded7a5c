"""The online actor-critic: the numbers of its box, worked by hand, and what the traces are for."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import ActorCritic

pytestmark = pytest.mark.numerical


class One(gym.Env):
    """One state, seen as the number 1, and a reward of 1 for each step; an episode has three steps, and is cut there."""

    observation_space, action_space = spaces.Box(0, 1, (1,), np.float32), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.ones(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.ones(1, np.float32), 1.0, False, self.t == 3, {}


def linear(**more):
    """π and v̂ are linear in the number that is seen, and all their weights 0; action 0 is always taken. γ = ½, both rates 0.1."""
    given = {"learning_rate": 0.1, "critic_learning_rate": 0.1, "gamma": 0.5, "policy_kwargs": {"net_arch": []}, **more}
    model = ActorCritic("MlpPolicy", One, seed=0, device="cpu", **given)
    with torch.no_grad():
        for p in model.policy.parameters():
            p.zero_()
    model.act = lambda obs, deterministic=False: np.zeros((1, 1), int)
    return model


def after(model, steps):
    """Weights of v̂ and of the first action's logit: bias and slope see the same, the number being 1."""
    model.learn(steps, log_interval=None)
    v, logit = model.policy.baseline.layers[0], model.policy.actor.layers[0]
    assert v.bias.item() == v.weight.item() and torch.equal(logit.bias, logit.weight[:, 0])
    return v.bias.item(), logit.bias[0].item()


def test_a_step_moves_both_networks_along_their_gradients_times_the_error():
    """δ = 1 + ½·0 − 0 = 1, ∇v̂ = 1, ∇ln π = 1 − ½."""
    assert after(linear(), 1) == pytest.approx((0.1 * 1 * 1, 0.1 * 1 * 0.5), abs=1e-7)


def test_the_second_step_counts_less_by_gamma_for_the_actor():
    """v̂ = 0.2 and π = σ(0.2) after the first: δ = 1 + ½·0.2 − 0.2 = 0.9, I = ½."""
    p = 1 / (1 + np.exp(-0.2))
    assert after(linear(), 2) == pytest.approx((0.1 + 0.1 * 0.9, 0.05 + 0.1 * 0.9 * 0.5 * (1 - p)), abs=1e-7)


def test_without_the_power_of_gamma_it_counts_the_same():
    p = 1 / (1 + np.exp(-0.2))
    assert after(linear(gamma_power=False), 2)[1] == pytest.approx(0.05 + 0.1 * 0.9 * (1 - p), abs=1e-7)


def test_a_trace_gives_the_first_step_its_share_of_the_second_error():
    """λ = 1: z = ½·1 + 1 for v̂, and ½·½ + ½ (1 − p) for π, whose second gradient counts half."""
    p = 1 / (1 + np.exp(-0.2))
    found = after(linear(actor_lambda=1.0, critic_lambda=1.0), 2)
    assert found == pytest.approx((0.1 + 0.1 * 0.9 * 1.5, 0.05 + 0.1 * 0.9 * (0.25 + 0.5 * (1 - p))), abs=1e-7)


def test_a_new_episode_begins_without_traces_and_counts_in_full():
    model = linear(actor_lambda=1.0, critic_lambda=1.0)
    after(model, 2)
    assert model.I == 0.25 and all(z.any() for z in model.traces.values())
    model.learn(1, log_interval=None, reset_num_timesteps=False)
    assert model.I == 1 and not any(z.any() for z in model.traces.values())


def test_a_time_limit_is_bootstrapped_from():
    """In the third step v̂ = 2w = 0.38: δ = 1 + ½·0.38 − 0.38, though the episode is cut there."""
    w = 0.1 + 0.09
    assert after(linear(), 3)[0] == pytest.approx(w + 0.1 * (1 + 0.5 * 2 * w - 2 * w), abs=1e-7)


@pytest.mark.parametrize("optimizer_class", [torch.optim.SGD, torch.optim.Adam])
def test_modules_that_are_asked_one_by_one_learn_the_same_with_traces(optimizer_class):
    kwargs = {"net_arch": [8], "optimizer_class": optimizer_class}
    given = {"actor_lambda": 0.7, "critic_lambda": 0.9, "policy_kwargs": kwargs, "learning_rate": 0.01, "critic_learning_rate": 0.01}
    together, asked = (ActorCritic("MlpPolicy", "CartPole-v1", seeds=[1], device="cpu", **given) for _ in range(2))
    for module in asked.policy.modules():
        module.register_forward_hook(lambda *_: None)
    for model in (together, asked):
        model.learn(40, log_interval=None)
    for (name, mine), theirs in zip(together.policy.named_parameters(), asked.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-6, msg=name)


def test_a_parameter_that_is_frozen_stays_and_the_others_learn():
    model = ActorCritic("MlpPolicy", "CartPole-v1", seed=1, device="cpu", actor_lambda=0.5)
    frozen, free = model.policy.actor.layers[0].weight, model.policy.actor.layers[2].weight
    frozen.requires_grad_(False)
    before = frozen.clone(), free.clone()
    model.learn(20, log_interval=None)
    assert torch.equal(frozen, before[0]) and not torch.equal(free, before[1])


@pytest.mark.parametrize(("name", "value"), [("actor_lambda", 1.5), ("critic_lambda", -0.1), ("critic_learning_rate", -1.0)])
def test_what_no_trace_and_no_step_can_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}: give a number"):
        ActorCritic("MlpPolicy", One, device="cpu", **{name: value})


@pytest.mark.slow
def test_with_traces_it_learns_to_hold_the_pole():
    model = ActorCritic("MlpPolicy", "CartPole-v1", seeds=range(3), device="cpu", actor_lambda=0.8, critic_lambda=0.8)
    model.learn(20_000, log_interval=None)
    returns = [np.mean([episode["r"] for episode in list(buffer)[-30:]]) for buffer in model.ep_info_buffers]
    assert np.mean(returns) > 150, returns
