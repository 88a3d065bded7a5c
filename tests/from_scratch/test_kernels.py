"""Compiled loops against what they stand for: torch's own operations and NumPy's own generators, to the bit where both call the same library."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import from_scratch as ours
from from_scratch.core.lockstep import blas, kernels
from from_scratch.core.lockstep.mlp import StackedMLP
from from_scratch.core.lockstep.optimiser import RowOptimizer
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows
from from_scratch.core.lockstep.selfcheck import equalities, follows_torch
from from_scratch.core.rng import Rng
from tests.from_scratch.test_rng import SPACE

pytestmark = [pytest.mark.numerical, pytest.mark.bits]


def same(mine, theirs, scale=1.0, *, by):
    """Equal to the bit where this machine's torch computes these parts as we do, within 1e-6 of the scale elsewhere."""
    mine, theirs = (np.asarray(x.detach() if isinstance(x, torch.Tensor) else x) for x in (mine, theirs))
    tolerance = 0.0 if all(equalities()[part] for part in by) else 1e-6 * scale
    return mine.shape == theirs.shape and np.abs(mine - theirs).max(initial=0) <= tolerance


NET, CLIPPING, OPTIMISER = ("products", "sums", "tanh"), ("norms",), ("square roots", "optimisers")


@pytest.fixture(autouse=True)
def numbers():
    torch.manual_seed(0)


SHAPES = list(itertools.product([nn.ReLU, nn.Tanh], [1, 3, 11], [1, 16, 33, 64, 256], [1, 2, 6], [1, 2, 5, 32, 64, 100, 256]))


@pytest.mark.parametrize(("activation", "n_in", "width", "n_out", "M"), SHAPES[::3])
def test_a_net_forwards_and_backwards_is_torchs(activation, n_in, width, n_out, M):
    nets = [nn.Sequential(nn.Linear(n_in, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, n_out)) for _ in range(3)]
    rows = ArrayRows(nets)
    net = StackedMLP(rows, ["0", "2", "4"], activation)
    alone = [torch.randn(M, n_in, requires_grad=True) for _ in nets]  # tensors of their own, as where each seed is alone
    g = torch.randn(3, M, n_out)
    rows.grad.zero_()
    outputs = [module(row) for module, row in zip(nets, alone, strict=True)]
    for output, of_output in zip(outputs, g, strict=True):
        output.backward(of_output.clone())
    y, x_grad, given = torch.stack(outputs), torch.stack([row.grad for row in alone]), torch.stack(alone).detach().numpy()
    memory, mine = net._memory(3, M)
    kernels.mlp(blas.SGEMM, blas.TANH, given, net.theta, net.compiled, memory)
    assert same(mine, y, by=NET)
    grad, gx = blas.aligned(*net.grad.shape), np.empty_like(given)
    grad[:] = 0
    kernels.pull_mlp(blas.SGEMM, g.numpy(), given, net.theta, grad, net.compiled, memory, gx, False)
    assert same(grad, rows.grad, M, by=NET)
    assert same(gx, x_grad, M, by=NET)
    kernels.pull_mlp(blas.SGEMM, g.numpy(), given, net.theta, grad, net.compiled, memory, np.empty((0, 0, 0), np.float32), True)
    np.testing.assert_allclose(grad, 2 * rows.grad.numpy(), rtol=1e-5, atol=1e-5 * M)
    every = StackedMLP(rows, ["0", "2", "4"], activation, every=3)
    assert same(every.play(given[:1]), y[:1], by=NET)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 33, 64, 100, 256, 1000])
@pytest.mark.parametrize("M", [1, 3, 4, 5, 15, 16, 17, 64, 100, 257, 4500])
def test_sums_are_added_up_in_torchs_order(M, n):
    x = torch.randn(M, n)
    down, along, mean = np.empty(n, np.float32), np.empty(M, np.float32), np.empty(M, np.float32)
    kernels.column_sums(x.numpy(), down)
    kernels.row_sums(x.numpy(), along, 1)
    kernels.row_sums(x.numpy(), mean, n)
    assert same(down, x.sum(0), M, by=["sums"])
    assert same(along, x.sum(-1), n, by=["sums"])
    assert same(mean, x.mean(-1), by=["sums"])


@pytest.mark.parametrize("sizes", [(4, 64, 2), (3, 17, 1), (8, 256, 4), (1, 5, 3)])
@pytest.mark.parametrize("max_norm", [0.5, 10.0, 1e9])
def test_clipping_is_torchs(sizes, max_norm):
    nets = [nn.Sequential(nn.Linear(sizes[0], sizes[1]), nn.Linear(sizes[1], sizes[1]), nn.Linear(sizes[1], sizes[2])) for _ in range(3)]
    rows = ArrayRows(nets)
    for p in itertools.chain(*(net.parameters() for net in nets)):
        p.grad.normal_()
    mine = rows.grad.numpy().copy()
    kernels.clip_rows(mine, rows.spans_numpy, max_norm)
    for net in nets:
        torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm)
    assert same(mine, rows.grad, by=CLIPPING)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RAdam, torch.optim.RMSprop])
@pytest.mark.parametrize("width", [5, 300])
def test_three_thousand_steps_of_an_optimiser_are_torchs_also_for_units_that_are_dead(kind, width):
    """Without a gradient a first moment falls below the normal numbers after 850 steps; here it becomes 0, and no weight differs."""
    net = nn.Linear(width, 20)
    theirs = nn.Linear(width, 20)
    theirs.load_state_dict(net.state_dict())
    rows = Rows([net])
    mine, other = RowOptimizer(rows, [kind(net.parameters(), lr=1e-3)]), kind(theirs.parameters(), lr=1e-3)
    stream = torch.Generator().manual_seed(1)
    for t in range(3000):
        for p, q in zip(net.parameters(), theirs.parameters(), strict=True):
            g = torch.randn(q.shape, generator=stream)
            g[0] = 0  # never had one
            g[1] *= t < 100  # has none any more
            p.grad.copy_(g)
            q.grad = g
        mine.step(np.ones(1, bool))
        other.step()
    for p, q in zip(net.parameters(), theirs.parameters(), strict=True):
        assert same(p, q, by=OPTIMISER)
    moments = mine.moments["square_avg" if kind is torch.optim.RMSprop else "exp_avg"].numpy()
    assert not ((moments != 0) & (np.abs(moments) < kernels.TINY)).any()


@pytest.mark.parametrize("high", [1, 2, 3, 64, 100, 1000, 2**20, 10**6 + 3])
def test_integers_and_coins_are_numpys_and_leave_its_generators_where_it_would(high):
    seeds = [0, 7, 42]
    rng, theirs = Rng.private(seeds, SPACE), [np.random.RandomState(seed) for seed in seeds]
    for _ in range(3):
        np.testing.assert_array_equal(rng.randint(high, 33), [each.randint(0, high, size=33) for each in theirs])
        np.testing.assert_array_equal(rng.coin(), [each.random_sample() for each in theirs])
        np.testing.assert_array_equal(rng.uniform(2), [each.random_sample(2) for each in theirs])  # reads ahead, and is put back
    for stream, each in zip(rng.streams, theirs, strict=True):
        assert stream.numpy.randint(0, 1000) == each.randint(0, 1000)


@pytest.mark.parametrize(("name", "env", "kwargs"), [
    ("DQN", "CartPole-v1", {"learning_starts": 50, "train_freq": 1}), ("TD3", "Pendulum-v1", {"learning_starts": 50}),
    ("DDPG", "Pendulum-v1", {"learning_starts": 50, "policy_kwargs": {"net_arch": [64, 64]}}), ("SAC", "Pendulum-v1", {"learning_starts": 50}),
    ("SAC", "Pendulum-v1", {"learning_starts": 50, "ent_coef": 0.1, "batch_size": 100}),
])  # fmt: skip
def test_a_run_from_a_memory_keeps_every_bit_of_sb3s_where_this_machine_s_torch_computes_as_we_do(name, env, kwargs):
    import stable_baselines3 as sb3

    steps = 250 if follows_torch() else 52
    mine, theirs = (getattr(library, name)("MlpPolicy", env, seed=1, device="cpu", **kwargs).learn(steps) for library in (ours, sb3))
    for (key, p), q in zip(mine.policy.state_dict().items(), theirs.policy.state_dict().values(), strict=True):
        # Elsewhere a hundredth of an update at most: Adam's step divides by the gradient's size, also where that is all rounding.
        assert (p - q).abs().max() <= (0.0 if follows_torch() else 0.01 * mine.learning_rate), key


def test_what_is_taken_twice_is_given_to_twice():
    x, index, g = torch.randn(3, 4, requires_grad=True), torch.tensor([[0, 0, 2], [1, 3, 1], [2, 2, 2]]), torch.randn(3, 3)
    x.gather(1, index).backward(g)
    gx = np.full(12, np.nan, np.float32)
    kernels.pull_gather_some(g.numpy(), index.numpy() + np.array([[0], [4], [8]]), gx)
    np.testing.assert_allclose(gx.reshape(3, 4), x.grad.numpy(), rtol=1e-6)


def test_short_sums_add_up_every_number_once():
    for n in range(1, 530):
        x, y = np.full((2, n), 2.0, np.float32) ** np.arange(2)[:, None], np.empty(2, np.float32)
        kernels.row_sums(x, y, 1)
        np.testing.assert_array_equal(y, [n, 2 * n])
