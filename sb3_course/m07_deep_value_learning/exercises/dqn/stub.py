"""Exercise 7: DQN (Mnih et al. 2015, Nature 518:529, algorithm 1).

A batch of M transitions comes out of the memory as tensors, numbers as columns:

    obs, next_obs [M, n]      action [M, 1], whole numbers      reward [M, 1]      terminated, truncated [M, 1], each 0. or 1.

terminated: nothing follows, the future is worth 0. truncated: a time limit cut the episode, but there was more to come.
q and q_target are networks, torch.nn.Module: q(obs) gives the values of all actions, [M, n_actions]. Their weights are θ and θ⁻.

A worked example with M = 1: reward 1, γ = 0.5, Q(s', ·; θ⁻) = (2, 4). The target is y = 1 + 0.5 · 4 = 3, or 1 if the transition terminated.
If Q(s, a; θ) = 5, the error is 2, and Huber's loss 2 − 0.5 = 1.5; below 1 it is half the square of the error.

Of PyTorch you need: torch.no_grad(), tensors without gradients; module.state_dict() and module.load_state_dict(…), weights read and written;
optimiser.zero_grad(), loss.backward(), optimiser.step(), the three parts of a step. Arguments that you do not need may stay unused.
"""

from typing import NamedTuple

import torch

from from_scratch import DQN


class Batch(NamedTuple):
    obs: torch.Tensor
    action: torch.Tensor
    reward: torch.Tensor
    next_obs: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor


def td_target(q_target, reward, next_obs, terminated, truncated, gamma):
    """y [M], without a gradient.

    y = r + γ max_a Q(s', a; θ⁻)        where nothing follows, r alone
    """
    raise NotImplementedError("your turn: the target")


def loss(q, obs, action, y):
    """Huber's loss of y − Q(s, a; θ), the mean over the batch: one number, a tensor with a gradient. y is [M].

    torch.nn.functional.smooth_l1_loss is Huber's loss. q(obs).gather(1, action) picks a column of each row; look at the shape that it gives.
    """
    raise NotImplementedError("your turn: the loss")


def epsilon(step, episode, n_steps, initial=1.0, final=0.05, fraction=0.1):
    """How often a random action is taken. step: the steps taken so far, of n_steps in all. episode: the episodes begun so far.

    ε falls linearly from initial to final in the first fraction · n_steps steps, and stays there.
    """
    raise NotImplementedError("your turn: ε")


def sync(q, q_target):
    """θ⁻ ← θ, in place: from now on q_target computes what q computes at this moment, also after q has learnt more. The numbers are copied, not shared."""
    raise NotImplementedError("your turn: copy the weights")


def update(q, q_target, optimiser, batch, gamma, max_grad_norm=10.0):
    """One step of the optimiser, which holds the weights of q, down the loss of a batch. Gives the loss before the step, a float.

    Before the step the gradient of q's weights is clipped: torch.nn.utils.clip_grad_norm_(q.parameters(), max_grad_norm).
    """
    raise NotImplementedError("your turn: one update")


class MyDQN(DQN):
    """The library's loop and memory with the functions above. It is written already: read it, for it says when they are called."""

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


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. 5000 steps are a beginning: a return above 20 is all to expect
    model = MyDQN("MlpPolicy", "CartPole-v1", seed=0, learning_starts=1000, learning_rate=2.3e-3, train_freq=4, target_update_interval=100, verbose=1)
    model.learn(5000)
