"""The deadly triad's four arms: what each leaves out, and what the diagnostics say."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import KVWriter, Logger

from from_scratch.value_based.dqn import DQN
from from_scratch.value_based.naive_deep_q import DiagnosedDQN, DQNWithoutReplay, DQNWithoutTarget, NaiveDeepQ

pytestmark = pytest.mark.numerical

ARMS = (DiagnosedDQN, DQNWithoutTarget, DQNWithoutReplay, NaiveDeepQ)
SMALL = {"policy_kwargs": {"net_arch": [16]}, "learning_rate": 1e-3}


def arm(learner, **kwargs):
    kwargs = {**SMALL, "learning_starts": 10, "buffer_size": 1000, "target_update_interval": 50, **kwargs}
    return learner("MlpPolicy", "CartPole-v1", **{name: value for name, value in kwargs.items() if name not in learner.fixed})


@pytest.mark.parametrize("learner", [DQNWithoutReplay, NaiveDeepQ])
def test_without_replay_each_update_sees_the_last_step_and_only_that(learner):
    seen = []

    class Watched(learner):
        def minimise(self, equation, batch, by):
            seen.append((batch.obs.clone(), batch.next_obs.clone()))
            return super().minimise(equation, batch, by=by)

    model = arm(Watched, seeds=[0]).learn(30)
    assert len(seen) == 30 and all(obs.shape == (1, 1, 4) for obs, _ in seen)
    chained = [torch.equal(before[1], after[0]) for before, after in itertools.pairwise(seen)]
    assert sum(chained) == 29 - model._episode_num >= 20  # S' of one update is S of the next, but where an episode ended


@pytest.mark.parametrize(("learner", "same"), [(DQNWithoutTarget, True), (NaiveDeepQ, True), (DQNWithoutReplay, False), (DiagnosedDQN, False)])
def test_without_a_target_network_the_target_is_the_network_itself_at_every_update(learner, same):
    found = []

    class Watched(learner):
        def minimise(self, equation, batch, by):
            online, target = (torch.cat([p.flatten() for p in net.parameters()]) for net in (self.policy.q_net, self.policy.q_net_target))
            found.append(torch.equal(online, target))
            return super().minimise(equation, batch, by=by)

    arm(Watched, seeds=[0]).learn(40)
    assert len(found) >= 29 and all(found[1:]) is same


@pytest.mark.parametrize("learner", ARMS)
def test_the_arms_differ_from_dqn_in_the_remedies_alone(learner):
    assert learner.loss is DQN.loss and learner.train is DQN.train and learner.max_grad_norm == DQN.max_grad_norm == 10


def test_the_naive_arms_leave_the_bound_and_dqn_stays_within():
    """r = 1 and γ = 0.99: no return is above 100 (van Hasselt et al. 2018 call |Q| beyond it soft divergence)."""
    naive, full = (arm(learner, seeds=[0, 1], policy_kwargs={"net_arch": [64, 64]}).learn(1000) for learner in (NaiveDeepQ, DiagnosedDQN))
    assert naive.q_bound.tolist() == pytest.approx([100, 100]) and full.max_abs_q.max() < 100
    assert naive.soft_divergence.all() and not full.soft_divergence.any() and (naive.max_abs_q > full.max_abs_q).all()


def test_the_diagnostics_are_logged_for_each_seed_saved_and_handed_to_members(tmp_path):
    class Last(KVWriter):
        def __init__(self):
            self.values = {}

        def write(self, key_values, key_excluded, step=0):
            self.values = dict(key_values)

    model, last = arm(DiagnosedDQN, seeds=[3, 7]), Last()
    model.set_logger(Logger(None, [last]))
    model.learn(200, log_interval=1)
    assert {f"train/{name}@{seed}" for name in ("max_abs_q", "q_bound", "soft_divergence") for seed in (3, 7)} <= set(last.values)
    model.save(tmp_path / "model")
    loaded = DiagnosedDQN.load(tmp_path / "model")
    assert np.array_equal(loaded.max_abs_q, model.max_abs_q) and model.member(1).max_abs_q.tolist() == model.max_abs_q[1:].tolist() != [0]


@pytest.mark.parametrize("learner", ARMS)
def test_a_seed_in_a_stack_is_the_seed_alone(learner):
    stack, alone = arm(learner, seeds=[0, 5]).learn(60), arm(learner, seeds=[5]).learn(60)
    for own, other in zip(stack.member(1).policy.parameters(), alone.policy.parameters(), strict=True):
        assert torch.equal(own, other)
    assert stack.max_abs_q[1] == alone.max_abs_q[0]


def test_what_an_arm_leaves_out_cannot_be_given():
    with pytest.raises(TypeError, match=r"NaiveDeepQ.* 'buffer_size'"):
        NaiveDeepQ("MlpPolicy", "CartPole-v1", buffer_size=100)
    with pytest.raises(ValueError, match="needs a Discrete action space"):
        NaiveDeepQ("MlpPolicy", gym.make("Pendulum-v1"))
