"""What C51's projection must give.

On random returns the mass that algorithm 1 as printed loses is never seen, for nothing falls on an atom. With whole rewards much does.
"""

import torch

from from_scratch.core.atoms import projected
from sb3_course.teaching.checks import Mistake, array, measured, number, probe, seeded

torch.set_num_threads(1)

Z = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float32)


# ------------------------------------------------------------------------------------------------------------------ mean


@probe("expected", "atoms -1 0 3, p = 0.5 0.25 0.25 and 0.2 0.5 0.3: Q of the two actions", expected=[[0.25, 0.7]], tolerance=1e-5)
def mean_by_hand(answer):
    return array(answer.expected(tensor([[0.5, 0.25, 0.25], [0.2, 0.5, 0.3]]), tensor(-1, 0, 3)), (1, 2), "Q")


@probe("expected", "three states, two actions and atoms 0 1: Q", expected=[[0.5, 1], [0, 0.25], [1, 0.75]], tolerance=1e-5)
def means(answer):
    p = tensor([[0.5, 0.5], [0, 1]], [[1, 0], [0.75, 0.25]], [[0, 1], [0.25, 0.75]])
    return array(answer.expected(p, tensor(0, 1)), (3, 2), "Q")


# ------------------------------------------------------------------------------------------------------------ projection


def one(answer, p, r, gamma, over=0.0):
    return array(answer.project(tensor(p), tensor(r), tensor(over), Z, gamma), (1, 5), "m")


@probe("project", "atoms 0 1 2 3 4, surely 4, reward 0.5, γ = 0.5, so 2.5: m", expected=[[0, 0, 0.5, 0.5, 0]], tolerance=1e-5)
def between_two(answer):
    return one(answer, [0, 0, 0, 0, 1], 0.5, 0.5)


@probe("project", "atoms 0 1 2 3 4, surely 3, reward 0.75, γ = 0.5, so 2.25: m", expected=[[0, 0, 0.75, 0.25, 0]], tolerance=1e-5)
def nearer_to_one(answer):
    return one(answer, [0, 0, 0, 1, 0], 0.75, 0.5)


@probe("project", "atoms 0 1 2 3 4, surely 4, reward 1, γ = 0.5, so 3, which is an atom: m", expected=[[0, 0, 0, 1, 0]], tolerance=1e-5)
def on_an_atom(answer):
    return one(answer, [0, 0, 0, 0, 1], 1, 0.5)


@probe("project", "atoms 0 1 2 3 4, p = 0.2 each, reward 0.5, γ = 0.5, so 0.5 1 1.5 2 2.5: m", expected=[[0.1, 0.4, 0.4, 0.1, 0]], tolerance=1e-5)
def several_on_one(answer):
    return one(answer, [0.2] * 5, 0.5, 0.5)


@probe("project", "atoms 0 1 2 3 4, p = 0 0 0.5 0 0.5, reward 2, γ = 1, so 4 and 6, which is cut to 4: m", expected=[[0, 0, 0, 0, 1]], tolerance=1e-5)
def above_the_last(answer):
    return one(answer, [0, 0, 0.5, 0, 0.5], 2, 1.0)


@probe("project", "atoms 0 1 2 3 4, p = 0.5 0.5 0 0 0, reward -0.5, γ = 1, so -0.5, which is cut to 0, and 0.5: m", tolerance=1e-5,
       expected=[[0.75, 0.25, 0, 0, 0]])  # fmt: skip
def below_the_first(answer):
    return one(answer, [0.5, 0.5, 0, 0, 0], -0.5, 1.0)


@probe("project", "the end, reward 1.5: m, whatever p is", expected=[[0, 0.5, 0.5, 0, 0]], tolerance=1e-5)
def the_end(answer):
    return one(answer, [0.1, 0.2, 0.3, 0.4, 0], 1.5, 0.9, 1.0)


@probe("project", "40 transitions, 51 atoms from -10 to 10, γ = 0.99: the largest difference to from_scratch's m", expected=0.0, tolerance=1e-4)
def as_in_the_library(answer):
    """Of the rewards half are whole."""
    draws = torch.Generator().manual_seed(seeded(0))
    p, over = torch.randn(40, 51, generator=draws).softmax(-1), (torch.rand(40, generator=draws) < 0.2).float()
    reward = torch.randint(-3, 4, (40,), generator=draws).float() * torch.tensor([1.0, 0.7]).repeat(20)
    z = torch.linspace(-10, 10, 51)
    right = projected(p, (reward[:, None] + 0.99 * (1 - over[:, None]) * z).clamp(-10, 10), z, 0.4).numpy()
    difference = array(answer.project(p, reward, over, z, 0.99), (40, 51), "m") - right
    return measured(abs(difference).max(), of=difference)


# ------------------------------------------------------------------------------------------------------------------ loss

LOGITS = tensor([[0, 0], [0, 1.0986123]], [[1.0986123, 0], [0, 0]])  # the softmax of (0, ln 3) is (1/4, 3/4)


@probe("loss", "p = 1/4 3/4 of the action taken, m = 0.5 0.5; and 1/2 1/2, m = 0 1: the loss", expected=0.765068, tolerance=1e-5)
def loss_by_hand(answer):
    return number(answer.loss(LOGITS, torch.tensor([1, 1]), tensor([0.5, 0.5], [0, 1])), "it")


@probe("loss", "the same, its gradient for the logits", expected=[[[0, 0], [-0.125, 0.125]], [[0, 0], [0.25, -0.25]]], tolerance=1e-5)
def gradient_by_hand(answer):
    logits = LOGITS.clone().requires_grad_()
    found = answer.loss(logits, torch.tensor([1, 1]), tensor([0.5, 0.5], [0, 1]))
    number(found, "it")
    if not getattr(found, "requires_grad", False):
        raise Mistake("cannot be computed: the loss is a number without a gradient")
    found.backward()
    return array(logits.grad, (2, 2, 2), "the gradient")
