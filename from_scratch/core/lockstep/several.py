"""Nets of states and actions that are asked about several actions of every state, as one compiled loop.

What a state adds to the first layer, W_s s + b, is computed once, and W_a a is added to it for each action. The rest is done for a few states at a time,
forwards and at once backwards, so that what a layer puts out is still near the processor when its gradient is pulled, and is kept nowhere else.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from from_scratch.core.lockstep import blas
from from_scratch.core.lockstep.kernels import (
    LINE,
    SINGLE,
    Address,
    _activate,
    _aligned,
    _deactivate,
    _fill,
    _given,
    _room,
    _widest,
    column_sums,
    inner,
    kernel,
)  # fmt: skip

TOGETHER = 256  # pairs of a state and an action that are computed at once, about


def states_together(K: int) -> int:
    """How many states to take at once, each with K actions."""
    few = LINE // gcd(LINE, K)  # of so many all pairs fill whole cache lines
    return max(1, TOGETHER // (K * few)) * few


@inner()
def _columns(w: np.ndarray, first: int, last: int) -> np.ndarray:
    """These columns of a layer's weights, on a cache line."""
    part = _aligned(len(w) * (last - first)).reshape(len(w), last - first)
    for i in range(len(w)):
        for j in range(first, last):
            part[i, j - first] = w[i, j]
    return part


@inner()
def _repeat(base: np.ndarray, K: int, y: np.ndarray) -> None:
    """Each row of base [states, n] K times, [states K, n]."""
    for i in range(len(base)):
        for k in range(K):
            for j in range(base.shape[1]):
                y[i * K + k, j] = base[i, j]


@inner()
def _sum_of_each(g: np.ndarray, K: int, total: np.ndarray) -> None:
    """The way back: the sum of K rows for each of total [states, n]."""
    for i in range(len(total)):
        for j in range(total.shape[1]):
            total[i, j] = g[i * K, j]
        for k in range(1, K):
            for j in range(total.shape[1]):
                total[i, j] += g[i * K + k, j]


@inner(error_model="numpy")
def _logsumexp(q: np.ndarray, log_mu: np.ndarray, p: np.ndarray) -> float:
    """log Σ_j exp(q_j − log μ_j); p_j its derivatives. NaN where there is one."""
    top = q[0] - log_mu[0]
    for j in range(q.size):
        p[j] = q[j] - log_mu[j]
        if not top >= p[j] and top == top:
            top = p[j]
    total = np.float32(0)
    for j in range(q.size):
        p[j] = np.exp(p[j] - top)
        total += p[j]
    for j in range(q.size):
        p[j] /= total
    return np.log(total) + top


@kernel(error_model="numpy")
def mean_logsumexp(
    sgemm: Address, tanh: Address, s: np.ndarray, a: np.ndarray, log_mu: np.ndarray, together: int, theta: np.ndarray, layers: np.ndarray,
    y: np.ndarray, slope: np.ndarray,
) -> None:  # fmt: skip
    """y = the mean over states of log Σ_j exp(q(s, a_j) − log μ_j), of each row [R] of theta [R, D]; slope [R, D] = its gradient, unless that is empty.

    s [S, M, n], a [S, M, K, A], log_mu [S, M, K]; each seed has R/S rows, one behind the other. `together` states are computed at once.
    """
    (S, M, K, A), R, n, L = a.shape, len(theta), s.shape[2], len(layers)
    h, widest, one, zero = layers[0, 3], _widest(layers), np.float32(1), np.float32(0)
    at = np.zeros(L + 1, np.int64)  # where each layer's outputs start in memory
    for l in range(L):
        at[l + 1] = at[l] + _room(together * K * layers[l, 3])
    memory, here, there = _aligned(at[L]), _aligned(together * K * widest), _aligned(together * K * widest)
    base, of_base = _aligned(M * h).reshape(M, h), _aligned(M * h).reshape(M, h)
    room_s, actions, bias, sums = _aligned(M * n), _aligned(together * K * A), np.empty(widest, np.float32), np.empty(widest, np.float32)
    g_s, g_a = _aligned(h * n).reshape(h, n), _aligned(h * A).reshape(h, A)
    for r in range(R):
        seed, row, address, total = r // (R // S), theta[r], theta.ctypes.data + r * theta.strides[0], 0.0
        w, b = layers[0, 0], layers[0, 1]
        w_0 = row[w : w + h * (n + A)].reshape(h, n + A)
        w_s, w_a, states = _columns(w_0, 0, n), _columns(w_0, n, n + A), _given(s, seed, room_s)
        for j in range(h):
            bias[j] = row[b + j]
        _fill(base, bias)
        blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, h, M, n, w_s.ctypes.data, n, states, n, one, base.ctypes.data, h)
        for first in range(0, M, together):
            last = min(first + together, M)
            pairs, some = (last - first) * K, a[seed, first:last]
            for i in range(last - first):
                for k in range(K):
                    for d in range(A):
                        actions[(i * K + k) * A + d] = some[i, k, d]
            for l in range(L):
                w, b, k, n_l, activation = layers[l]
                out = memory[at[l] : at[l] + pairs * n_l]
                if l == 0:
                    _repeat(base[first:last], K, out.reshape(pairs, h))
                    blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, h, pairs, A, w_a.ctypes.data, A, actions.ctypes.data, A, one, out.ctypes.data, h)
                else:
                    for j in range(n_l):
                        bias[j] = row[b + j]
                    _fill(out.reshape(pairs, n_l), bias)
                    given, of_w = memory.ctypes.data + at[l - 1] * SINGLE, address + w * SINGLE
                    blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, n_l, pairs, k, of_w, k, given, k, one, out.ctypes.data, n_l)
                _activate(tanh, out, activation)
            q = memory[at[L - 1] : at[L - 1] + pairs]
            for i in range(last - first):
                total += _logsumexp(q[i * K : (i + 1) * K], log_mu[seed, first + i], here[i * K : (i + 1) * K])
            if slope.size == 0:
                continue
            for i in range(pairs):
                here[i] /= np.float32(M)
            of_row, of_slope, beta = slope[r], slope.ctypes.data + r * slope.strides[0], one if first > 0 else zero
            for l in range(L - 1, 0, -1):
                w, b, k, n_l, activation = layers[l]
                _deactivate(here[: pairs * n_l], memory[at[l] : at[l] + pairs * n_l], activation)
                column_sums(here[: pairs * n_l].reshape(pairs, n_l), sums[:n_l])
                for j in range(n_l):
                    of_row[b + j] = of_row[b + j] + sums[j] if first > 0 else sums[j]
                given, of_w = memory.ctypes.data + at[l - 1] * SINGLE, address + w * SINGLE
                blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, k, n_l, pairs, given, k, here.ctypes.data, n_l, beta, of_slope + w * SINGLE, k)
                blas.product(sgemm, blas.AS_IT_IS, blas.AS_IT_IS, k, pairs, n_l, of_w, k, here.ctypes.data, n_l, zero, there.ctypes.data, k)
                here, there = there, here
            _deactivate(here[: pairs * h], memory[: pairs * h], layers[0, 4])
            blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, A, h, pairs, actions.ctypes.data, A, here.ctypes.data, h, beta, g_a.ctypes.data, A)
            _sum_of_each(here[: pairs * h].reshape(pairs, h), K, of_base[first:last])
        y[r] = total / M
        if slope.size == 0:
            continue
        of_row, w, b = slope[r], layers[0, 0], layers[0, 1]
        blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, n, h, M, states, n, of_base.ctypes.data, h, zero, g_s.ctypes.data, n)
        column_sums(of_base, sums[:h])
        for i in range(h):
            of_row[b + i] = sums[i]
            for j in range(n + A):
                of_row[w + i * (n + A) + j] = g_s[i, j] if j < n else g_a[i, j - n]


@kernel()
def pull_mean_logsumexp(g: np.ndarray, slope: np.ndarray, layers: np.ndarray, grad: np.ndarray, add: bool) -> None:
    """From g [R], that of the result: write (or add) the gradient of the weights, g times `slope`."""
    for r in range(len(grad)):
        to, of = grad[r], slope[r]
        for w, b, k, n, _ in layers:
            for start, size in ((w, n * k), (b, n)):
                for i in range(start, start + size):
                    to[i] = to[i] + g[r] * of[i] if add else g[r] * of[i]
