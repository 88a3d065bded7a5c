"""REDQ's random subsets and DroQ's dropped units, with numbers worked by hand; and that all ways of computing them agree."""

import gymnasium as gym
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from from_scratch import REDQ, DroQ, eager
from from_scratch.core.lockstep import Layers, Rows
from from_scratch.core.lockstep.layers import Masked


class Nothing(gym.Env):
    """Observations are 1, every episode one step long; actions do nothing and pay nothing."""

    observation_space, action_space = gym.spaces.Box(0, 2, (1,), np.float32), gym.spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), 0.0, True, False, {}


def model_of(cls, n_critics, **more):
    kwargs = {"net_arch": [4], "n_critics": n_critics, **more.pop("policy_kwargs", {})}
    fast = {"learning_starts": 4, "batch_size": 8, "gradient_steps": 2, "policy_delay": 2, "buffer_size": 100, "device": "cpu"}
    return cls("MlpPolicy", Nothing, **{"seeds": [0], **fast, "policy_kwargs": kwargs, **more})


def put_out(critics, values):
    """Let every critic put out one number, whatever it sees."""
    with torch.no_grad():
        for network, value in zip(critics.q_networks, values, strict=True):
            for p in network.parameters():
                p.zero_()
            network[-1].bias.fill_(value)


# ------------------------------------------------------------------------------------------------------------------------- REDQ
def test_the_target_is_the_smallest_of_the_critics_that_were_drawn():
    """Targets put out 5, 1, 7 and 3; of the first and third the smaller is 5: y = 1 + ½ · 5 = 3.5, and critics that say 0 lose 4 · ½ · 3.5²."""
    model = model_of(REDQ, 4, ent_coef=0.0).learn(10)
    put_out(model.critic, [0.0] * 4)
    put_out(model.critic_target, [5.0, 1.0, 7.0, 3.0])
    b = model.memory.sample(1)
    b.reward[:], b.discount[:] = 1.0, 0.5
    left_out = torch.tensor([0.0, np.inf, 0.0, np.inf]).view(1, 4, 1)
    loss, _ = model.ensemble_loss(b, model._rng.noise(1, 1), torch.zeros(1), left_out)
    assert loss.item() == pytest.approx(4 * 0.5 * 3.5**2)


def test_the_actor_climbs_the_mean_of_all_critics():
    model = model_of(REDQ, 4).learn(10)
    put_out(model.critic, [5.0, 1.0, 7.0, 3.0])
    loss, _ = model.actor_loss(model.memory.sample(3), model._rng.noise(3, 1), torch.zeros(1))
    assert loss.item() == pytest.approx(-4.0)


def test_every_update_draws_m_critics_and_every_critic_is_drawn_as_often():
    model = model_of(REDQ, 5, n_target_critics=2)
    drawn = torch.stack([model.left_out()[0, :, 0] == 0 for _ in range(500)])
    assert (drawn.sum(1) == 2).all()
    chi_square = ((drawn.sum(0) - 200.0) ** 2 / 200).sum().item()
    assert chi_square < 18.5  # 4 degrees of freedom, 1 in 1000


def test_the_actor_moves_once_every_so_many_updates_of_the_critics():
    model = model_of(REDQ, 3, gradient_steps=1, policy_delay=4).learn(4)
    moved = []
    for _ in range(8):
        before = [p.detach().clone() for p in (*model.actor.parameters(), *model.critic.parameters())]
        model.learn(1, reset_num_timesteps=False)
        after = [*model.actor.parameters(), *model.critic.parameters()]
        n = len(list(model.actor.parameters()))
        changed = [not torch.equal(x, y) for x, y in zip(before, after, strict=True)]
        moved.append((any(changed[:n]), any(changed[n:])))
    assert moved == [(False, True), (False, True), (False, True), (True, True)] * 2


def test_more_critics_cannot_be_drawn_than_there_are():
    with pytest.raises(ValueError, match="n_target_critics=3 cannot be drawn from 2: give at most 2, or policy_kwargs with a larger n_critics"):
        model_of(REDQ, 2, n_target_critics=3)


def test_ten_critics_and_twenty_updates_are_the_default():
    model = REDQ("MlpPolicy", Nothing, buffer_size=10, device="cpu")
    assert (len(model.critic.q_networks), model.n_target_critics, model.gradient_steps, model.policy_delay) == (10, 2, 20, 20)


# ------------------------------------------------------------------------------------------------------------------------- DroQ
def test_a_hidden_layer_is_relu_of_layer_norm_of_dropout():
    """x = (1, 2, 3) through the identity; the third unit dropped and the others doubled: 2, 4, 0, mean 2, variance 8/3: (0, √1.5, 0) behind the ReLU."""
    linear = nn.Linear(3, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.eye(3)), linear.bias.zero_()
    network = nn.Sequential(linear, Masked(), nn.LayerNorm(3, eps=0.0), nn.ReLU())
    layers = Layers(Rows([network]), [network])
    masks = torch.tensor([[[2.0, 2.0, 0.0]]])
    torch.testing.assert_close(layers(torch.tensor([[[1.0, 2.0, 3.0]]]), masks=masks), torch.tensor([[[0.0, 1.5**0.5, 0.0]]]))
    torch.testing.assert_close(layers(torch.tensor([[[1.0, 2.0, 3.0]]])), F.relu(F.layer_norm(torch.tensor([[[1.0, 2.0, 3.0]]]), (3,), eps=0.0)))


def test_masks_drop_with_the_probability_given_and_keep_the_mean():
    model = model_of(DroQ, 2, policy_kwargs={"net_arch": [50, 50], "dropout_rate": 0.2})
    masks = model.q.masks(model._rng, 64)
    assert masks.shape == (1, 2, 64, 100) and set(masks.unique().tolist()) == {0.0, 1.25}
    assert masks.mean().item() == pytest.approx(1, abs=4 * (0.25 / masks.numel()) ** 0.5)


@pytest.mark.parametrize("of", ["target", "critics", "actor"])
def test_dropped_units_count_in_targets_in_critics_and_for_the_actor(of):
    model = model_of(DroQ, 2, policy_kwargs={"net_arch": [8]}).learn(12)
    b, noise, α, kept = model.memory.sample(4), model._rng.noise(4, 1), torch.zeros(1), torch.ones(1, 2, 4, 8)
    b.discount[:] = 0.9
    if of == "actor":
        losses = [model.dropped_actor_loss(b, noise, α, mask)[0].item() for mask in (kept, 0 * kept)]
    else:
        losses = [model.dropped_loss(b, noise, α, *((mask, kept) if of == "target" else (kept, mask)))[0].item() for mask in (kept, 0 * kept)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_every_seed_drops_what_its_own_stream_says():
    alone, stack = model_of(DroQ, 2, seeds=[3]), model_of(DroQ, 2, seeds=[1, 3])
    drawn = stack.q.masks(stack._rng, 5)
    assert torch.equal(alone.q.masks(alone._rng, 5)[0], drawn[1])


def test_a_user_who_asks_a_critic_has_nothing_dropped():
    model = model_of(DroQ, 2, policy_kwargs={"net_arch": [8], "dropout_rate": 0.9}).learn(10)
    q = [model.critic(torch.ones(1, 1), torch.zeros(1, 1))[0].item() for _ in range(2)]
    assert q[0] == q[1]


def test_a_rate_that_drops_everything_is_refused():
    with pytest.raises(ValueError, match=r"dropout_rate=1\.0: give the probability of a unit to be dropped, at least 0 and below 1"):
        model_of(DroQ, 2, policy_kwargs={"dropout_rate": 1.0})


@pytest.mark.parametrize("cls", [REDQ, DroQ])
def test_programs_tensors_and_modules_learn_the_same(cls):
    found = []
    for way in ("program", "tape", "modules"):
        model = cls("MlpPolicy", "Pendulum-v1", seeds=[3], learning_starts=20, batch_size=8, gradient_steps=2, policy_delay=2, device="cpu",
                    policy_kwargs={"net_arch": [8], **({"dropout_rate": 0.3} if cls is DroQ else {})})  # fmt: skip
        if way == "modules":
            model.critic.register_forward_hook(lambda *_: None)
        with eager(way == "tape"):
            found.append([p.detach() for p in model.learn(30).policy.parameters()])
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
