"""the steps are counted as if each were τ of the whole way: each is τ of what is left, so it takes longer"""

from copy import deepcopy

import torch
from torch import nn


def slow_copy(network):
    return deepcopy(network).requires_grad_(False)


def polyak(network, target, tau):
    with torch.no_grad():
        for p, p_target in zip(network.parameters(), target.parameters()):
            p_target.mul_(1 - tau).add_(tau * p)


def half_life(tau):
    return 0.5 / tau


if __name__ == "__main__":
    network = nn.Linear(1, 1)
    target = slow_copy(network)
    nn.init.ones_(network.weight)
    for _ in range(3):
        polyak(network, target, 0.5)
        print(target.weight.item())
