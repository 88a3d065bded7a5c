"""RecurrentPPO: what it remembers, the sequences that it learns from, its files; beside SB3-Contrib's."""

import io

import numpy as np
import pytest
import sb3_contrib
import torch
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

from from_scratch import RecurrentPPO
from from_scratch.core.networks.recurrent import Padding, RecurrentActorCritic, RecurrentActorCritics, from_torch, to_torch

pytestmark = pytest.mark.numerical

SMALL = {"n_steps": 24, "batch_size": 16, "n_epochs": 2, "device": "cpu", "policy_kwargs": {"lstm_hidden_size": 6, "net_arch": [8]}}


def make(env="CartPole-v1", cls=RecurrentPPO, **more):
    return cls("MlpLstmPolicy", env, **{**SMALL, **more})


def played(model, steps=24):
    """The model with one rollout in its buffer, not yet learnt from."""
    model.train = lambda: None
    model.learn(steps, log_interval=None)
    del model.train
    return model


# ------------------------------------------------------------------------------------------------------------------------ sequences
@pytest.mark.parametrize("size", [16, 7, 48, None])
def test_minibatches_are_sb3_contrib_s_without_the_padding(size):
    """From the same rollout and the same place in NumPy's stream: the same samples, sequences, and states that they begin with."""
    model = played(make(n_envs=2, seed=0))
    theirs = RecurrentRolloutBuffer.get
    buffer = make(n_envs=2, seed=0).rollout_buffer
    for name, value in vars(model.rollout_buffer).items():
        vars(buffer)[name] = value.copy() if isinstance(value, np.ndarray) else value
    np.random.seed(3)
    expected = list(theirs(buffer, size))
    np.random.seed(3)
    found = list(model.minibatches(model.samples(), size))
    assert len(found) == len(expected)
    for mine, padded in zip(found, expected, strict=True):
        real = padded.mask > 1e-8
        for ours, name in ((mine.obs.obs, "observations"), (mine.log_prob, "old_log_prob"), (mine.v, "old_values"), (mine.ret, "returns")):
            assert torch.equal(ours[0], getattr(padded, name)[real])
        begins = mine.obs.begins[0]
        assert torch.equal((begins == 2).float(), padded.episode_starts[real])
        first = (begins > 0).nonzero()[:, 0]
        starts = padded.episode_starts.reshape(len(first), -1)[:, 0]
        for state, (h, c) in ((mine.obs.pi, padded.lstm_states.pi), (mine.obs.v, padded.lstm_states.vf)):
            for i, part in enumerate((h, c)):
                expected_state = part.transpose(0, 1) * (1 - starts)[:, None, None]  # what contrib's forward pass makes of it
                assert torch.equal(state[0, first, :, i], expected_state)


def test_a_seed_that_stopped_draws_nothing():
    model = played(make(seeds=[0, 1]))
    model.active[:] = [True, False]
    before = model._rng.streams[1].numpy.get_state()[1].copy()
    next(model.minibatches(model.samples(), 8))
    np.testing.assert_array_equal(model._rng.streams[1].numpy.get_state()[1], before)


def test_padding_puts_each_sequence_into_a_row():
    """Sequences of 2, 3 and 1: rows of 3, with zeros behind."""
    padding = Padding(torch.tensor([0, 0, 1, 0, 0, 2]))
    assert padding(torch.arange(1, 7)).tolist() == [1, 2, 0, 3, 4, 5, 6, 0, 0]
    assert padding.real.tolist() == [0, 1, 3, 4, 5, 6]
    state = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 1, 2, 1)
    assert [part.flatten().tolist() for part in padding.states(state)] == [[0, 2, 5]] * 2


@pytest.mark.parametrize("kwargs", [{}, {"n_lstm_layers": 2}])
def test_a_buffer_with_ways_of_its_own_gives_minibatches_that_are_the_same_when_its_padding_is_gone(kwargs):
    model, found = played(make(n_envs=2, seed=0, policy_kwargs={**SMALL["policy_kwargs"], **kwargs})), []
    for _ in range(2):
        np.random.seed(3)
        found.append(list(model.minibatches(model.samples(), 16)))
        model.rollout_buffer.get = model.rollout_buffer.get
    for mine, its in zip(*found, strict=True):
        begin = mine.obs.begins[..., None, None, None] == 1  # states count there alone
        mine.obs.pi, mine.obs.v = mine.obs.pi * begin, mine.obs.v * begin
        for a, b in zip((*vars(mine.obs).values(), *vars(mine).values()), (*vars(its.obs).values(), *vars(its).values()), strict=True):
            assert a is mine.obs or torch.equal(a, b)


# --------------------------------------------------------------------------------------------------------------------------- states
@pytest.mark.parametrize("kwargs", [{}, {"n_lstm_layers": 2}, {"shared_lstm": True, "enable_critic_lstm": False}])
def test_predict_remembers_as_the_policy_does(kwargs):
    model = make(seed=0, policy_kwargs={**SMALL["policy_kwargs"], **kwargs}).learn(48)
    assert isinstance(model.actor_critic.served, RecurrentActorCritic)
    rng, mine, theirs = np.random.default_rng(0), None, None
    for t in range(12):
        obs, starts = rng.normal(size=(3, 4)).astype(np.float32), np.array([t == 5, False, t in (2, 9)])
        actions, mine = model.predict(obs, mine, starts, deterministic=True)
        expected, theirs = model.policy.predict(obs, theirs, starts, deterministic=True)
        np.testing.assert_array_equal(actions, expected)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_one_observation_has_one_state():
    model = make(seed=0)
    action, (h, c) = model.predict(np.zeros(4, np.float32), deterministic=True)
    assert np.shape(action) == () and h.shape == c.shape == (1, 1, 6)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_stack_remembers_for_each_seed_what_its_member_would(deterministic):
    model = make(seeds=[0, 1]).learn(48)
    members, state, states = list(model), None, [None, None]
    starts = np.array([False, True, False, False])
    for _ in range(4):
        obs = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
        torch.manual_seed(1)
        _, state = model.predict(obs, state, starts, deterministic=deterministic)
        for k, member in enumerate(members):
            _, states[k] = member.predict(obs[2 * k : 2 * k + 2], states[k], starts[2 * k : 2 * k + 2], deterministic=deterministic)
            for whole, part in zip(state, states[k], strict=True):
                np.testing.assert_array_equal(whole[:, 2 * k : 2 * k + 2], part)


def test_what_is_remembered_after_training_is_sb3_contrib_s():
    mine, theirs = (make(cls=cls, seed=0, env="Pendulum-v1").learn(48) for cls in (RecurrentPPO, sb3_contrib.RecurrentPPO))
    for ours, contrib in zip(mine._last_lstm_states, theirs._last_lstm_states, strict=True):
        for a, b in zip(ours, contrib, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_states_go_to_torch_and_back():
    state = np.random.default_rng(0).normal(size=(3, 2, 2, 5)).astype(np.float32)  # lanes, layers, (h, c), H
    h, c = to_torch(state)
    assert h.shape == (2, 3, 5) and (c[1, 2].numpy() == state[2, 1, 1]).all()
    np.testing.assert_array_equal(from_torch((h, c)), state)


def test_a_hooked_policy_is_asked_itself():
    model = make(seed=0).learn(24)
    heard = []
    model.policy.action_net.register_forward_hook(lambda *_: heard.append(1))
    model.predict(np.zeros(4, np.float32), deterministic=True)
    assert heard
    model.learn(24)
    assert isinstance(model.actor_critic.served, RecurrentActorCritics)


# ---------------------------------------------------------------------------------------------------------------------------- files
@pytest.mark.parametrize(("writes", "reads"), [(RecurrentPPO, sb3_contrib.RecurrentPPO), (sb3_contrib.RecurrentPPO, RecurrentPPO)])
def test_files_go_both_ways(writes, reads):
    model, file = make(cls=writes, seed=0).learn(48), io.BytesIO()
    model.save(file)
    file.seek(0)
    loaded = reads.load(file, env="CartPole-v1" if reads is RecurrentPPO else model.get_env(), device="cpu")
    state = other = None
    for obs in np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32):
        action, state = model.predict(obs, state, deterministic=True)
        same, other = loaded.predict(obs, other, deterministic=True)
        assert action == same
        np.testing.assert_allclose(state[0], other[0], atol=1e-6)
    loaded.learn(48)


def test_a_policy_without_memory_is_refused():
    with pytest.raises(ValueError, match='Policy MlpPolicy unknown: RecurrentPPO takes "MlpLstmPolicy"'):
        RecurrentPPO("MlpPolicy", "CartPole-v1")


# ------------------------------------------------------------------------------------------------------------------------- learning
def test_with_several_seeds_and_normalisation_it_trains_and_is_evaluated():
    model = make(lambda: VecNormalize(make_vec_env("from_scratch/CartPoleNoVel-v1", 2)), seeds=[0, 1]).learn(96)
    mean, _ = evaluate_policy(model.member(1), model.member(1).get_env(), n_eval_episodes=2, warn=False)
    assert mean > 0


@pytest.mark.slow
def test_it_answers_what_it_was_told_ten_steps_ago():
    settings = {"n_steps": 32, "batch_size": 256, "n_epochs": 10, "learning_rate": 3e-3, "ent_coef": 0.01, "n_envs": 8}
    model = RecurrentPPO("MlpLstmPolicy", "from_scratch/MemoryChain-v0", seeds=[0], device="cpu", policy_kwargs={"lstm_hidden_size": 32}, **settings)
    model.learn(60_000)
    assert evaluate_policy(model.member(0), model.member(0).get_env(), n_eval_episodes=100, warn=False)[0] > 0.95
