"""Copies and slow steps on networks with weights that are known."""

import math

import torch
from torch import nn

from sb3_course.teaching.checks import Mistake, measured, number, probe

torch.set_num_threads(1)


def network(weight, bias):
    """w x + b."""
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(weight)
        net.bias.fill_(bias)
    return net


def weights(net):
    return [p.item() for p in net.parameters()]


def copied(answer, net):
    found = answer.slow_copy(net)
    if not isinstance(found, nn.Module):
        raise Mistake(f"cannot be judged: slow_copy gives {found!r}, should be a network")
    return found


@probe("slow_copy", "w = 2, b = -1: weights of the copy", expected=[2.0, -1.0], tolerance=1e-6)
def same_weights(answer):
    return weights(copied(answer, network(2, -1)))


@probe("slow_copy", "w = 2, b = -1: weights of the copy, when then 10 is added to those of the network", expected=[2.0, -1.0], tolerance=1e-6)
def of_its_own(answer):
    net = network(2, -1)
    target = copied(answer, net)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(10)
    return weights(target)


@probe("slow_copy", "do the copy's weights ask for a gradient?", expected=False)
def no_gradient(answer):
    return any(p.requires_grad for p in copied(answer, network(2, -1)).parameters())


@probe("slow_copy", "do the network's own weights still ask for one?", expected=True)
def still_learning(answer):
    net = network(2, -1)
    copied(answer, net)
    return all(p.requires_grad for p in net.parameters())


def followed(answer, n, tau):
    """Weights of the target after n steps from (0, 0) towards (10, -20), and those of the network."""
    net, target = network(10, -20), network(0, 0).requires_grad_(False)
    for _ in range(n):
        answer.polyak(net, target, tau)
    return measured(weights(target), of=[*weights(target), *weights(net)])


@probe("polyak", "θ = 10 -20, θ' = 0 0, τ = 0.1: θ' after one step", expected=[1.0, -2.0], tolerance=1e-5)
def one_step(answer):
    return followed(answer, 1, 0.1)


@probe("polyak", "θ = 10 -20, θ' = 0 0, τ = 0.1: θ' after three steps", expected=[2.71, -5.42], tolerance=1e-5)
def three_steps(answer):
    return followed(answer, 3, 0.1)


@probe("polyak", "θ = 10 -20, θ' = 0 0, τ = 0.1: θ after a step", expected=[10.0, -20.0], tolerance=1e-5)
def network_stays(answer):
    net = network(10, -20)
    answer.polyak(net, network(0, 0).requires_grad_(False), 0.1)
    return weights(net)


@probe("polyak", "θ = 10 -20, θ' = 0 0, τ = 1, then 5 is added to θ: θ'", expected=[10.0, -20.0], tolerance=1e-5)
def not_shared(answer):
    net, target = network(10, -20), network(0, 0).requires_grad_(False)
    answer.polyak(net, target, 1.0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(5)
    return weights(target)


@probe("half_life", "τ = 0.5 and 0.005: updates until half of the way is done", expected=[1.0, math.log(0.5) / math.log(0.995)], tolerance=0.01)
def halves(answer):
    return [number(answer.half_life(tau), "the number") for tau in (0.5, 0.005)]
