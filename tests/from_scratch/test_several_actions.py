"""Nets of states and actions that are asked about several actions of every state, and nets that keep nothing, against autograd and the loops that keep all."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from from_scratch.core.lockstep import blas, kernels, several
from from_scratch.core.lockstep.mlp import StackedMLP
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import spans_of

pytestmark = pytest.mark.numerical


@pytest.fixture(autouse=True)
def numbers():
    torch.manual_seed(0)


@pytest.mark.parametrize("n_in", [1, 3])
def test_a_net_that_keeps_nothing_puts_out_the_same(n_in):
    nets = [nn.Sequential(nn.Linear(n_in, 33), nn.Tanh(), nn.Linear(33, 5)) for _ in range(3)]
    net, x = StackedMLP(ArrayRows(nets), ["0", "2"], nn.Tanh), np.random.RandomState(0).randn(3, 7, n_in).astype(np.float32)
    memory, kept = net._memory(3, 7)
    kernels.mlp(blas.SGEMM, blas.TANH, x, net.theta, net.compiled, memory)
    outputs = net._outputs(3, 7)
    kernels.mlp_for_once(blas.SGEMM, blas.TANH, x, net.theta, net.compiled, net._memory(1, 7)[0], outputs)
    assert np.array_equal(net._last(outputs, 3, 7), kept)


def two_nets_each(hidden, activation, n, A, seeds):
    """Nets of n numbers of a state and A of an action, with some hidden layers: two for each seed."""
    widths = [n + A, *hidden]
    inside = lambda: [layer for k, width in pairwise(widths) for layer in (nn.Linear(k, width), activation())]
    return [nn.Sequential(*inside(), nn.Linear(widths[-1], 1)) for _ in range(2 * seeds)]


def mean_logsumexp(nets, s, a, log_mu, activation):
    """What the compiled loop makes of it, and the gradient that it leaves of Σ_r (r + 1) y_r."""
    net = StackedMLP(ArrayRows(nets), [str(i) for i in range(0, len(nets[0]), 2)], activation)
    y, slope, grad = np.empty(len(nets), np.float32), net._slopes(len(nets)), np.zeros(net.theta.shape, np.float32)
    slope[:] = np.nan
    together = several.states_together(a.shape[2])
    several.mean_logsumexp(blas.SGEMM, blas.TANH, s, a, log_mu, together, net.theta, net.compiled, y, slope)
    several.pull_mean_logsumexp(np.arange(1, len(nets) + 1, dtype=np.float32), slope, net.compiled, grad, False)
    return y, grad


SIZES = [
    ([], nn.ReLU, 3, 1, 5, 6), ([8], nn.Tanh, 1, 3, 40, 33), ([64, 64], nn.ReLU, 11, 3, 50, 30),
    ([16, 33, 7], nn.Tanh, 2, 2, 1, 1), ([16], nn.ReLU, 3, 1, 300, 3),
]  # fmt: skip


@pytest.mark.parametrize(("hidden", "activation", "n", "A", "M", "K"), SIZES)
def test_what_a_net_says_of_several_actions_and_its_gradient_are_autograds(hidden, activation, n, A, M, K):
    nets, s, a, log_mu = two_nets_each(hidden, activation, n, A, 2), torch.randn(2, M, n), torch.randn(2, M, K, A), torch.randn(2, M, K)
    pairs = torch.cat((s.unsqueeze(2).expand(-1, -1, K, -1), a), -1)
    values = [(net(pairs[r // 2]).squeeze(-1) - log_mu[r // 2]).logsumexp(-1).mean() for r, net in enumerate(nets)]
    expected = [torch.autograd.grad((r + 1) * value, list(net.parameters())) for r, (value, net) in enumerate(zip(values, nets, strict=True))]
    y, grad = mean_logsumexp(nets, s.numpy(), a.numpy(), log_mu.numpy(), activation)
    np.testing.assert_allclose(y, [value.item() for value in values], rtol=1e-5, atol=1e-5)
    ends = spans_of([p.numel() for p in nets[0].parameters()])[0]
    for r, gradients in enumerate(expected):
        for (start, end), gradient in zip(ends, gradients, strict=True):
            np.testing.assert_allclose(grad[r, start:end], gradient.flatten(), rtol=1e-4, atol=1e-5)


def test_what_a_net_says_of_several_actions_does_not_depend_on_how_many_seeds_there_are():
    draw = np.random.RandomState(0)
    nets, s, a = two_nets_each([33, 16], nn.ReLU, 3, 2, 3), draw.randn(3, 37, 3).astype(np.float32), draw.randn(3, 37, 7, 2).astype(np.float32)
    log_mu = np.zeros((3, 37, 7), np.float32)
    y, _ = mean_logsumexp(nets, s, a, log_mu, nn.ReLU)
    alone, _ = mean_logsumexp(nets[2:4], s[1:2].copy(), a[1:2].copy(), log_mu[:1], nn.ReLU)
    assert np.array_equal(alone, y[2:4])


def test_a_value_that_is_not_a_number_is_not_hidden_by_the_others():
    nets = two_nets_each([8], nn.ReLU, 3, 1, 1)
    with torch.no_grad():
        nets[1][2].bias.fill_(torch.nan)
    y, _ = mean_logsumexp(nets, np.ones((1, 4, 3), np.float32), np.ones((1, 4, 5, 1), np.float32), np.zeros((1, 4, 5), np.float32), nn.ReLU)
    assert np.isfinite(y[0]) and np.isnan(y[1])
