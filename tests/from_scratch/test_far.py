"""Rows that NumPy does not reach, as on a GPU: torch computes, all seeds in one call, what each would by itself."""

import copy

import pytest
import torch
from torch import nn

from from_scratch.core.lockstep import Rows, StackedMLP
from from_scratch.core.lockstep import rows as of_rows
from from_scratch.core.lockstep.optimiser import RowOptimizer


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(of_rows, "AS_ON_A_GPU", True)


def nets(n):
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)) for _ in range(n)]


def stacked(modules):
    rows = Rows(modules)
    return rows, StackedMLP.of(rows, {"": modules[0]})


OPTIMIZERS = {
    "Adam": lambda p: torch.optim.Adam(p, lr=1e-2),
    "RAdam": lambda p: torch.optim.RAdam(p, lr=1e-2),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=1e-2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimisers_step_over_all_rows_is_torchs_own_for_each(name):
    mine, theirs = nets(3), nets(3)
    rows = Rows(mine)
    optimiser = RowOptimizer(rows, [OPTIMIZERS[name](module.parameters()) for module in mine])
    of_torch = [OPTIMIZERS[name](module.parameters()) for module in theirs]
    assert optimiser.in_rows
    for _ in range(12):  # RAdam corrects from its sixth step on
        for module, other in zip(mine, theirs, strict=True):
            for p, q in zip(module.parameters(), other.parameters(), strict=True):
                q.grad = torch.randn(q.shape)
                p.grad.copy_(q.grad)
        optimiser.step(torch.ones(3).bool().numpy())
        for each in of_torch:
            each.step()
    for module, other in zip(mine, theirs, strict=True):
        for p, q in zip(module.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q, atol=1e-6, rtol=1e-6)


def test_a_seed_that_is_not_active_keeps_its_weights():
    modules = nets(2)
    rows = Rows(modules)
    optimiser = RowOptimizer(rows, [torch.optim.Adam(module.parameters()) for module in modules])
    before = rows.theta.clone()
    rows.grad.fill_(1.0)
    optimiser.step(torch.tensor([False, True]).numpy())
    assert torch.equal(rows.theta[0], before[0]) and not torch.equal(rows.theta[1], before[1])


def test_outputs_and_gradients_of_all_seeds_are_those_of_each_module():
    modules = nets(3)
    alone = copy.deepcopy(modules)
    rows, mlp = stacked(modules)
    x = torch.randn(3, 7, 3)
    loss, _ = rows.differentiate(lambda data: (mlp(data).square().mean(-1).mean(-1), {}), x)
    rows.backward(loss)
    for module, other, data in zip(modules, alone, x, strict=True):
        other(data).square().mean().backward()
        torch.testing.assert_close(module(data), other(data))
        for p, q in zip(module.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.grad)


def test_each_rows_gradient_is_clipped_by_its_own_norm():
    modules = nets(2)
    rows = Rows(modules)
    for module, size in zip(modules, (0.001, 10.0), strict=True):
        for p in module.parameters():
            p.grad.fill_(size)
    rows.clip(0.5)
    norms = [torch.cat([p.grad.flatten() for p in module.parameters()]).norm().item() for module in modules]
    assert norms == pytest.approx([0.001 * 32**0.5, 0.5], rel=1e-4)  # 32 parameters; what was small enough stays


def test_a_parameter_takes_no_more_than_itself_into_a_file():
    modules = nets(2)
    Rows(modules)
    assert [p.untyped_storage().nbytes() for p in modules[1].parameters()] == [4 * p.numel() for p in modules[1].parameters()]
