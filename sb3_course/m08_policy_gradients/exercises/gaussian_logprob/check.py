"""What a Gaussian policy's log-probability must be: by hand, by quadrature, by derivatives, and beside the library's distribution.

A constant that is left out is not seen in ratios nor in gradients: only the integral and numbers by hand tell.
"""

import math

import numpy as np
import torch

from from_scratch.core.distributions import Gaussian
from sb3_course.teaching.checks import array, measured, number, probe, seeded

torch.set_num_threads(1)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def batch(seed):
    """action, mean, old_mean [5, 3], log_std, old_log_std [3], in double precision."""
    draw = np.random.default_rng(seeded(seed))
    return *(torch.as_tensor(x) for x in draw.normal(size=(3, 5, 3))), *(torch.as_tensor(x) for x in 0.5 * draw.normal(size=(2, 3)))


def apart(found, right):
    """The largest difference; wrong answers are recognised by all of them."""
    found, right = array(found, tuple(right.shape)), right.detach().numpy()
    return measured(float(np.abs(found - right).max()), of=found - right)


@probe("log_prob", "action (1, 2), mean (0, 0), σ = 1 and 2: ln π", expected=[-1 - math.log(2) - math.log(2 * math.pi)], tolerance=1e-6)
def by_hand(answer):
    return array(answer.log_prob(tensor([1, 2]), tensor([0, 0]), tensor(0, math.log(2))), (1,), "ln π")


@probe("log_prob", "a batch of five actions of three components beside the library's: the largest difference", expected=0.0, tolerance=1e-6)
def beside_the_library(answer):
    action, mean, _, log_std, _ = batch(0)
    return apart(answer.log_prob(action, mean, log_std), Gaussian(mean, log_std).log_prob(action))


@probe("log_prob", "σ = 0.7, the integral of the density over all actions", expected=1.0, tolerance=1e-6)
def integral(answer):
    grid = torch.linspace(-10, 10, 4001, dtype=torch.float64)[:, None]
    found = array(answer.log_prob(grid, torch.zeros_like(grid), tensor(math.log(0.7))), (4001,), "ln π")
    return float(np.exp(found).sum() * 20 / 4000)


@probe("log_prob", "action 2, mean 1, σ = 0.5: derivatives of ln π by mean and by log_std", expected=[4.0, 3.0], tolerance=1e-6)
def derivatives(answer):
    mean, log_std = tensor([1.0]).requires_grad_(), tensor(math.log(0.5)).requires_grad_()
    answer.log_prob(tensor([2.0]), mean, log_std).sum().backward()  # (a − μ) / σ², and z² − 1
    return [array(mean.grad, (1, 1), "the derivative by mean")[0, 0], array(log_std.grad, (1,), "the derivative by log_std")[0]]


@probe("entropy", "σ = 0.5 and 4: the entropy", expected=1 + math.log(2 * math.pi) + math.log(2), tolerance=1e-6)
def entropy_by_hand(answer):
    return number(answer.entropy(tensor(math.log(0.5), math.log(4))), "the entropy")


@probe("kl", "old mean 1, σ 1, new mean 0, σ 2: KL(old ‖ new)", expected=[math.log(2) + 2 / 8 - 0.5], tolerance=1e-6)
def kl_by_hand(answer):
    return array(answer.kl(tensor([1.0]), tensor(0.0), tensor([0.0]), tensor(math.log(2))), (1,), "KL")


@probe("kl", "a batch of five observations beside the library's: the largest difference", expected=0.0, tolerance=1e-6)
def kl_beside_the_library(answer):
    _, mean, old_mean, log_std, old_log_std = batch(1)
    return apart(answer.kl(old_mean, old_log_std, mean, log_std), Gaussian(old_mean, old_log_std).kl(Gaussian(mean, log_std)))
