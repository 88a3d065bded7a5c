"""The same with the gradient written down."""

import math

import torch


def target_entropy(n_actions):
    return 0 - n_actions


def temperature_loss(log_alpha, log_pi, target):
    with torch.no_grad():
        surplus = -log_pi - target  # of entropy
    return log_alpha * surplus.mean()


def tune(log_alpha, optimiser, log_pi, target):
    loss = temperature_loss(log_alpha, log_pi, target)
    (log_alpha.grad,) = torch.autograd.grad(loss, [log_alpha])
    optimiser.step()
    return math.exp(log_alpha.item())
