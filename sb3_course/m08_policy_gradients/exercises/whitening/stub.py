"""Whitening, repaired (E15).

This is how a script for REINFORCE often scales the returns of an episode, a tensor [T]:

    returns = (returns - returns.mean()) / (returns.std() + 1e-9)

Try it on torch.tensor([1.0]), and on torch.tensor([20.0, 10.0]) and torch.tensor([2.0, 1.0]). The first gives NaN. The other two give the same: that the first
of these episodes was ten times as good as the second is lost.

Below a batch is a list of N episodes, each a tensor [T_i] with as many returns as the episode has steps; the lengths differ.

A worked example: the batch is [20, 10], [2, 1], [7]. The mean of its five returns is 8, the mean square of what they are away from it 46.8, the deviation
6.841. So the weights are [1.754, 0.292], [−0.877, −1.023], [−0.146].
"""

import torch


def whiten(episodes):
    """A list of N tensors [T_i] as in episodes: (G − mean) / deviation, mean and deviation being those of all steps of the batch together.

    The deviation is the root of the mean square: divide by the number of steps n, not by n − 1. If all returns are equal, all weights are 0.
    """
    raise NotImplementedError("your turn: scale the returns of a batch")


def loss(log_probs, weights):
    """One number, a tensor with a gradient, that an optimiser makes small. Both arguments are lists of N tensors [T_i].

    −(1/N) Σ_episodes Σ_t weight_t ln π(a_t|s_t)        the gradient goes up if this goes down
    """
    raise NotImplementedError("your turn: the loss of a batch")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(whiten([torch.tensor([20.0, 10.0]), torch.tensor([2.0, 1.0]), torch.tensor([7.0])]))
