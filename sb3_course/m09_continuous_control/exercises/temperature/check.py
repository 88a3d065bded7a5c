"""Where the temperature goes, by hand. Steps are those of plain gradient descent with rate 0.1."""

import math

import torch

from sb3_course.teaching.checks import Mistake, measured, number, probe

torch.set_num_threads(1)


def row(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)


@probe("target_entropy", "1 and 6 components: H̄", expected=[-1.0, -6.0])
def targets(answer):
    return [number(answer.target_entropy(n), "H̄") for n in (1, 6)]


@probe("temperature_loss", "log α = -1, log π = 2 3, H̄ = -1: the loss", expected=1.5, tolerance=1e-5)
def loss(answer):
    return number(answer.temperature_loss(torch.tensor(-1.0, requires_grad=True), row(2, 3), -1.0), "the loss")


@probe("temperature_loss", "log α = -1, log π = 2 3, H̄ = -1: its gradients for log α and for log π", expected=[-1.5, 0, 0], tolerance=1e-5)
def gradients(answer):
    log_alpha, log_pi = torch.tensor(-1.0, requires_grad=True), row(2, 3).requires_grad_()
    found = answer.temperature_loss(log_alpha, log_pi, -1.0)
    if not getattr(found, "requires_grad", False):
        raise Mistake("cannot be tried: the loss carries no gradient")
    found.backward()
    return [0.0 if log_alpha.grad is None else float(log_alpha.grad), *(row(0, 0) if log_pi.grad is None else log_pi.grad).tolist()]


def tuned(answer, log_pi, target, n, start=0.0):
    """α after each of n steps."""
    log_alpha = torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.SGD([log_alpha], lr=0.1)
    return [number(answer.tune(log_alpha, optimiser, row(*log_pi), target), "α") for _ in range(n)]


@probe("tune", "entropy 2, H̄ = -1, from α = 1: α after a step", expected=math.exp(-0.3), tolerance=1e-5)
def one_step(answer):
    return tuned(answer, (-2, -2), -1.0, 1)[0]


@probe("tune", "entropy -3, H̄ = -1, from α = 1: α after each of two steps", expected=[math.exp(0.2), math.exp(0.4)], tolerance=1e-5)
def two_steps(answer):
    return tuned(answer, (3, 3), -1.0, 2)


@probe("tune", "entropy 2, H̄ = -1, from α = 1: the least α of 50 steps", expected=math.exp(-15), tolerance=1e-9)
def stays_positive(answer):
    found = tuned(answer, (-2, -2), -1.0, 50)
    return measured(min(found), of=found)
