"""The script that study `claims-dqn` runs: its errors are there, by numbers."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from from_scratch.core.data import Transition
from sb3_course.m07_deep_value_learning.script_dqn import ScriptDQN, SquaredDQN

SETTINGS = {"learning_starts": 0, "train_freq": 1, "batch_size": 8, "buffer_size": 1000, "learning_rate": 1e-2, "policy_kwargs": {"net_arch": [4]}, "seed": 0}


class Short(gym.Env):
    """Episodes of three steps, cut and not ended."""

    observation_space, action_space = gym.spaces.Box(0, 9, (1,)), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 1.0, False, self.t == 3, {}


def weights(net):
    return torch.cat([w.detach().flatten() for w in net.parameters()]).numpy().copy()


def test_targets_are_renewed_every_ten_episodes_and_epsilon_falls_after_each():
    model = ScriptDQN("MlpPolicy", Short(), **SETTINGS)
    renewed, rates, last = [], [], weights(model.q_net_target)

    def look(local, _):
        nonlocal last
        rates.append(model.exploration_rate)
        now = weights(model.q_net_target)
        if not np.array_equal(now, last):
            renewed.append(model.num_timesteps)
            last = now
        return True

    model.learn(75, callback=look)
    assert renewed == [32, 62]  # ten episodes of 3 steps; they count from the next step on, and the callback comes before a step is looked at
    np.testing.assert_allclose([rates[3], rates[4], rates[-1]], [1, 0.995, 0.995**24], rtol=1e-12)


def test_epsilon_stops_at_its_last_value():
    model = ScriptDQN("MlpPolicy", Short(), epsilon_decay=0.1, exploration_final_eps=0.02, **SETTINGS).learn(12)
    assert model.exploration_rate == 0.02


@pytest.mark.parametrize(("handle", "dones"), [(False, [0, 0, 1]), (True, [0, 0, 0])])
def test_a_time_limit_is_stored_as_an_end_where_the_memory_is_told_so(handle, dones):
    model = ScriptDQN("MlpPolicy", Short(), replay_buffer_kwargs={"handle_timeout_termination": handle}, **SETTINGS).learn(9)
    batch = model.replay_buffer._get_samples(np.arange(9))
    np.testing.assert_array_equal(batch.dones[:, 0], dones * 3)


def test_errors_are_squared_and_not_clipped():
    model = SquaredDQN("MlpPolicy", Short(), gamma=0.5, **SETTINGS)
    obs, after = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [3.0]])
    with torch.no_grad():
        q, then = model.q_net(obs), model.q_net_target(after)
    y = np.array([100.0, 1 + 0.5 * float(then[1].max())])
    expected = np.mean((y - np.array([float(q[0, 0]), float(q[1, 1])])) ** 2)
    batch = Transition(obs[None], torch.tensor([[[0], [1]]]), torch.tensor([[100.0, 1.0]]), after[None], torch.tensor([[0.0, 0.5]]))
    found = model.loss(batch)[0]
    np.testing.assert_allclose(float(found.detach().sum()), expected, rtol=1e-5)
