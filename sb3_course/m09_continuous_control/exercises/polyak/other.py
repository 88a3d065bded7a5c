"""The same by dictionaries of weights, torch's lerp, and base-2 logarithms."""

import copy
import math

import torch


def slow_copy(network):
    twin = copy.deepcopy(network)
    twin.load_state_dict({name: value.clone() for name, value in network.state_dict().items()})
    for weight in twin.parameters():
        weight.requires_grad = False
    return twin


@torch.no_grad()
def polyak(network, target, tau):
    new = {name: torch.lerp(old, network.state_dict()[name], tau) for name, old in target.state_dict().items()}
    target.load_state_dict(new)


def half_life(tau):
    return -1 / math.log2(1 - tau)
