"""Derivatives that are written by hand, against autograd's."""

import pytest
import torch
from torch import nn

from from_scratch.core.lockstep import Rows
from from_scratch.core.networks import StackedMLP, affine, affine_gradient

NETS = {"tanh": (nn.Tanh, None), "relu": (nn.ReLU, None), "relu, squashed": (nn.ReLU, nn.Tanh)}


def modules(seeds, kind, output, out, dtype):
    torch.manual_seed(0)
    layers = [nn.Linear(3, 8), kind(), nn.Linear(8, 5), kind(), nn.Linear(5, out), *([output()] if output else [])]
    return [nn.Sequential(*(type(layer)(layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else layer for layer in layers)).to(dtype)
            for _ in range(seeds)]  # fmt: skip


def loss_of(net, x, y):
    """Uses the net twice, so that gradients are written first and added afterwards."""
    return ((net(x) - y) ** 2).mean(-1).mean(-1) + torch.sin(net(2 * x)).mean(-1).mean(-1), {}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-10)])
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("seeds", "batch", "out"), [(1, 7, 2), (1, 7, 1), (3, 64, 2), (3, 64, 1), (3, 1, 2), (3, 2, 1)])
def test_back_propagation_by_hand_equals_autograd(name, seeds, batch, out, dtype, tolerance):
    kind, output = NETS[name]
    nets = modules(seeds, kind, output, out, dtype)
    expected = []
    x, y = torch.randn(seeds, batch, 3, dtype=dtype), torch.randn(seeds, batch, out, dtype=dtype)
    for k, net in enumerate(nets):
        loss_of(net, x[k : k + 1], y[k : k + 1])[0].sum().backward()
        expected.append(torch.cat([p.grad.flatten().clone() for p in net.parameters()]))
    rows = Rows(nets)
    stacked = StackedMLP(rows, ["0", "2", "4"], kind, output)
    rows.grad.fill_(123.0)  # what an earlier update left
    loss, _ = rows.differentiate(loss_of, stacked, x, y)
    rows.backward(loss)
    n = expected[0].numel()
    for k in range(seeds):
        torch.testing.assert_close(rows.grad[k, :n], expected[k], atol=tolerance, rtol=tolerance)
        assert rows.grad[k, :n].abs().max() > 1e-3


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("out", [1, 4])
def test_the_gradient_of_a_layers_input_equals_autograd(seeds, out):
    torch.manual_seed(0)
    lead = () if seeds == 1 else (seeds,)
    x = torch.randn(seeds, 6, 3, dtype=torch.float64, requires_grad=True)
    w, b = torch.randn(*lead, out, 3, dtype=torch.float64, requires_grad=True), torch.randn(*lead, out, dtype=torch.float64, requires_grad=True)
    g = torch.randn(seeds, 6, out, dtype=torch.float64)
    expected = torch.autograd.grad(affine(x, w, b), (x, w, b), g)
    with torch.no_grad():
        gw, gb = torch.empty_like(w), torch.empty_like(b)
        gx = affine_gradient(g, x, w, gw, gb, add=False, of_input=True)
    for mine, theirs in zip((gx, gw, gb), expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-12)
    assert torch.autograd.gradcheck(affine, (x, w, b))


def test_a_net_whose_input_needs_a_gradient_goes_through_autograd():
    nets = modules(2, nn.Tanh, None, 1, torch.float64)
    rows = Rows(nets)
    stacked = StackedMLP(rows, ["0", "2", "4"], nn.Tanh)
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    by_hand, _ = rows.differentiate(lambda: (stacked(x).mean((-1, -2)), {}))
    rows.backward(by_hand)
    first = rows.grad.clone()
    action = x.clone().requires_grad_()
    through, _ = rows.differentiate(lambda: (stacked(action).mean((-1, -2)), {}))
    rows.backward(through)
    torch.testing.assert_close(rows.grad, first, atol=1e-12, rtol=1e-12)
    assert first.abs().max() > 1e-3


def test_what_an_equation_does_not_use_has_no_gradient():
    nets = modules(1, nn.Tanh, None, 1, torch.float32)
    rows = Rows(nets)
    head = StackedMLP(rows, ["4"], nn.Tanh)
    rows.grad.fill_(1.0)
    loss, _ = rows.differentiate(lambda: (head(torch.randn(1, 4, 5)).mean((-1, -2)), {}))
    rows.backward(loss)
    assert rows.gradient_of("0.weight").abs().max() == 0
    assert rows.gradient_of("4.weight").abs().max() > 0
