"""Double DQN's target once more: a row at a time, and a mask of the best action in place of its number."""

import numpy as np
import torch
import torch.nn.functional as F

from from_scratch import DQN


def two_estimates(first, second):
    chosen = [int(np.argmax(row)) for row in first]
    return float(np.mean([row[a] for row, a in zip(first, chosen)])), float(np.mean([row[a] for row, a in zip(second, chosen)]))


def double_target(q, q_target, reward, next_obs, terminated, gamma):
    of_learner, of_target = q(next_obs).detach(), q_target(next_obs).detach()
    best = F.one_hot(of_learner.argmax(-1), of_learner.shape[1])
    y = torch.where(terminated > 0, reward, reward + gamma * (best * of_target).sum(1, keepdim=True))
    return y.flatten()


class MyDoubleDQN(DQN):
    def train(self, gradient_steps, batch_size=100):
        for _ in range(gradient_steps):
            d = self.replay_buffer.sample(batch_size)
            y = double_target(self.q_net, self.q_net_target, d.rewards, d.next_observations, d.dones, self.gamma)
            error = F.smooth_l1_loss(self.q_net(d.observations).gather(1, d.actions).flatten(), y)
            self.policy.optimizer.zero_grad()
            error.backward()
            torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
