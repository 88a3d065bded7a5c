"""DQN once more: Huber's loss written out, weights copied one by one, columns kept until the end."""

from types import SimpleNamespace

import numpy as np
import torch

from from_scratch import DQN


def td_target(q_target, reward, next_obs, terminated, truncated, gamma):
    values = q_target(next_obs).detach()
    y = torch.where(terminated > 0, reward, reward + gamma * values.amax(dim=1, keepdim=True))
    return y.flatten()


def loss(q, obs, action, y):
    values = q(obs)
    chosen = values[torch.arange(len(values)), action.flatten()]
    size = (y - chosen).abs()
    return torch.where(size < 1, size**2 / 2, size - 0.5).mean()


def epsilon(step, episode, n_steps, initial=1.0, final=0.05, fraction=0.1):
    return float(np.interp(step, [0, fraction * n_steps], [initial, final]))


def sync(q, q_target):
    with torch.no_grad():
        for source, copy in zip(q.parameters(), q_target.parameters()):
            copy.copy_(source)


def update(q, q_target, optimiser, batch, gamma, max_grad_norm=10.0):
    weights = list(q.parameters())
    value = loss(q, batch.obs, batch.action, td_target(q_target, batch.reward, batch.next_obs, batch.terminated, None, gamma))
    gradients = torch.autograd.grad(value, weights)
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    for w, g in zip(weights, gradients):
        w.grad = g * torch.clamp(max_grad_norm / (norm + 1e-6), max=1.0)
    optimiser.step()
    return value.item()


class MyDQN(DQN):
    def train(self, gradient_steps, batch_size=100):
        for _ in range(gradient_steps):
            d = self.replay_buffer.sample(batch_size)
            batch = SimpleNamespace(obs=d.observations, action=d.actions, reward=d.rewards, next_obs=d.next_observations, terminated=d.dones, truncated=None)
            update(self.q_net, self.q_net_target, self.policy.optimizer, batch, self.gamma, self.max_grad_norm)

    def _on_step(self):
        self.exploration_rate = epsilon(
            self.num_timesteps, 0, self._total_timesteps, self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction
        )
        if self.num_timesteps % self.target_update_interval == 0:
            sync(self.q_net, self.q_net_target)
