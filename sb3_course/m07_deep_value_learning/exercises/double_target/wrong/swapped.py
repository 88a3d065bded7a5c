"""the roles are swapped: the target network chooses the action, and the network that learns says what it is worth

The first Double Q-learning draws lots for the roles. Here they are fixed: choosing asks for the newest weights, judging for those that stand still.
"""

import numpy as np
import torch

from from_scratch import DQN


def two_estimates(first, second):
    states, best = np.arange(len(first)), first.argmax(1)
    return first[states, best].mean(), second[states, best].mean()


def double_target(q, q_target, reward, next_obs, terminated, gamma):
    with torch.no_grad():
        best = q_target(next_obs).argmax(1, keepdim=True)
        worth = q(next_obs).gather(1, best)[:, 0]
        return reward[:, 0] + gamma * (1 - terminated[:, 0]) * worth


class MyDoubleDQN(DQN):
    """The library's loop and memory with the target above."""

    def train(self, gradient_steps, batch_size=100):
        for _ in range(gradient_steps):
            data = self.replay_buffer.sample(batch_size)  # its `dones` leave time limits out
            y = double_target(self.q_net, self.q_net_target, data.rewards, data.next_observations, data.dones, self.gamma)
            chosen = self.q_net(data.observations).gather(1, data.actions)[:, 0]
            self.policy.optimizer.zero_grad()
            torch.nn.functional.smooth_l1_loss(chosen, y).backward()
            torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for n_actions in (2, 10, 100):  # all actions are worth 0
        print(n_actions, "actions:", two_estimates(rng.normal(size=(1000, n_actions)), rng.normal(size=(1000, n_actions))))
