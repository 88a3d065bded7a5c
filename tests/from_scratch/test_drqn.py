"""DRQN: what is remembered while playing, while predicting and in the replay, and what is learnt from stretches."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy

from from_scratch import DRQN
from from_scratch.core.data import Stretch
from from_scratch.core.lockstep import Rows
from from_scratch.value_based.drqn import from_step
from tests.from_scratch.small import of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"lstm_hidden_size": 8, "sequence_length": 4, "learning_starts": 20, "buffer_size": 400, "batch_size": 8, "target_update_interval": 40, "device": "cpu"}
WAYS = [{}, {"stored_states": True}, {"burn_in": 3}, {"burn_in": 3, "stored_states": True, "n_lstm_layers": 2}]


def small(env="CartPole-v1", steps=0, **kwargs):
    return DRQN("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [8]}, **SMALL, **kwargs}).learn(steps)


def unroll(network, obs):
    """Q [T, A] and the state [layers, 2, H] after each of T observations [T, n] from an episode's first one on, one after another."""
    state, q, states = network.no_state(1), [], []
    with torch.no_grad():
        for o in obs:
            one, state = network(torch.as_tensor(o)[None, None], state)
            q.append(one[0, 0])
            states.append(state[0])
    return torch.stack(q), torch.stack(states)


def episodes(buffer):
    """Slices of a buffer that was not full yet, an episode each."""
    ends = [*(np.flatnonzero(buffer.dones[: buffer.pos, 0]) + 1), buffer.pos]
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True) if end > start]


# ------------------------------------------------------------------------------------------------------------------------------ loss
def test_the_loss_is_the_mean_over_steps_that_are_learnt_from():
    """γ = ½. Step 1: y = 1 + ½ · 4 = 3 against 1, Huber's 1.5. Step 2 terminates: y = 2 against 1.5, 0.125. Step 3 is none. The mean is 0.8125."""
    model = small(seed=0)
    model.q = lambda obs, state: torch.tensor([[[[1.0, 9.0], [9.0, 1.5], [9.0, 9.0], [9.0, 9.0]]]])
    model.q_target = lambda obs, state: torch.tensor([[[[7.0, 7.0], [4.0, 3.0], [5.0, 5.0], [6.0, 6.0]]]])
    of = lambda *x: torch.tensor([[x]])
    loss, _ = model.loss(None, torch.tensor([[[[0], [1], [0]]]]), of(1.0, 2.0, 9.0), of(0.5, 0.0, 0.5), of(1.0, 1.0, 0.0), None, None)
    assert loss.tolist() == [0.8125]


@pytest.mark.parametrize("way", WAYS)
def test_the_program_gives_autograd_s_gradient(way):
    model, seen = small(steps=60, seeds=[1, 2], **way), []
    model.minimise = lambda equation, *data, by: seen.append(data)
    model.update(model.memory.sample(8, 0.99))
    rows, data = model.q.rows, seen[0]
    loss, _ = rows.differentiate(model.loss, *data)
    rows.backward(loss)
    mine = rows.grad.clone()
    Rows.backward(rows, Rows.differentiate(rows, model.loss, *data)[0])
    torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-4)
    assert mine.abs().max() > 0


@pytest.mark.parametrize("way", WAYS)
def test_together_and_one_by_one_are_the_same(way):
    fast, general = (small(steps=40, seeds=[0], **way) for _ in range(2))
    for net in (general.policy.q_net, general.policy.q_net_target):
        net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(60, reset_num_timesteps=False)
    assert fast.q.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


# ------------------------------------------------------------------------------------------------------------------ what is remembered
def test_all_of_an_episode_is_remembered_while_playing_and_nothing_of_the_one_before():
    """Through random steps, too: no action of the first 200 is the network's."""
    model = small(steps=120, seeds=[0, 1], n_envs=1, learning_starts=200, stored_states=True)
    for k, buffer in enumerate(model.replay_buffers):
        assert len(episodes(buffer)) > 2
        for steps in episodes(buffer):
            after = unroll(model._policies[k].q_net, buffer.observations[steps, 0])[1].numpy()
            np.testing.assert_array_equal(buffer.hidden[steps, 0][0], np.zeros_like(after[0]))
            np.testing.assert_allclose(buffer.hidden[steps, 0][1:], after[:-1], atol=1e-6)


def test_another_learn_begins_with_nothing_remembered():
    model = small(steps=27, seeds=[0])
    assert np.abs(model.hidden).max() > 0
    model._setup_learn(10, None, True)
    assert np.abs(model.hidden).max() == 0


def test_predict_carries_a_state_as_sb3_contrib_s_recurrent_policies_do():
    model = small(steps=60, seed=0)
    obs = np.random.default_rng(0).normal(size=(6, 3, 4)).astype(np.float32)  # six steps of three episodes
    wanted = [unroll(model.policy.q_net, obs[:, e])[0].argmax(-1).tolist() for e in range(3)]
    state, chosen = None, []
    for t in range(6):
        actions, state = model.predict(obs[t], state, np.full(3, t == 0), deterministic=True)
        chosen.append(actions)
    assert np.array(chosen).T.tolist() == wanted and [part.shape for part in state] == [(1, 3, 8)] * 2
    fresh = model.predict(obs[0], None, deterministic=True)[1]
    again = model.predict(obs[0], state, np.array([True, False, True]), deterministic=True)[1]
    np.testing.assert_array_equal(again[0][:, [0, 2]], fresh[0][:, [0, 2]])
    assert not np.allclose(again[0][:, 1], fresh[0][:, 1])


def test_a_stack_predicts_and_remembers_as_its_members_do():
    model = small(steps=60, seeds=[0, 1], n_lstm_layers=2)
    obs, state, own = np.random.default_rng(0).normal(size=(5, 4, 4)).astype(np.float32), None, [None, None]
    for t in range(5):
        starts = np.array([t == 0, t == 0, t == 3, t == 0])
        actions, state = model.predict(obs[t], state, starts, deterministic=True)
        for k in range(2):
            mine = slice(2 * k, 2 * k + 2)
            action, own[k] = model[k].predict(obs[t, mine], own[k], starts[mine], deterministic=True)
            assert action.tolist() == actions[mine].tolist()
            np.testing.assert_array_equal(own[k], [part[:, mine] for part in state])


def test_what_was_seen_is_remembered_where_a_random_action_is_predicted():
    model, obs = small(seed=0), np.ones((2, 4), np.float32)
    model.exploration_rate = 1.0
    np.testing.assert_array_equal(model.predict(obs, deterministic=False)[1], model.predict(obs, deterministic=True)[1])


# --------------------------------------------------------------------------------------------------------------------------- burn-in
def test_behind_the_burn_in_each_network_has_the_state_that_it_would_have_come_to_itself():
    """The first stretch begins with its episode, and has no burn-in; the second has two steps of it, and the third three."""
    model = small(seeds=[0], burn_in=3)
    model.policy.q_net_target.lstm.weight_ih_l0.data.mul_(2)
    obs, first = torch.randn(1, 3, 8, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([[0, 2, 3]])
    for net, module in ((model.q, model.policy.q_net), (model.q_target, model.policy.q_net_target)):
        state = model.unrolled(net, obs, torch.zeros(1, 3, 1, 2, 8), first)
        assert state[0, 0].abs().max() == 0
        for i, n in ((1, 2), (2, 3)):
            torch.testing.assert_close(state[0, i], unroll(module, obs[0, i, :n])[1][-1])


def test_the_target_network_s_own_state_goes_with_it_into_the_loss():
    model, seen = small(steps=60, seeds=[0], burn_in=3), []
    model.minimise = lambda equation, *data, by: seen.append(data[-2:])
    model.policy.q_net_target.lstm.weight_ih_l0.data.mul_(2)
    b = model.memory.sample(8, 0.99)
    model.update(b)
    first = b.learnt.argmax(-1)
    assert first.max() > 0 and not torch.equal(*seen[0])
    torch.testing.assert_close(seen[0][1], model.unrolled(model.q_target, b.obs, torch.zeros(1, 8, 1, 2, 8), first))


def test_what_is_learnt_from_begins_behind_the_burn_in():
    t = torch.arange(5.0).expand(1, 2, 5)
    learnt = torch.tensor([[[0, 0, 1, 1, 1], [1, 1, 0, 0, 0]]])  # a stretch with a burn-in of 2, and one of two steps without
    b = from_step(Stretch(torch.arange(6.0).expand(1, 2, 6), t, 10 * t, t, learnt, {}), torch.tensor([[2, 0]]), 3)
    assert b.obs.tolist() == [[[2, 3, 4, 5], [0, 1, 2, 3]]]
    assert b.reward.tolist() == [[[20, 30, 40], [0, 10, 20]]] and b.learnt.tolist() == [[[1, 1, 1], [1, 1, 0]]]


# -------------------------------------------------------------------------------------------------------------------------- learning
class Recall(gym.Env):
    """A bit is shown, then nothing; then it is asked for. Only who remembers it earns 1 every time."""

    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.bit, self.t = int(self.np_random.integers(2)), 0
        return np.array([2 * self.bit - 1, 0], np.float32), {}

    def step(self, action):
        self.t += 1
        return np.array([0, self.t == 2], np.float32), float(self.t == 3 and action == self.bit), self.t == 3, False, {}


@pytest.mark.parametrize("way", WAYS[:1] + WAYS[3:])
def test_it_learns_to_remember_and_evaluate_policy_carries_what_it_remembers(way):
    model = small(Recall, 2000, seeds=[0], train_freq=2, learning_rate=0.01, lstm_hidden_size=16, batch_size=16, exploration_fraction=0.5, **way)
    assert evaluate_policy(model, Recall(), 20, warn=False)[0] == 1


@pytest.mark.parametrize("wrong", [{"sequence_length": 0}, {"burn_in": -1}, {"lstm_hidden_size": 0}])
def test_what_cannot_be_is_refused(wrong):
    (name, value), = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        small(**wrong)
