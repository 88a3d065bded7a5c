"""CQL's penalty on a two-action table, worked by hand, and the integral where it is known."""

import math

import torch

from sb3_course.teaching.checks import array, measured, number, probe

torch.set_num_threads(1)

TWO = math.log(math.exp(2) + 1)  # log Σ exp of 2 and 0


def table(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def acts(*numbers):
    return torch.tensor(numbers)


@probe("penalty", "Q = 2 0, the data's action is 0: the penalty", expected=TWO - 2, tolerance=1e-5)
def of_the_best(answer):
    return number(answer.penalty(table([2, 0]), acts(0)), "the penalty")


@probe("penalty", "Q = 2 0, the data's action is 1: the penalty", expected=TWO, tolerance=1e-5)
def of_the_other(answer):
    return number(answer.penalty(table([2, 0]), acts(1)), "the penalty")


@probe("penalty", "both of these as one batch: the penalty", expected=TWO - 1, tolerance=1e-5)
def of_a_batch(answer):
    return number(answer.penalty(table([2, 0], [2, 0]), acts(0, 1)), "the penalty")


@probe("penalty", "Q = 0 0 0 0: the penalty, log 4", expected=math.log(4), tolerance=1e-5)
def of_equals(answer):
    return number(answer.penalty(table([0, 0, 0, 0]), acts(2)), "the penalty")


@probe("penalty", "Q = 1002 1000, the data's action is 0: the penalty", expected=TWO - 2, tolerance=1e-3)
def of_large_values(answer):
    return number(answer.penalty(table([1002, 1000]), acts(0)), "the penalty")


@probe("penalty", "Q = 2 0, the data's action is 1: its gradient for Q", expected=[0.880797, -0.880797], tolerance=1e-5)
def push(answer):
    q = table([2, 0]).requires_grad_()
    answer.penalty(q, acts(1)).backward()
    return q.grad[0].tolist()


@probe("cql_loss", "Q = 2 0, action 1, y = 1, α = 0.5: the loss", expected=0.5 * TWO + 0.5, tolerance=1e-5)
def loss(answer):
    return number(answer.cql_loss(table([2, 0]), acts(1), torch.ones(1), 0.5), "the loss")


@probe("cql_loss", "Q = 2 0, action 1, y = 1, α = 0: the loss, half a squared error", expected=0.5, tolerance=1e-5)
def loss_of_errors(answer):
    return number(answer.cql_loss(table([2, 0]), acts(1), torch.ones(1), 0.0), "the loss")


@probe("cql_loss", "Q = 2 0 and 1 1, actions 1 0, y = 1 3, α = 0.5: the loss", expected=0.25 * (TWO + math.log(2)) + 0.25 * 5, tolerance=1e-5)
def loss_of_a_batch(answer):
    value = number(answer.cql_loss(table([2, 0], [1, 1]), acts(1, 0), torch.tensor([1.0, 3.0]), 0.5), "the loss")
    return measured(value, of=[value])


@probe("cql_loss", "does a gradient reach y?", expected=False)
def target_is_a_number(answer):
    q, y = table([2, 0]).requires_grad_(), torch.ones(1, requires_grad=True)
    answer.cql_loss(q, acts(1), y, 0.5).backward()
    return bool(y.grad is not None and y.grad.abs().sum() > 0)


@probe("cql_loss", "Q = 2 0, action 1, y = 1, α = 0.5: its gradient for Q", expected=[0.4403985, -1.4403985], tolerance=1e-5)
def slopes(answer):
    q = table([2, 0]).requires_grad_()
    answer.cql_loss(q, acts(1), torch.ones(1), 0.5).backward()
    return q.grad[0].tolist()


@probe("log_integral", "Q = 0, four actions uniform in (-1, 1): log of the integral, log 2", expected=[math.log(2)], tolerance=1e-5)
def uniform(answer):
    found = answer.log_integral(torch.zeros(1, 4), torch.full((1, 4), -math.log(2)))
    return array(found, (1,), "the logarithm")


@probe("log_integral", "Q = 1 2, densities 0.5 0.25: log of the estimate", expected=[math.log((math.e / 0.5 + math.e**2 / 0.25) / 2)], tolerance=1e-5)
def two_samples(answer):
    found = answer.log_integral(table([1, 2]), torch.log(table([0.5, 0.25])))
    return array(found, (1,), "the logarithm")


@probe("log_integral", "Q = 1000 999, densities 0.5 0.5: log of the estimate", expected=[1000 + math.log(1 + math.exp(-1))], tolerance=1e-2)
def no_overflow(answer):
    found = answer.log_integral(table([1000, 999]), torch.log(table([0.5, 0.5])))
    return array(found, (1,), "the logarithm")
