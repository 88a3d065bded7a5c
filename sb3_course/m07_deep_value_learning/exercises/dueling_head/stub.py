"""Exercise: the head of a dueling network (Wang et al. 2016, arXiv:1511.06581).

M states, V as a column [M, 1], A as [M, n_actions], Q as [M, n_actions]: tensors with gradients.

Q = V + A alone would leave V and A undetermined: add 5 to V, take 5 from every A, and Q is the same. So the head takes the mean of A away, in each state for
itself. What the streams say is then fixed: V is the mean of Q over the actions, and A how much better than that an action is.

A worked example with M = 1: V = 10, A = (1, 2, 6). The mean of A is 3, and Q = (8, 9, 13). With A = (101, 102, 106) it is the same.
"""

import torch
from torch import nn


def combine(v, a):
    """Q [M, n_actions] of the two streams v [M, 1] and a [M, n_actions].

    Q(s, a) = V(s) + A(s, a) − (1 / n_actions) Σ_a' A(s, a')        (eq. 9)
    """
    raise NotImplementedError("your turn: join the streams")


def split(q):
    """V [M, 1] and A [M, n_actions] of which combine makes q [M, n_actions] again, the mean of A being 0 in each state."""
    raise NotImplementedError("your turn: the way back")


class Dueling(nn.Module):
    """n_obs numbers in, n_actions values out: one layer of features that both streams see, and a layer for each stream."""

    def __init__(self, n_obs, n_actions, n_hidden=32):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(n_obs, n_hidden), nn.ReLU())
        self.value = nn.Linear(n_hidden, 1)
        self.advantage = nn.Linear(n_hidden, n_actions)

    def forward(self, obs):
        """Q(s, ·) [M, n_actions] of obs [M, n_obs]."""
        raise NotImplementedError("your turn: the forward pass")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    q = Dueling(4, 3)
    print(q(torch.randn(5, 4)).shape)  # should be [5, 3]
