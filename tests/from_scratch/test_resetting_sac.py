"""SAC with resets: what is thrown away and what is kept, when, and from which random numbers it begins anew."""

import copy
import io

import numpy as np
import pytest
import torch

from from_scratch import SAC, ResettingSAC
from tests.contract.probes import Forces

pytestmark = pytest.mark.numerical


def agent(cls=ResettingSAC, seeds=(3, 5), **more):
    settings = {"learning_starts": 10, "batch_size": 8, "buffer_size": 200, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}
    return cls("MlpPolicy", Forces, seeds=list(seeds), **{**settings, **more})


def play(model, steps):
    return model.learn(steps, log_interval=None, reset_num_timesteps=False)


def weights(model, k=0):
    return {name: value.clone() for name, value in model._policies[k].state_dict().items()}


def are_equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def resets(model, steps, monkeypatch):
    """At which steps it is reset while it plays so many."""
    at, restart = [], type(model).restart
    monkeypatch.setattr(type(model), "restart", lambda self: (at.append(self.num_timesteps), restart(self))[1])
    play(model, steps)
    return at


# ----------------------------------------------------------------------------------------------------------------------------- neither
def test_with_neither_resets_nor_priming_it_is_sac_to_the_bit():
    ours, sac = play(agent(), 40), play(agent(SAC), 40)
    assert are_equal(weights(ours), weights(sac)) and are_equal(weights(ours, 1), weights(sac, 1))
    assert torch.equal(ours.temperature.alpha, sac.temperature.alpha)
    np.testing.assert_array_equal(ours.replay_buffers[1].actions, sac.replay_buffers[1].actions)


# ------------------------------------------------------------------------------------------------------------------------------ resets
def test_it_is_reset_after_every_interval_but_not_where_training_ends(monkeypatch):
    assert resets(agent(reset_interval=15), 45, monkeypatch) == [15, 30]


def test_the_reset_that_was_due_at_the_end_comes_first_when_training_goes_on(monkeypatch):
    assert resets(play(agent(reset_interval=15), 30), 5, monkeypatch) == [30]


def test_steps_of_all_environments_of_a_seed_count(monkeypatch):
    assert resets(agent(reset_interval=15, n_envs=2), 50, monkeypatch) == [16, 30, 46]


def test_a_reset_draws_the_weights_that_each_seeds_stream_has_next():
    model = play(agent(), 30)
    with copy.deepcopy(model._rng.streams[1]).as_process():
        expected = model.new_policy().state_dict()
    assert not are_equal(weights(model, 1), expected)
    model.restart()
    assert are_equal(weights(model, 1), expected)


def test_after_a_reset_the_targets_are_the_critics():
    model = play(agent(), 30)
    model.restart()
    assert are_equal(model.policies[1].critic.state_dict(), model.policies[1].critic_target.state_dict())


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW])  # one that steps in the rows, and one that steps itself
def test_a_reset_forgets_moments_and_counters(optimizer):
    model = play(agent(policy_kwargs={"net_arch": [8], "optimizer_class": optimizer}), 30)
    model.restart()
    optimizers = [each for policy in model.policies for each in (policy.actor.optimizer, policy.critic.optimizer)]
    optimizers += [temperature.optimizer for temperature in model.temperatures]
    assert all(not value.any() for each in optimizers for state in each.state.values() for value in state.values())


@pytest.mark.parametrize(("ent_coef", "start"), [("auto", 1.0), ("auto_0.25", 0.25)])
def test_a_reset_tunes_the_temperature_from_its_start_again(ent_coef, start):
    model = play(agent(ent_coef=ent_coef), 30)
    assert (model.temperature.alpha != start).all()
    model.restart()
    torch.testing.assert_close(model.temperature.alpha, torch.full((2,), start))


def test_a_fixed_temperature_stays():
    model = play(agent(ent_coef=0.3, reset_interval=15), 40)
    torch.testing.assert_close(model.temperature.alpha, torch.full((2,), 0.3))


def test_a_reset_keeps_the_memory():
    model = play(agent(), 30)
    before = copy.deepcopy([(buffer.pos, buffer.observations, buffer.rewards) for buffer in model.replay_buffers])
    model.restart()
    for (pos, observations, rewards), buffer in zip(before, model.replay_buffers, strict=True):
        assert buffer.pos == pos == 30
        np.testing.assert_array_equal(buffer.observations, observations)
        np.testing.assert_array_equal(buffer.rewards, rewards)


def test_a_reset_keeps_the_modules_and_the_hooks_on_them():
    model, calls = agent(seeds=[3]), []
    model.policy.actor.mu.register_forward_hook(lambda *_: calls.append(1))
    policy = play(model, 20).policy
    model.restart()
    calls.clear()
    assert play(model, 5).policy is policy and calls


def test_a_new_agent_with_the_same_memory_and_stream_learns_the_same():
    """After a reset nothing is left of what was learnt before it."""
    old = play(agent(seeds=[3]), 30)
    new = agent(seeds=[3])
    new.replay_buffers = [copy.deepcopy(old.replay_buffer)]
    new.replay_buffer = new.replay_buffers[0]
    new._bind_memory()
    new._rng.set_state(old._rng.get_state())
    for model in (old, new):
        model.restart()
        model._logger = copy.deepcopy(old.logger)
        model.train(5, 8)
    assert are_equal(weights(old), weights(new)) and torch.equal(old.temperature.alpha, new.temperature.alpha)


# ----------------------------------------------------------------------------------------------------------------------------- priming
def test_priming_takes_so_many_updates_once_on_what_the_memory_holds_where_learning_starts(monkeypatch):
    model, taken = agent(priming_updates=50), []
    train = SAC.train
    monkeypatch.setattr(SAC, "train", lambda self, n, batch_size: (taken.append((self.replay_buffer.pos, n)), train(self, n, batch_size))[1])
    play(play(model, 12), 1)
    assert taken == [(11, 50), (11, 1), (12, 1), (13, 1)] and model.updates.tolist() == [53, 53]


# -------------------------------------------------------------------------------------------------------------------- seeds and files
@pytest.mark.parametrize("net_arch", [[8], {"pi": [8], "qf": [4, 4]}])
def test_a_seed_in_a_stack_equals_the_seed_alone_through_priming_and_resets(net_arch):
    settings = {"priming_updates": 20, "reset_interval": 15, "policy_kwargs": {"net_arch": net_arch}}
    stack, alone = play(agent(**settings), 40), play(agent(seeds=[5], **settings), 40)
    assert are_equal(weights(stack, 1), weights(alone)) and torch.equal(stack.temperature.alpha[1:], alone.temperature.alpha)
    np.testing.assert_array_equal(stack.replay_buffers[1].actions, alone.replay_buffer.actions)


@pytest.mark.parametrize("saved_at", [8, 22, 30])  # before priming, within an interval, and where a reset is due
def test_a_saved_model_goes_on_through_priming_and_resets_as_if_it_had_not_stopped(saved_at):
    model = play(agent(priming_updates=20, reset_interval=15), saved_at)
    file, memory = io.BytesIO(), io.BytesIO()
    model.save(file)
    model.save_replay_buffer(memory)
    file.seek(0), memory.seek(0)
    loaded = ResettingSAC.load(file, env=copy.deepcopy(model.env), device="cpu", force_reset=False)
    loaded.load_replay_buffer(memory)
    play(model, 20), play(loaded, 20)
    assert all(are_equal(weights(loaded, k), weights(model, k)) for k in range(2))
    assert torch.equal(loaded.temperature.alpha, model.temperature.alpha)


# -------------------------------------------------------------------------------------------------------------------------- arguments
@pytest.mark.parametrize("wrong", [{"reset_interval": 0}, {"reset_interval": 2.5}, {"priming_updates": -1}, {"priming_updates": 0.5}])
def test_numbers_that_mean_nothing_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"^{name}={value}: give a whole number from"):
        agent(**wrong)
