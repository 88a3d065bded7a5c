"""Which of our results equal torch's to the bit on this machine: tried, not assumed.

torch's products, functions and sums come from a library and from vector instructions that it chooses by the processor and by
environment variables (`MKL_CBWR`, `ATEN_CPU_CAPABILITY`). The compiled loops call the same library where torch's own exports it, and
add up in the order of torch's usual kernels. Where both hold, weights follow Stable-Baselines3's bit by bit; elsewhere they differ by
about 1e-7 an update. That a seed in a stack equals the seed alone rests on none of this.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from from_scratch.core.lockstep import blas, kernels
from from_scratch.core.lockstep.optimiser import RowOptimizer
from from_scratch.core.lockstep.rows import Rows

# Batch, in, width, out.
SHAPES = ((1, 3, 64, 1), (2, 8, 16, 3), (5, 4, 64, 2), (8, 8, 6, 1), (32, 11, 33, 6), (64, 32, 64, 2), (100, 5, 256, 1), (256, 17, 256, 6))
LENGTHS = (1, 3, 4, 7, 8, 9, 31, 64, 100, 257, 4500)
PARTS = ("products", "sums", "norms", "tanh", "square roots", "optimisers")


@cache
def equalities() -> dict[str, bool]:
    """What equals torch's to the bit in this process: each of `PARTS`.

    Two more say what torch's own products depend on here: "products wherever operands lie" is False where the bits change with the
    address of an operand, "products in batches" where a batch of matrices is multiplied otherwise than each of them.
    """
    before = torch.get_rng_state()
    with torch.no_grad():
        torch.manual_seed(0)
        found = {
            "products": all(_product(*shape) for shape in SHAPES),
            "sums": all(_sums(M, n) for M in (3, 64, 257) for n in (1, 5, 33, 64, 256)),
            "norms": all(_norm(n) for n in LENGTHS for _ in range(10)),
            "tanh": all(_function(torch.tanh, blas.TANH, n) and _derivative(n) for n in LENGTHS),
            "square roots": all(_function(lambda x: torch.sqrt(x.abs()), blas.SQRT, n) for n in LENGTHS),
            "optimisers": all(_optimiser(kind) for kind in (torch.optim.Adam, torch.optim.RMSprop)),
            "products wherever operands lie": all(_elsewhere(*shape[:3]) for shape in SHAPES),
            "products in batches": all(_batch(*shape[:3]) for shape in SHAPES),
        }
    torch.set_rng_state(before)
    return found


def follows_torch() -> bool:
    """Do our updates have torch's bits on this machine?"""
    return all(equalities()[name] for name in PARTS)


def _same(mine: np.ndarray, theirs: torch.Tensor) -> bool:
    return np.array_equal(mine, theirs.numpy())


def _product(M: int, k: int, n: int, out: int) -> bool:
    """A net's outputs and the gradients of its weights and input, without activations."""
    x, g = torch.randn(M, k), torch.randn(M, out)
    sizes = [n * k, n, out * n, out]
    starts = np.cumsum([0, *(-(-size // kernels.LINE) * kernels.LINE for size in sizes)])
    theta, grad = blas.aligned(1, starts[-1]), blas.aligned(1, starts[-1])
    of = lambda block, i, *shape: torch.from_numpy(block[0, starts[i] : starts[i] + sizes[i]]).view(*shape)
    for i in range(4):
        of(theta, i, -1).normal_()
    w1, b1, w2, b2 = (of(theta, i, *shape) for i, shape in enumerate(((n, k), (n,), (out, n), (out,))))
    layers = np.array([(starts[0], starts[1], k, n, kernels.LINEAR), (starts[2], starts[3], n, out, kernels.LINEAR)])
    memory, gx = blas.aligned(sum(-(-M * width // kernels.LINE) * kernels.LINE for width in (n, out))), np.empty((1, M, k), np.float32)
    given = x.numpy()[None]
    kernels.mlp(blas.SGEMM, blas.TANH, given, theta, layers, memory)
    kernels.pull_mlp(blas.SGEMM, g.numpy()[None], given, theta, grad, layers, memory, gx, False)
    hidden = F.linear(x, w1, b1)
    g_hidden = g @ w2
    y = memory[memory.size - -(-M * out // kernels.LINE) * kernels.LINE :][: M * out].reshape(M, out)
    return (
        _same(y, F.linear(hidden, w2, b2))
        and _same(of(grad, 2, out, n).numpy(), g.T @ hidden)
        and _same(of(grad, 0, n, k).numpy(), g_hidden.T @ x)
        and _same(gx[0], g_hidden @ w1)
    )


def _sums(M: int, n: int) -> bool:
    x = torch.randn(M, n)
    down, along = np.empty(n, np.float32), np.empty(M, np.float32)
    kernels.column_sums(x.numpy(), down)
    kernels.row_sums(x.numpy(), along, 1)
    return _same(down, x.sum(0)) and _same(along, x.sum(-1))


def _norm(n: int) -> bool:
    x = torch.randn(n)
    return kernels.norm(x.numpy()) == torch.linalg.vector_norm(x).item()


def _function(of_torch: object, address: int, n: int) -> bool:
    x = torch.randn(n)
    y = x.abs().numpy().copy() if address == blas.SQRT else x.numpy().copy()
    kernels.each(address, y)
    return _same(y, of_torch(x))  # type: ignore[operator]


def _derivative(n: int) -> bool:
    g, y = torch.randn(1, n), torch.tanh(torch.randn(1, n))
    gx = np.empty((1, n), np.float32)
    kernels.pull_tanh(g.numpy(), y.numpy(), gx)
    return _same(gx, torch.ops.aten.tanh_backward(g, y))


def _optimiser(kind: type[torch.optim.Optimizer]) -> bool:
    """Two steps of two thousand weights."""
    mine, theirs = (torch.nn.Linear(300, 7) for _ in range(2))
    theirs.load_state_dict(mine.state_dict())
    rows = Rows([mine])
    optimiser, other = RowOptimizer(rows, [kind(mine.parameters(), lr=1e-3)]), kind(theirs.parameters(), lr=1e-3)  # type: ignore[call-arg]
    for _ in range(2):
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
            q.grad = p.grad.normal_().clone()  # type: ignore[union-attr]
        optimiser.step(np.ones(1, bool))
        other.step()
    return all(torch.equal(p, q) for p, q in zip(mine.parameters(), theirs.parameters(), strict=True))


def _elsewhere(M: int, k: int, n: int) -> bool:
    """Operands that start one number behind a cache line."""
    moved = lambda x: torch.empty(x.numel() + kernels.LINE + 1)[1 : 1 + x.numel()].view(x.shape).copy_(x)
    x, w = torch.randn(M, k), torch.randn(n, k)
    return torch.equal(moved(x) @ moved(w).T, x @ w.T)


def _batch(M: int, k: int, n: int) -> bool:
    x, w = torch.randn(3, M, k), torch.randn(3, n, k)
    return all(torch.equal(y, x_row.clone() @ w_row.clone().T) for y, x_row, w_row in zip(x @ w.mT, x, w, strict=True))
