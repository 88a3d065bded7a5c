"""BootstrappedDQN: heads, masks and priors, by hand."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch import BootstrappedDQN
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import Rows
from from_scratch.core.networks.heads import vote
from from_scratch.envs.chains.deep_sea import DeepSea
from tests.from_scratch.small import of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"n_heads": 3, "learning_starts": 20, "buffer_size": 400, "batch_size": 16, "target_update_interval": 40, "device": "cpu", "learning_rate": 1e-3}


def small(env="CartPole-v1", steps=0, callback=None, **kwargs):
    return BootstrappedDQN("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs}).learn(steps, callback)


# ------------------------------------------------------------------------------------------------------------------------------ loss
@pytest.mark.parametrize(("mask", "loss"), [((1, 1), 2.0), ((1, 0), 0.5), ((0, 1), 1.5), ((0, 0), 0.0)])
def test_a_head_learns_from_its_own_target_where_its_mask_is_1(mask, loss):
    """Two heads say 1 and 2 of the action, and at best 4 and 10 of the next state: y = ½ + ½ · (4, 10), errors 1.5 and 3.5, Huber's 1 and 3."""
    model = small(n_heads=2, seed=0)
    model.q = lambda _: torch.tensor([[[[1.0, 9.0], [2.0, 9.0]]]])
    model.q_target = lambda _: torch.tensor([[[[4.0, 3.0], [0.0, 10.0]]]])
    b = Transition(None, torch.tensor([[[0, *mask]]]), torch.tensor([[0.5]]), None, torch.tensor([[0.5]]))
    assert model.loss(b)[0].tolist() == [loss]


def test_the_program_gives_autograd_s_gradient_and_heads_without_a_mask_get_none():
    model = small(steps=60, seeds=[1, 2])
    rows, batch = model.q.rows, model.memory.sample(16, 0.99)
    batch.action[..., 1] = 0  # the first of three heads is to learn from nothing
    loss, _ = rows.differentiate(model.loss, batch)
    rows.backward(loss)
    mine = rows.grad.clone()
    Rows.backward(rows, Rows.differentiate(rows, model.loss, batch)[0])
    torch.testing.assert_close(mine, rows.grad, atol=1e-7, rtol=1e-4)
    assert (mine.abs().amax(-1) > 0).tolist() == [False, True, True] * 2  # a row for each head of each seed


# ---------------------------------------------------------------------------------------------------------------------------- priors
def test_a_head_s_values_are_what_it_learnt_and_beta_times_its_prior():
    net, obs = small(seed=0, prior_scale=2.5).policy.q_net, torch.randn(5, 4)
    q = net(obs)
    for k in range(3):
        torch.testing.assert_close(q[:, k], net.heads[k](obs) + 2.5 * net.priors[k](obs))
    assert not torch.equal(net.priors[0](obs), net.priors[1](obs)) and not torch.equal(net.heads[0](obs), net.priors[0](obs))


def test_priors_stay_as_they_are_and_are_the_target_network_s_too():
    model = small(seeds=[0])
    net, target = model.policy.q_net, model.policy.q_net_target
    before, learnt = ([p.clone() for p in part.parameters()] for part in (net.priors, net.heads))
    model.learn(80)
    assert all(torch.equal(p, q) and torch.equal(p, r) for p, q, r in zip(before, net.priors.parameters(), target.priors.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(learnt, net.heads.parameters(), strict=True))


def test_with_a_scale_of_0_there_are_no_priors():
    net, obs = small(seed=0, prior_scale=0.0, steps=40).policy.q_net, torch.randn(5, 4)
    assert len(net.priors) == 0
    torch.testing.assert_close(net(obs), torch.stack([head(obs) for head in net.heads], 1))


# ----------------------------------------------------------------------------------------------------------------------------- masks
def masks_of(model):
    return np.stack([buffer.actions[: buffer.size(), ..., 1:] for buffer in model.replay_buffers])  # [S, N, E, K]


def test_a_mask_is_1_with_its_probability_for_each_head_and_kept_with_the_step():
    masks = masks_of(small(steps=304, seeds=[0, 1], n_envs=2, learning_starts=1000, mask_prob=0.75))
    assert masks.shape == (2, 152, 2, 3) and set(np.unique(masks)) == {0, 1}
    assert abs(masks.mean() - 0.75) < 0.05  # 1,800 draws: a standard error of 0.01
    of_heads = masks.reshape(-1, 3).T
    assert not np.array_equal(masks[0], masks[1]) and len(np.unique(of_heads, axis=0)) == 3  # seeds and heads have their own


def test_with_a_probability_of_1_every_head_learns_from_every_step():
    assert masks_of(small(steps=100, seeds=[0], mask_prob=1.0)).min() == 1


# ----------------------------------------------------------------------------------------------------------------------------- acting
class Heads(BaseCallback):
    """Keeps which head acted at each step, and where episodes ended."""

    def __init__(self):
        super().__init__()
        self.heads, self.ends = [], []

    def _on_step(self):
        self.heads.append(self.model.head.copy())
        self.ends.append(self.locals["dones"].reshape(self.model.head.shape).copy())
        return True


def test_a_head_acts_for_a_whole_episode_of_its_environment_and_another_is_drawn_at_its_end():
    seen = Heads()
    small(steps=900, callback=seen, seeds=[0, 1], n_envs=3, learning_starts=2000, n_heads=5)
    heads, ends = np.array(seen.heads), np.array(seen.ends)
    assert ends[:-1].any((0, 1)).all()  # every environment's episode ended
    assert (heads[1:] == heads[:-1])[~ends[:-1]].all()
    after = heads[1:][ends[:-1]]
    assert len(after) > 40 and set(after) == set(range(5))


def test_it_acts_by_its_head_and_by_a_vote_of_all_where_that_is_asked_for():
    model = small(seeds=[0], n_envs=3, n_heads=3)
    q = np.zeros((1, 3, 3, 2), np.float32)
    q[0, :, [0, 1, 2], [0, 1, 1]] = 1.0  # in each environment the first head is for action 0, the others are for 1
    model.q.play, model.head = lambda obs: q, np.array([[0, 1, 2]])
    assert model.choose(None).tolist() == [[0, 1, 1]]
    assert model.choose(None, deterministic=True).tolist() == [[1, 1, 1]]


def test_of_actions_with_equally_many_votes_the_first_is_taken():
    assert vote(torch.tensor([[2, 1, 1, 2], [0, 2, 2, 1]]), 3).tolist() == [1, 2]


def test_predict_without_determinism_follows_one_head():
    model = small(seed=0, prior_scale=30.0, n_heads=8)
    obs = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    best = model.policy.q_net(torch.from_numpy(obs)).argmax(-1)
    assert model.predict(obs, deterministic=True)[0].tolist() == vote(best, 2).tolist()
    split = [i for i in range(40) if best[i].min() < best[i].max()]
    assert any({int(model.predict(obs[i], deterministic=False)[0]) for _ in range(60)} == {0, 1} for i in split[:3])


def test_together_and_one_by_one_are_the_same():
    fast, general = (small(steps=40, seeds=[0]) for _ in range(2))
    for net in (general.policy.q_net, general.policy.q_net_target):
        net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(60, reset_num_timesteps=False)
    assert fast.q.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


def test_it_finds_the_treasure_of_a_small_sea():
    """Five rows: a walk at random comes to the treasure once in 32 episodes, and each step towards it costs. The vote then goes there."""
    model = small(lambda: DeepSea(5), 1500, seeds=[0], n_heads=10, train_freq=1, target_update_interval=20, learning_rate=3e-3, learning_starts=50)
    s, reward, P = 0, 0.0, DeepSea(5).P
    for _ in range(5):
        _, s, r, _ = P[s][int(model.predict(np.array(s), deterministic=True)[0])][0]
        reward += r
    assert reward == pytest.approx(0.99)


@pytest.mark.parametrize(("wrong", "said"), [({"mask_prob": 0.0}, "mask_prob=0.0"), ({"n_heads": 0}, "n_heads=0"), ({"prior_scale": -1.0}, "prior_scale=-1.0")])
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        small(**wrong)
