"""Compiled loops for what NumPy and torch do in many small calls. Rows never mix, so a row's bits do not depend on how many there are.

numba keeps the machine code beside this file, so that it is compiled once per machine; where that is read-only, in the user's cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


def _fused(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z in one rounding, as torch's vectorised kernels have it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return x(x, x, x) if isinstance(x, types.Float) and x == y == z else None, generate


_fma: Any = intrinsic(_fused)


# ------------------------------------------------------------------------------------------------------------------- optimisers
@njit(cache=True)
def adam_moments(m: np.ndarray, v: np.ndarray, g: np.ndarray, w1: float, beta2: float, w2: float) -> None:
    """m ← m + w1 (g − m),  v ← beta2 v + w2 g²."""
    for i in range(g.size):
        m[i] = _fma(w1, g[i] - m[i], m[i])
        v[i] = _fma(w2 * g[i], g[i], beta2 * v[i])


@njit(cache=True)
def square_moment(v: np.ndarray, g: np.ndarray, alpha: float, w: float) -> None:
    """v ← alpha v + w g²."""
    for i in range(g.size):
        v[i] = _fma(w * g[i], g[i], alpha * v[i])


@njit(cache=True, error_model="numpy")
def step_weights(theta: np.ndarray, m: np.ndarray, root: np.ndarray, correction: float, eps: float, step: float) -> None:
    """θ ← θ + step m / (root / correction + eps)."""
    for i in range(theta.size):
        theta[i] += (step * m[i]) / (root[i] / correction + eps)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def clip_rows(grad: np.ndarray, max_norm: float) -> None:
    """Scale each row [R, D] so that its norm is at most max_norm."""
    for r in range(len(grad)):
        total = 0.0
        for i in range(grad.shape[1]):
            x = np.float64(grad[r, i])
            total += x * x
        scale = np.float32(max_norm / (np.sqrt(total) + 1e-6))
        if not scale >= 1:
            for i in range(grad.shape[1]):
                grad[r, i] *= scale


# --------------------------------------------------------------------------------------------------------------------- networks
# Biases and their gradients are parts of rows; they are copied to memory of their own, for vectorised loops need to know its layout.
@njit(cache=True)
def add_bias(x: np.ndarray, b: np.ndarray) -> None:
    """x ← x + b, [R, M, n] and [R, n]."""
    for r in range(len(x)):
        bias = b[r].copy()
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                x[r, i, j] += bias[j]


@njit(cache=True)
def pull_tanh(g: np.ndarray, y: np.ndarray, gb: np.ndarray, add: bool) -> None:
    """g [R, M, n], the gradient of y = tanh(x + b), becomes that of x in place; its sum over M is written (or added) to gb [R, n]."""
    for r in range(len(g)):
        total = gb[r].copy() if add else np.zeros(g.shape[2], g.dtype)
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                g[r, i, j] *= 1 - y[r, i, j] * y[r, i, j]
                total[j] += g[r, i, j]
        gb[r] = total


@njit(cache=True)
def pull_relu(g: np.ndarray, y: np.ndarray, gb: np.ndarray, add: bool) -> None:
    """The same of y = max(x + b, 0)."""
    for r in range(len(g)):
        total = gb[r].copy() if add else np.zeros(g.shape[2], g.dtype)
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                g[r, i, j] *= y[r, i, j] > 0
                total[j] += g[r, i, j]
        gb[r] = total


@njit(cache=True)
def pull_bias(g: np.ndarray, y: np.ndarray, gb: np.ndarray, add: bool) -> None:
    """The same of y = x + b."""
    for r in range(len(g)):
        total = gb[r].copy() if add else np.zeros(g.shape[2], g.dtype)
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                total[j] += g[r, i, j]
        gb[r] = total


# ---------------------------------------------------------------------------------------------------------------- distributions
@njit(cache=True)
def from_top(x: np.ndarray, y: np.ndarray) -> None:
    """y = x − max x over the last axis, [N, A]."""
    for i in range(len(x)):
        top = x[i, 0]
        for a in range(1, x.shape[1]):
            top = max(top, x[i, a])
        for a in range(x.shape[1]):
            y[i, a] = x[i, a] - top


@njit(cache=True)
def subtract_rows(x: np.ndarray, y: np.ndarray) -> None:
    """x ← x − y, [N, A] and [N]."""
    for i in range(len(x)):
        for a in range(x.shape[1]):
            x[i, a] -= y[i]


@njit(cache=True)
def pull_log_softmax(g: np.ndarray, p: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of log softmax(x) = log p."""
    for i in range(len(p)):
        total = g[i, 0] * 0
        for a in range(p.shape[1]):
            total += g[i, a]
        for a in range(p.shape[1]):
            gx[i, a] = g[i, a] - p[i, a] * total


@njit(cache=True)
def gather(x: np.ndarray, index: np.ndarray, y: np.ndarray) -> None:
    """y[i] = x[i, index[i]]."""
    for i in range(len(x)):
        y[i] = x[i, index[i]]


@njit(cache=True)
def pull_gather(g: np.ndarray, index: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of y[i] = x[i, index[i]]."""
    for i in range(len(gx)):
        gx[i] = 0
        gx[i, index[i]] = g[i]


# -------------------------------------------------------------------------------------------------------------------------- sums
@njit(cache=True, fastmath={"reassoc", "nsz"})
def row_sums(x: np.ndarray, y: np.ndarray) -> None:
    """y = Σ x over the last axis, [N, n], added up in double precision."""
    for i in range(len(x)):
        total = 0.0
        for j in range(x.shape[1]):
            total += x[i, j]
        y[i] = total


@njit(cache=True, fastmath={"reassoc", "nsz"})
def row_means(x: np.ndarray, y: np.ndarray) -> None:
    """y = Σ x / n over the last axis, [N, n]."""
    for i in range(len(x)):
        total = 0.0
        for j in range(x.shape[1]):
            total += x[i, j]
        y[i] = total / x.shape[1]


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def explained_variance(v: np.ndarray, g: np.ndarray, y: np.ndarray) -> None:
    """y = 1 − Var(g − v) / Var(g) over the last axis, [N, n]; nan where g does not vary."""
    for i in range(len(v)):
        mean, mean_away = 0.0, 0.0
        for j in range(v.shape[1]):
            mean += g[i, j]
            mean_away += g[i, j] - v[i, j]
        mean, mean_away = mean / v.shape[1], mean_away / v.shape[1]
        variance, away = 0.0, 0.0
        for j in range(v.shape[1]):
            variance += (g[i, j] - mean) ** 2
            away += (g[i, j] - v[i, j] - mean_away) ** 2
        y[i] = np.nan if variance == 0 else 1 - away / variance


# --------------------------------------------------------------------------------------------------------------------- recursion
@njit(cache=True)
def discounted_sum(x: np.ndarray, discount: np.ndarray, y: np.ndarray, last: np.ndarray) -> None:
    """y_t = x_t + discount_t y_{t+1}, with y_T = last; x, discount and y are [T, N], last is [N]."""
    for t in range(len(x) - 1, -1, -1):
        for i in range(x.shape[1]):
            last[i] = y[t, i] = x[t, i] + discount[t, i] * last[i]
