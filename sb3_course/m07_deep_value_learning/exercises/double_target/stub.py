"""Exercise: the target of Double DQN (van Hasselt, Guez & Silver 2016, arXiv:1509.06461).

Numbers of a batch of M transitions come as columns, as in exercise 7:

    reward [M, 1]      next_obs [M, n]      terminated [M, 1], each 0. or 1.

q and q_target are networks, torch.nn.Module: q(obs) gives the values of all actions, [M, n_actions]. Their weights are θ and θ⁻; θ learns.

A worked example with M = 1: reward 1, γ = 0.5, Q(s', ·; θ) = (3, 1), Q(s', ·; θ⁻) = (2, 6). The first action looks best to θ, and θ⁻ says that it is worth 2:
y = 1 + 0.5 · 2 = 2. DQN's own target would be 1 + 0.5 · 6 = 4.
"""

import numpy as np
import torch

from from_scratch import DQN


def two_estimates(first, second):
    """How good the best action seems: means over N states, two numbers.

    first, second: two noisy estimates of the same values, arrays [N, n_actions]. In each state the action that is best in `first` is chosen.
    Gives what `first` says of the chosen actions, and what `second` says of them, the mean over the states each.

    An example, N = 1: first (1, 3), second (5, 4). The second action is chosen: 3 and 4.
    """
    raise NotImplementedError("your turn: judge the best action twice")


def double_target(q, q_target, reward, next_obs, terminated, gamma):
    """y [M], without a gradient.

    a* = argmax_a Q(s', a; θ)        y = r + γ Q(s', a*; θ⁻), and where nothing follows, r alone        (eq. 4)
    """
    raise NotImplementedError("your turn: the target")


class MyDoubleDQN(DQN):
    """The library's loop and memory with your target. It is written already."""

    def train(self, gradient_steps, batch_size=100):
        for _ in range(gradient_steps):
            data = self.replay_buffer.sample(batch_size)  # its `dones` leave time limits out
            y = double_target(self.q_net, self.q_net_target, data.rewards, data.next_observations, data.dones, self.gamma)
            chosen = self.q_net(data.observations).gather(1, data.actions)[:, 0]
            self.policy.optimizer.zero_grad()
            torch.nn.functional.smooth_l1_loss(chosen, y).backward()
            torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    rng = np.random.default_rng(0)
    for n_actions in (2, 10, 100):  # all actions are worth 0
        print(n_actions, "actions:", two_estimates(rng.normal(size=(1000, n_actions)), rng.normal(size=(1000, n_actions))))
