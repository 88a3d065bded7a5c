"""SAC's target by hand, and on the one-state problem whose value is known: r = 0, a uniform policy, V = α log 2 / (1 − γ)."""

import math

import torch

from sb3_course.teaching.checks import array, measured, number, probe

torch.set_num_threads(1)


def row(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)


@probe("soft_value", "Q₁ = 3 5, Q₂ = 4 1, log π = -0.5 2, α = 0.2: V", expected=[3.1, 0.6], tolerance=1e-5)
def value(answer):
    return array(answer.soft_value(row(3, 5), row(4, 1), row(-0.5, 2), 0.2), (2,), "V")


@probe("soft_target", "rewards 1 0, Q₁ = 3 5, Q₂ = 4 1, log π = -0.5 2, α = 0.2, γ = 0.5: y", expected=[2.55, 0.3], tolerance=1e-5)
def by_hand(answer):
    return array(answer.soft_target(row(3, 5), row(4, 1), row(-0.5, 2), row(1, 0), row(0, 0), 0.2, 0.5), (2,), "y")


@probe("soft_target", "rewards 1 2, Q₁ = Q₂ = 3, log π = -0.5, α = 0.2, γ = 0.5, the second terminates: y", expected=[2.55, 2.0], tolerance=1e-5)
def ends(answer):
    return array(answer.soft_target(row(3, 3), row(3, 3), row(-0.5, -0.5), row(1, 2), row(0, 1), 0.2, 0.5), (2,), "y")


@probe("soft_target", "does y carry a gradient?", expected=False)
def gradient(answer):
    q = row(3).requires_grad_()
    return bool(answer.soft_target(q, q, row(-0.5), row(1), row(0), 0.2, 0.5).requires_grad)


@probe("soft_target", "one state, reward 0, actions uniform in (-1, 1), α = 0.2, γ = 0.9: Q", expected=0.9 * 0.2 * math.log(2) / (1 - 0.9), tolerance=1e-3)
def uniform(answer):
    q = row(0)
    for _ in range(150):
        q = torch.as_tensor(array(answer.soft_target(q, q, row(-math.log(2)), row(0), row(0), 0.2, 0.9), (1,), "y")).float()
    return number(q, "Q")


def of_actor(answer):
    """Loss, and its gradients for Q₁, Q₂ and log π."""
    given = [row(3, 5).requires_grad_(), row(4, 1).requires_grad_(), row(-0.5, 2).requires_grad_()]
    loss = answer.actor_loss(*given, 0.2)
    value = number(loss, "the loss")
    loss.backward()
    return value, [0.0 if x is None else float(x) for tensor in given for x in (tensor.grad if tensor.grad is not None else [None, None])]


@probe("actor_loss", "Q₁ = 3 5, Q₂ = 4 1, log π = -0.5 2, α = 0.2: the loss", expected=-1.85, tolerance=1e-5)
def loss(answer):
    value, slopes = of_actor(answer)
    return measured(value, of=[value, *slopes])


@probe("actor_loss", "Q₁ = 3 5, Q₂ = 4 1, log π = -0.5 2, α = 0.2: its gradients for Q₁, Q₂, log π", expected=[-0.5, 0, 0, -0.5, 0.1, 0.1], tolerance=1e-5)
def slopes(answer):
    return of_actor(answer)[1]
