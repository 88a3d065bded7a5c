"""DQN's family, each changing one thing: the target, the network, what is learnt of a return, how one explores. Numbers of other libraries, and by hand."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from from_scratch import DQN, DoubleDQN, NStepDQN
from from_scratch.core.data import Transition

pytestmark = pytest.mark.numerical

SMALL = {"learning_starts": 20, "buffer_size": 400, "batch_size": 16, "target_update_interval": 40, "device": "cpu"}


def golden(name):
    """(inputs, expected) of another library's function; lists of numbers are tensors in double precision."""
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    numbers = lambda at: {key: torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value for key, value in at.items()}
    return numbers(found["inputs"]), found["expected"]


def small(cls, env="CartPole-v1", steps=0, **kwargs):
    return cls("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs}).learn(steps)


def of_parameters(model):
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()])


# ---------------------------------------------------------------------------------------------------------------------- Double DQN
def the_double_loss(cls=DoubleDQN):
    """The loss on six transitions, and its gradient with respect to Q(s, ·; θ): s is 0 and s' is 1, and the networks are tables of numbers."""
    given, expected = golden("q_targets")
    q = given["q"].requires_grad_()
    model = small(cls, seed=0)
    model.q = lambda s: given["q_next_selector"][None] if s else q[None]
    model.q_target = lambda s: given["q_next_target"][None]
    loss, _ = model.loss(Transition(0, given["action"][None, :, None], given["reward"][None], 1, given["discount"][None]))
    loss.sum().backward()
    return loss.item(), q.grad, expected


def test_double_dqn_s_loss_and_gradient_are_those_of_another_library():
    loss, gradient, expected = the_double_loss()
    error = torch.tensor(expected["td_double"]).abs()
    assert loss == pytest.approx(torch.where(error < 1, error**2 / 2, error - 0.5).mean().item(), abs=1e-6)
    torch.testing.assert_close(gradient, torch.tensor(expected["grad_q_of_mean_huber_double"], dtype=torch.float64), atol=1e-9, rtol=0)


def test_dqn_s_target_is_another_one_on_the_same_transitions():
    loss, _, expected = the_double_loss(DQN)
    assert loss == pytest.approx(np.mean(expected["huber_of_td_dqn"]), abs=1e-9)


# --------------------------------------------------------------------------------------------------------------------- n-step returns
class Count(gym.Env):
    """Observes the number of the step; the rewards are given, and the episode terminates after step `end`."""

    observation_space, action_space = spaces.Box(0, 100, (1,)), spaces.Discrete(2)

    def __init__(self, rewards=(1.0,), end=None):
        self.rewards, self.end, self.t = rewards, end, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.array([self.t], np.float32), {}

    def step(self, action):
        reward = self.rewards[self.t % len(self.rewards)]
        self.t += 1
        return np.array([self.t], np.float32), reward, self.t == self.end, False, {}


def in_memory(cls, env, steps, **kwargs):
    """The batch of transitions that lie in the memory after some steps, one of each, in their order."""
    model = small(cls, lambda: env, steps, learning_starts=1000, train_freq=1, seeds=[0], **kwargs)
    b = model.memory.sample(500, model.gamma)
    first = np.unique(b.obs[0, :, 0].numpy(), return_index=True)[1]
    return Transition(*(x[0, first] for x in (b.obs, b.action, b.reward, b.next_obs, b.discount)))


@pytest.mark.parametrize(("cls", "kwargs", "name"), [(DQN, {}, "n1"), (NStepDQN, {"n_steps": 2}, "n2"), (NStepDQN, {}, "n3"), (NStepDQN, {"n_steps": 5}, "n5")])
def test_n_step_targets_are_those_of_another_library(cls, kwargs, name):
    """Seven rewards, the third of them the last of its episode; the end of the memory bootstraps from what was seen last."""
    given, expected = golden("nstep_returns")
    b = in_memory(cls, Count(given["r_t"].tolist(), end=3), 7, gamma=0.9, **kwargs)
    y = b.reward + b.discount * given["v_t"][b.next_obs[:, 0].long() - 1]
    torch.testing.assert_close(y, torch.tensor(expected[name], dtype=torch.float64), atol=1e-6, rtol=0)


def test_an_n_step_return_goes_on_behind_a_time_limit_with_as_many_discounts_as_rewards_and_ends_at_death():
    """γ = ½, all rewards 1, n = 3, and the episode's end after step 4: three, three, two rewards, and one."""
    cut, died = (in_memory(NStepDQN, env, 4, gamma=0.5) for env in (TimeLimit(Count(), 4), Count(end=4)))
    assert cut.reward.tolist() == died.reward.tolist() == [1.75, 1.75, 1.5, 1]
    assert cut.discount.tolist() == [1 / 8, 1 / 8, 1 / 4, 1 / 2]
    assert died.discount.tolist() == [1 / 8, 0, 0, 0]
    assert cut.next_obs[:, 0].tolist() == died.next_obs[:, 0].tolist() == [3, 4, 4, 4]


def test_no_n_step_return_crosses_the_head_of_the_ring():
    """A memory of 5 after 7 steps holds steps 5, 6, 2, 3, 4 in its rows: behind step 6 lies step 2."""
    b = in_memory(NStepDQN, Count(), 7, gamma=0.5, buffer_size=5)
    assert b.obs[:, 0].tolist() == [2, 3, 4, 5, 6] and b.next_obs[:, 0].tolist() == [5, 6, 7, 7, 7]
    assert b.discount.tolist() == [1 / 8, 1 / 8, 1 / 8, 1 / 4, 1 / 2]


def test_n_step_dqn_is_dqn_with_sb3_s_argument():
    assert torch.equal(of_parameters(small(NStepDQN, steps=80, seed=1)), of_parameters(small(DQN, steps=80, seed=1, n_steps=3)))


def test_a_loaded_n_step_model_gives_no_warning_about_its_own_memory(tmp_path, recwarn):
    small(NStepDQN, steps=30, seed=1).save(tmp_path / "model")
    assert NStepDQN.load(tmp_path / "model").replay_buffer.n_steps == 3
    assert not [w for w in recwarn if "is ignored" in str(w.message)]
