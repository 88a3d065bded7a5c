"""the copy is the same network under another name"""

import math

import torch
from torch import nn


def slow_copy(network):
    return network


def polyak(network, target, tau):
    with torch.no_grad():
        for p, p_target in zip(network.parameters(), target.parameters()):
            p_target.mul_(1 - tau).add_(tau * p)


def half_life(tau):
    return math.log(0.5) / math.log(1 - tau)


if __name__ == "__main__":
    network = nn.Linear(1, 1)
    target = slow_copy(network)
    nn.init.ones_(network.weight)
    for _ in range(3):
        polyak(network, target, 0.5)
        print(target.weight.item())
