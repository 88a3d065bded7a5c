"""rewards are a column [M, 1] and the best values are [M]: their sum is a square [M, M]

PyTorch spreads both over the square. That is no error for it, and it does not even warn.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from from_scratch import DQN


class Batch(NamedTuple):
    obs: torch.Tensor
    action: torch.Tensor
    reward: torch.Tensor
    next_obs: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor


def td_target(q_target, reward, next_obs, terminated, truncated, gamma):
    with torch.no_grad():
        best = q_target(next_obs).max(1).values
        return reward + gamma * (1 - terminated[:, 0]) * best


def loss(q, obs, action, y):
    return F.smooth_l1_loss(q(obs).gather(1, action)[:, 0], y)


def epsilon(step, episode, n_steps, initial=1.0, final=0.05, fraction=0.1):
    progress = min(step / (fraction * n_steps), 1.0)
    return initial + progress * (final - initial)


def sync(q, q_target):
    q_target.load_state_dict(q.state_dict())


def update(q, q_target, optimiser, batch, gamma, max_grad_norm=10.0):
    y = td_target(q_target, batch.reward, batch.next_obs, batch.terminated, batch.truncated, gamma)
    error = loss(q, batch.obs, batch.action, y)
    optimiser.zero_grad()
    error.backward()
    torch.nn.utils.clip_grad_norm_(q.parameters(), max_grad_norm)
    optimiser.step()
    return error.item()


class MyDQN(DQN):
    """The library's loop and memory with the functions above."""

    def train(self, gradient_steps, batch_size=100):
        for _ in range(gradient_steps):
            data = self.replay_buffer.sample(batch_size)  # its `dones` leave time limits out
            nothing = torch.zeros_like(data.dones)
            batch = Batch(data.observations, data.actions, data.rewards, data.next_observations, data.dones, nothing)
            update(self.q_net, self.q_net_target, self.policy.optimizer, batch, self.gamma, self.max_grad_norm)

    def _on_step(self):  # after every step of the environment
        self.exploration_rate = epsilon(
            self.num_timesteps, self._episode_num, self._total_timesteps, self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction
        )
        if self.num_timesteps % self.target_update_interval == 0:
            sync(self.q_net, self.q_net_target)


if __name__ == "__main__":
    model = MyDQN("MlpPolicy", "CartPole-v1", seed=0, learning_starts=1000, learning_rate=2.3e-3, train_freq=4, target_update_interval=100, verbose=1)
    model.learn(5000)
