"""τ and 1 - τ have changed places: the target is nearly the network itself after one step"""

import math
from copy import deepcopy

import torch
from torch import nn


def slow_copy(network):
    return deepcopy(network).requires_grad_(False)


def polyak(network, target, tau):
    with torch.no_grad():
        for p, p_target in zip(network.parameters(), target.parameters()):
            p_target.mul_(tau).add_((1 - tau) * p)


def half_life(tau):
    return math.log(0.5) / math.log(1 - tau)


if __name__ == "__main__":
    network = nn.Linear(1, 1)
    target = slow_copy(network)
    nn.init.ones_(network.weight)
    for _ in range(3):
        polyak(network, target, 0.5)
        print(target.weight.item())
