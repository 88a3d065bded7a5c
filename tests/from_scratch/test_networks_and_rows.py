"""The weights of many networks as rows of one block: bound to ordinary modules, stepped by one optimiser, never mixed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from from_scratch.core.lockstep.mlp import StackedMLP, is_plain_mlp
from from_scratch.core.lockstep.optimiser import RowOptimizer
from from_scratch.core.lockstep.rows import Rows

pytestmark = [pytest.mark.numerical, pytest.mark.bits]

NAMES = ["0", "2", "4"]  # the Linear layers of `mlp`


def mlp(seed, n_out=3, activation=nn.Tanh, sizes=(16, 8)):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, sizes[0]), activation(), nn.Linear(sizes[0], sizes[1]), activation(), nn.Linear(sizes[1], n_out))


def data(S, M=32, n_out=3):
    """Each seed's own inputs and targets: seed k gets the same ones whatever S is."""
    streams = [np.random.default_rng(k) for k in range(S)]
    x, y = (torch.from_numpy(np.stack([stream.normal(size=(M, n)) for stream in streams])).float() for n in (4, n_out))
    return x, y


def flat(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def stacked_loss(net, x, y):
    return ((net(x) - y) ** 2).flatten(1).mean(-1)


def train_stack(modules, steps, lr=1e-2, max_norm=None, active=None, kind=torch.optim.Adam, **kwargs):
    """Train the modules as rows; returns the rows and their optimiser."""
    rows = Rows(modules)
    optimiser = RowOptimizer(rows, [kind(module.parameters(), lr=lr, **kwargs) for module in modules])
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(len(modules))
    active = np.ones(len(modules), bool) if active is None else active
    for _ in range(steps):
        rows.backward(stacked_loss(net, x, y))
        if max_norm is not None:
            rows.clip(max_norm)
        optimiser.step(active)
    return rows, optimiser


def train_alone(module, k, steps, lr=1e-2, max_norm=None, kind=torch.optim.Adam, **kwargs):
    """The same with nothing but torch, on seed k's data."""
    optimizer, (x, y) = kind(module.parameters(), lr=lr, **kwargs), data(k + 1)
    for _ in range(steps):
        optimizer.zero_grad()
        ((module(x[k]) - y[k]) ** 2).mean().backward()
        if max_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), max_norm)
        optimizer.step()
    return optimizer


# -------------------------------------------------------------------------------------------------------------------- binding
def test_binding_keeps_the_weights_and_makes_them_views():
    module = mlp(0)
    before = flat(module).clone()
    rows = Rows([module])
    assert rows.is_bound()
    assert torch.equal(flat(module), before)
    rows.theta.mul_(2)
    assert torch.equal(flat(module), 2 * before)
    next(module.parameters()).data.zero_()
    assert not rows.theta[0, :64].any()  # the first layer's 4 × 16 weights lie at the row's beginning


def test_loading_in_place_keeps_the_binding():
    module = mlp(0)
    rows = Rows([module])
    module.load_state_dict(mlp(1).state_dict())
    assert rows.is_bound()
    assert torch.equal(flat(module), flat(mlp(1))) and torch.equal(rows.of_row(rows.theta, 0, 0), mlp(1)[0].weight)


def rebind_data(module):
    """What `.to()` does when it has to move something: every parameter gets memory of its own."""
    for p in module.parameters():
        p.data = p.data.clone()


def rebind_by_assign(module):
    module.load_state_dict(copy.deepcopy(module.state_dict()), assign=True)


def rebind_by_moving(module):
    module.to(torch.float64)
    module.to(torch.float32)


def rebind_a_layer(module):
    module[2] = nn.Linear(16, 8)


def lose_the_gradient(module):
    module.zero_grad(set_to_none=True)


@pytest.mark.parametrize("rebind", [rebind_data, rebind_by_assign, rebind_by_moving, rebind_a_layer, lose_the_gradient])
def test_a_module_that_left_our_memory_is_noticed_and_taken_back_with_its_weights(rebind):
    modules = [mlp(0), mlp(1)]
    rows = Rows(modules)
    rebind(modules[1])
    new = flat(modules[1]).clone()
    assert not rows.is_bound()
    rows.bind()
    assert rows.is_bound()
    assert torch.equal(flat(modules[1]), new)
    rows.theta.add_(1)
    assert torch.equal(flat(modules[1]), new + 1)  # training the rows trains the module, not a stale copy
    p = modules[1][0].weight
    p.grad.fill_(3)
    assert (rows.grad[1, : p.numel()] == 3).all()


def test_a_layer_of_another_shape_is_refused():
    module = mlp(0)
    rows = Rows([module])
    module[2] = nn.Linear(16, 9)
    with pytest.raises(ValueError, match=r"replaced by one of another shape: \(9, 16\) where \(8, 16\)"):
        rows.bind()


def test_loaded_moments_are_noticed_and_taken_over():
    module = mlp(0)
    _, optimiser = train_stack([module], 3)
    optimizer = optimiser.optimizers[0]
    saved = copy.deepcopy(optimizer.state_dict())
    optimizer.load_state_dict(saved)  # puts new tensors into the state
    assert not optimiser.is_bound()
    optimiser.bind()
    assert optimiser.is_bound()
    for name in ("exp_avg", "exp_avg_sq", "step"):
        assert torch.equal(optimizer.state[module[0].weight][name], saved["state"][0][name])


def test_training_continues_from_loaded_weights_and_moments():
    straight, stopped = mlp(0), mlp(0)
    train_alone(straight, 0, 10)
    _, optimiser = train_stack([stopped], 5)
    moved = mlp(7)
    fresh_rows = Rows([moved])
    fresh = RowOptimizer(fresh_rows, [torch.optim.Adam(moved.parameters(), lr=1e-2)])
    moved.load_state_dict(stopped.state_dict())
    fresh.optimizers[0].load_state_dict(optimiser.optimizers[0].state_dict())
    fresh_rows.bind(), fresh.bind()
    net, (x, y) = StackedMLP(fresh_rows, NAMES, nn.Tanh), data(1)
    for _ in range(5):
        fresh_rows.backward(stacked_loss(net, x, y))
        fresh.step(np.array([True]))
    torch.testing.assert_close(flat(moved), flat(straight), atol=1e-6, rtol=0)


# ------------------------------------------------------------------------------------------------------------------- stepping
@pytest.mark.parametrize("max_norm", [None, 0.05])
def test_one_step_for_all_rows_is_adam_of_each(max_norm):
    modules = [mlp(k) for k in range(3)]
    alone = [copy.deepcopy(module) for module in modules]
    _, optimiser = train_stack(modules, 20, max_norm=max_norm)
    assert optimiser.in_rows
    for k, module in enumerate(alone):
        optimizer = train_alone(module, k, 20, max_norm=max_norm)
        torch.testing.assert_close(flat(modules[k]), flat(module), atol=1e-6, rtol=0)
        mine, theirs = optimiser.optimizers[k].state_dict()["state"], optimizer.state_dict()["state"]
        for i in theirs:
            assert mine[i]["step"] == theirs[i]["step"] == 20
            torch.testing.assert_close(mine[i]["exp_avg"], theirs[i]["exp_avg"], atol=1e-6, rtol=1e-4)
            torch.testing.assert_close(mine[i]["exp_avg_sq"], theirs[i]["exp_avg_sq"], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "kwargs", "in_rows"),
    [
        (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-5}, True),
        (torch.optim.SGD, {"momentum": 0.9}, False),
        (torch.optim.AdamW, {}, False),
        (torch.optim.Adam, {"weight_decay": 0.1}, False),
        (torch.optim.Adam, {"amsgrad": True}, False),
        (torch.optim.RMSprop, {"centered": True}, False),
    ],
)
def test_every_other_optimizer_steps_as_it_does_alone(kind, kwargs, in_rows):
    modules = [mlp(k) for k in range(2)]
    alone = [copy.deepcopy(module) for module in modules]
    _, optimiser = train_stack(modules, 10, kind=kind, **kwargs)
    assert optimiser.in_rows == in_rows
    for k, module in enumerate(alone):
        train_alone(module, k, 10, kind=kind, **kwargs)
        torch.testing.assert_close(flat(modules[k]), flat(module), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RAdam, torch.optim.RMSprop, torch.optim.SGD])
def test_a_frozen_row_keeps_its_weights_and_moments(kind):
    modules = [mlp(k) for k in range(3)]
    rows, optimiser = train_stack(modules, 5, kind=kind)
    weights, moments = [flat(module).clone() for module in modules], copy.deepcopy([optimizer.state_dict()["state"] for optimizer in optimiser.optimizers])
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(3)
    rows.backward(stacked_loss(net, x, y))
    assert rows.grad[1].any()
    optimiser.step(np.array([True, False, True]))
    assert not torch.equal(flat(modules[0]), weights[0]) and not torch.equal(flat(modules[2]), weights[2])
    assert torch.equal(flat(modules[1]), weights[1])
    after = optimiser.optimizers[1].state_dict()["state"]
    for i, before in moments[1].items():
        for name, value in before.items():
            assert (value is None and after[i][name] is None) or torch.equal(after[i][name], value)


def test_a_row_that_was_frozen_once_goes_on_with_its_own_bias_correction():
    """Adam's step counters now differ: a common one would correct the wrong amount."""
    modules = [mlp(k) for k in range(2)]
    reference = copy.deepcopy(modules[1])
    rows, optimiser = train_stack(modules, 3, active=np.array([True, False]))
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(2)
    for _ in range(4):
        rows.backward(stacked_loss(net, x, y))
        optimiser.step(np.array([True, True]))
    train_alone(reference, 1, 4)
    torch.testing.assert_close(flat(modules[1]), flat(reference), atol=1e-6, rtol=0)
    assert [int(optimizer.state_dict()["state"][0]["step"]) for optimizer in optimiser.optimizers] == [7, 4]


def test_each_rows_gradient_is_clipped_to_its_own_norm():
    modules = [mlp(0), mlp(1)]
    rows = Rows(modules)
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(2)
    loss = stacked_loss(net, x, y) * torch.tensor([1.0, 1e-4])  # the second seed's gradient is small enough
    rows.backward(loss)
    before = rows.grad.clone()
    expected = [copy.deepcopy(module) for module in modules]
    for module, mine in zip(expected, modules, strict=True):
        for p, q in zip(module.parameters(), mine.parameters(), strict=True):
            p.grad = q.grad.clone()
        nn.utils.clip_grad_norm_(module.parameters(), 0.1)
    rows.clip(0.1)
    for module, mine in zip(expected, modules, strict=True):
        for p, q in zip(module.parameters(), mine.parameters(), strict=True):
            torch.testing.assert_close(q.grad, p.grad, atol=1e-8, rtol=1e-5)
    assert rows.grad[0].norm() == pytest.approx(0.1, rel=1e-4)
    assert torch.equal(rows.grad[1], before[1])


def test_a_rows_gradient_is_that_of_its_seeds_loss_alone():
    modules = [mlp(k) for k in range(3)]
    rows = Rows(modules)
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(3)
    rows.backward(stacked_loss(net, x, y))
    for k in range(3):
        alone = mlp(k)
        ((alone(x[k]) - y[k]) ** 2).mean().backward()
        torch.testing.assert_close(torch.cat([p.grad.flatten() for p in modules[k].parameters()]), torch.cat([p.grad.flatten() for p in alone.parameters()]))


def test_a_parameter_that_a_loss_does_not_use_gets_no_gradient_from_the_one_before():
    modules = [mlp(0)]
    rows = Rows(modules)
    net, (x, y) = StackedMLP(rows, NAMES, nn.Tanh), data(1)
    rows.backward(stacked_loss(net, x, y))
    assert modules[0][0].weight.grad.any()
    rows.backward(rows.leaf("4.bias").sum(-1))
    assert not modules[0][0].weight.grad.any()
    assert (modules[0][4].bias.grad == 1).all()


# ------------------------------------------------------------------------------------------------------------------- networks
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("n_out", [1, 3])
def test_a_stack_computes_what_its_modules_compute(activation, n_out):
    modules = [mlp(k, n_out, activation) for k in range(3)]
    net, (x, _) = StackedMLP(Rows(modules), NAMES, activation), data(3)
    for k, module in enumerate(modules):
        torch.testing.assert_close(net(x)[k], module(x[k]), atol=1e-6, rtol=1e-5)
        np.testing.assert_allclose(net.play(x.numpy().copy())[k], module(x[k]).detach().numpy(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("n_out", [1, 2, 6])
@pytest.mark.parametrize("M", [1, 8, 64, 100])
def test_a_seed_of_ten_computes_what_the_seed_alone_computes_bit_for_bit(n_out, M):
    modules = [mlp(k, n_out, sizes=(64, 64)) for k in range(10)]
    alone = copy.deepcopy(modules[7])
    many, one = StackedMLP(Rows(modules), NAMES, nn.Tanh), StackedMLP(Rows([alone]), NAMES, nn.Tanh)
    x, _ = data(10, M)
    np.testing.assert_array_equal(many.play(x.numpy().copy())[7], one.play(x[7:8].numpy().copy())[0])
    assert torch.equal(many(x)[7], one(x[7:8])[0])


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RAdam, torch.optim.RMSprop])
def test_a_seed_of_ten_trains_to_the_same_bits_as_one_of_another_stack(kind):
    make = lambda n: [mlp(k, sizes=(64, 64)) for k in range(n)]
    ten, two, lone = make(10), make(2), make(1)
    train_stack(ten, 30, max_norm=0.5, kind=kind)
    train_stack(two, 30, max_norm=0.5, kind=kind)
    train_stack(lone, 30, max_norm=0.5, kind=kind)
    assert torch.equal(flat(ten[0]), flat(lone[0])) and torch.equal(flat(ten[1]), flat(two[1]))


def test_acting_sees_the_weights_of_now():
    modules = [mlp(0)]
    rows = Rows(modules)
    net, (x, _) = StackedMLP(rows, NAMES, nn.Tanh), data(1)
    before = net.play(x.numpy().copy())
    train_stack_step = RowOptimizer(rows, [torch.optim.Adam(modules[0].parameters(), lr=0.1)])
    rows.grad.fill_(1.0)
    train_stack_step.step(np.array([True]))
    assert np.abs(net.play(x.numpy().copy()) - before).max() > 1e-2
    np.testing.assert_allclose(net.play(x.numpy().copy())[0], modules[0](x[0]).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "plain"),
    [
        ([nn.Linear(4, 2)], True),
        ([nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)], True),
        ([nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)], True),
        ([nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2)], False),  # two activations
        ([nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)], False),
        ([nn.Linear(4, 8), nn.Tanh()], False),
        ([nn.Linear(4, 8), nn.Linear(8, 2)], False),
        ([nn.Linear(4, 8, bias=False), nn.Tanh(), nn.Linear(8, 2)], False),
        ([nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2)], False),
        ([], False),
    ],
)
def test_what_counts_as_a_plain_mlp(layers, plain):
    assert is_plain_mlp(nn.Sequential(*layers)) == plain
