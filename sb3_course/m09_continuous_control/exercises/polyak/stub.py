"""Target networks that follow slowly (Lillicrap et al. 2016, arXiv:1509.02971, algorithm 1).

Values are learnt from values. If they are one's own, each update moves its own goal. DQN keeps a copy and renews it now and then; DDPG, TD3 and SAC let a
copy follow all the time, by a small step each time. The step is called after Polyak, who averaged weights.
"""

import math

import torch
from torch import nn


def slow_copy(network):
    """A network with the same weights, and none of them shared: what happens to the one does not happen to the other. Its weights ask for no gradient."""
    raise NotImplementedError("your turn: a copy of its own")


def polyak(network, target, tau):
    """Move every weight of `target` a share τ of the way towards that of `network`, in place. Nothing else changes.

        θ' ← τ θ + (1 − τ) θ'

    A worked example: θ = 10, θ' = 0, τ = 0.1. θ' becomes 1, then 1.9, then 2.71.
    """
    raise NotImplementedError("your turn: follow")


def half_life(tau):
    """After how many updates half of the way to a network that stands still is done, a number (it need not be whole): n with (1 − τ)ⁿ = ½."""
    raise NotImplementedError("your turn: how slow is that?")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    target = slow_copy(network)
    nn.init.ones_(network.weight)
    for _ in range(3):
        polyak(network, target, 0.5)
        print(target.weight.item())
    print(half_life(0.005), "which for a small τ is about", math.log(2) / 0.005)
