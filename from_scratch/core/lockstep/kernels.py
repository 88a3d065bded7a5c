"""Compiled loops for what NumPy and torch do in many small calls. Rows never mix, so a row's bits do not depend on how many there are.

numba keeps the machine code beside this file, so that it is compiled once per machine; where that is read-only, in the user's cache.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from from_scratch.core.lockstep import blas

LANES = 8  # numbers that the loops of torch's sums take at once
CASCADE = 16 * 4 * LANES  # numbers of a vector from which on its sums are sums of sums


def _fused(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z in one rounding, as torch's vectorised kernels have it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return x(x, x, x) if isinstance(x, types.Float) and x == y == z else None, generate


_fma: Any = intrinsic(_fused)

Address = int  # of a function in memory

# A first call compiles; every face that nobody uses would cost as much as a small loop. `kernel` is called from Python, `inner` from kernels alone.
kernel: Any = partial(njit, cache=True, no_cfunc_wrapper=True)
inner: Any = partial(njit, cache=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)


@kernel()
def each(function: Address, x: np.ndarray) -> None:
    """x ← function(x), number by number, by MKL's tanh or square root, say."""
    blas.each(function, x.size, x.ctypes.data, x.ctypes.data)


# ------------------------------------------------------------------------------------------------------------------- optimisers
# Below TINY numbers lose digits and the processor its pace, and torch's square root takes 20 times longer for a zero. Units that are dead
# would cost most. So a moment below TINY becomes 0, and its root is taken of TINY instead: neither moves a weight by a bit.
TINY = np.finfo(np.float32).tiny
BLOCK = 2048  # numbers that stay near the processor from their moments to their step


@inner()
def _adam_moments(g: np.ndarray, m: np.ndarray, v: np.ndarray, to_root: np.ndarray, w1: float, beta2: float, w2: float) -> None:
    tiny, zero = np.float32(TINY), np.float32(0)
    towards = abs(w1) >= np.float32(0.5)  # then torch's lerp starts from where it goes to
    w = w1 - np.float32(1) if towards else w1
    for i in range(g.size):
        mean, square = _fma(w, g[i] - m[i], g[i] if towards else m[i]), _fma(w2 * g[i], g[i], beta2 * v[i])
        m[i] = zero if abs(mean) < tiny else mean
        v[i] = zero if square < tiny else square
        to_root[i] = tiny if square < tiny else square


@inner()
def _square_moment(g: np.ndarray, v: np.ndarray, to_root: np.ndarray, alpha: float, w: float) -> None:
    tiny, zero = np.float32(TINY), np.float32(0)
    for i in range(g.size):
        square = _fma(w * g[i], g[i], alpha * v[i])
        v[i] = zero if square < tiny else square
        to_root[i] = tiny if square < tiny else square


@inner(error_model="numpy")
def _step(theta: np.ndarray, m: np.ndarray, root: np.ndarray, correction: float, eps: float, step: float) -> None:
    for i in range(theta.size):
        theta[i] += (step * m[i]) / (root[i] / correction + eps)


@kernel()
def adam(
    sqrt: Address, theta: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, w1: float, beta2: float, w2: float, correction: float, eps: float,
    step: float,
) -> None:  # fmt: skip
    """m ← m + w1 (g − m),  v ← beta2 v + w2 g²,  θ ← θ + step m / (√v / correction + eps)."""
    memory = np.empty(BLOCK, np.float32)
    for start in range(0, g.size, BLOCK):
        end = min(start + BLOCK, g.size)
        root = memory[: end - start]
        _adam_moments(g[start:end], m[start:end], v[start:end], root, w1, beta2, w2)
        blas.each(sqrt, root.size, root.ctypes.data, root.ctypes.data)
        _step(theta[start:end], m[start:end], root, correction, eps, step)


@inner(error_model="numpy")
def _rectified_step(theta: np.ndarray, m: np.ndarray, root: np.ndarray, bias: float, lr: float, correction: float, eps: float, rect: float) -> None:
    one = np.float32(1)
    for i in range(theta.size):
        theta[i] -= m[i] / bias * lr * (one / (root[i] + eps) * correction) * rect


@inner(error_model="numpy")
def _unscaled_step(theta: np.ndarray, m: np.ndarray, bias: float, lr: float) -> None:
    for i in range(theta.size):
        theta[i] -= m[i] / bias * lr


@kernel()
def radam(
    sqrt: Address, theta: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, w1: float, beta2: float, w2: float, bias: float, lr: float,
    correction: float, eps: float, rect: float,
) -> None:  # fmt: skip
    """Adam's moments;  θ ← θ − lr m / bias · rect · correction / (√v + eps), or where rect is 0 without what √v has to say, θ ← θ − lr m / bias."""
    memory = np.empty(BLOCK, np.float32)
    for start in range(0, g.size, BLOCK):
        end = min(start + BLOCK, g.size)
        root = memory[: end - start]
        _adam_moments(g[start:end], m[start:end], v[start:end], root, w1, beta2, w2)
        if rect == 0:
            _unscaled_step(theta[start:end], m[start:end], bias, lr)
        else:
            blas.each(sqrt, root.size, root.ctypes.data, root.ctypes.data)
            _rectified_step(theta[start:end], m[start:end], root, bias, lr, correction, eps, rect)


@kernel()
def rmsprop(sqrt: Address, theta: np.ndarray, g: np.ndarray, v: np.ndarray, alpha: float, w: float, eps: float, step: float) -> None:
    """v ← alpha v + w g²,  θ ← θ + step g / (√v + eps)."""
    memory = np.empty(BLOCK, np.float32)
    for start in range(0, g.size, BLOCK):
        end = min(start + BLOCK, g.size)
        root = memory[: end - start]
        _square_moment(g[start:end], v[start:end], root, alpha, w)
        blas.each(sqrt, root.size, root.ctypes.data, root.ctypes.data)
        _step(theta[start:end], g[start:end], root, np.float32(1), eps, step)


@kernel()
def track(theta: np.ndarray, other: np.ndarray, kept: float, tau: float) -> None:
    """θ ← kept θ + τ θ_other, as torch rounds θ.mul_(kept).add_(θ_other, alpha=τ)."""
    for i in range(theta.size):
        theta[i] = _fma(tau, other[i], kept * theta[i])


@kernel()
def norm(x: np.ndarray) -> float:
    """√ Σ x², added up as torch does it: eight sums side by side, then fours of what is left, then one by one, these fused."""
    lanes, whole, fours = np.zeros(LANES, np.float32), x.size // LANES * LANES, x.size // 4 * 4
    for i in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += x[i + lane] * x[i + lane]
    total = lanes[0]
    for lane in range(1, LANES):
        total += lanes[lane]
    for i in range(whole, fours):
        total += x[i] * x[i]
    for i in range(fours, x.size):
        total = _fma(x[i], x[i], total)
    return np.sqrt(total)


@kernel(error_model="numpy")
def clip_rows(grad: np.ndarray, spans: np.ndarray, max_norm: float) -> None:
    """Scale each row [R, D] so that its norm is at most max_norm: torch's clip_grad_norm_ of the parameters that lie at `spans` [P, 2]."""
    norms, one = np.empty(len(spans), np.float32), np.float32(1)
    for r in range(len(grad)):
        row = grad[r]
        for i in range(len(spans)):
            norms[i] = norm(row[spans[i, 0] : spans[i, 1]])
        scale = one / (norm(norms) + np.float32(1e-6)) * np.float32(max_norm)
        if not scale >= one:
            for i in range(row.size):
                row[i] *= scale


# --------------------------------------------------------------------------------------------------------------------- networks
LINEAR, RELU, TANH = range(3)  # activations


@inner()
def _cascade(g: np.ndarray, first: int, stride: int, count: int, left: int, right: int, total: np.ndarray) -> None:
    """total[0] = the sum of `count` rows of g, in torch's order: sixteen at a time, then sixteen of those. total is [4, n]."""
    i = 0
    for level in range(4):
        for j in range(left, right):
            total[level, j] = 0
    while i < count:
        for j in range(left, right):
            total[0, j] += g[first + i * stride, j]
        i += 1
        level = 1
        while level < 4 and i & ((1 << 4 * level) - 1) == 0:
            for j in range(left, right):
                total[level, j] += total[level - 1, j]
                total[level - 1, j] = 0
            level += 1
    for level in range(1, 4):
        for j in range(left, right):
            total[0, j] += total[level, j]


@inner()
def _add_up(g: np.ndarray, whole: int, n: int, total: np.ndarray, sums: np.ndarray) -> None:
    """sums = Σ g over the first axis: of the first `whole` columns row by row, of the others every fourth row on its own. total is [4, n]."""
    M = len(g)
    if whole > 0:
        _cascade(g, 0, 1, M, 0, whole, total)
        for j in range(whole):
            sums[j] = total[0, j]
    quarter = M // 4
    for k in range(4 if whole < n else 0):
        _cascade(g, k, k - k + 4, quarter, whole, n, total)  # 4 as a number that is not compiled in: one version serves all calls
        for j in range(whole, n):
            sums[j] = total[0, j] if k == 0 else sums[j] + total[0, j]
        if k == 0:
            for i in range(4 * quarter, M):
                for j in range(whole, n):
                    sums[j] += g[i, j]


@kernel()
def column_sums(g: np.ndarray, sums: np.ndarray) -> None:
    """sums = Σ g over the first axis, [M, n], added up in the order of torch's vectorised loops."""
    n = g.shape[1]
    if n == 1:
        sums[0] = _sum(g.reshape(-1))
        return
    together = 4 * LANES if n >= LANES else 4
    _add_up(g, n // together * together, n, np.empty((4, n), g.dtype), sums)


@inner()
def _sum(x: np.ndarray) -> float:
    """Σ x of a vector, the same way."""
    total, sums = np.empty((4, LANES), x.dtype), np.empty(LANES, x.dtype)
    lanes = LANES if x.size >= LANES else 1
    whole, last = x.size // lanes * lanes, x.dtype.type(0)
    _add_up(x[:whole].reshape(-1, lanes), whole - whole, lanes, total, sums)
    if lanes == 1:
        return sums[0]
    for i in range(whole, x.size):
        last += x[i]
    for lane in range(LANES):
        last += sums[lane]
    return last


@inner()
def _short_sum(x: np.ndarray, sums: np.ndarray) -> float:
    """The same for LANES to CASCADE numbers, where it comes to four times LANES sums side by side, [4, LANES], in place."""
    rows, last = x.size // LANES, x.dtype.type(0)
    quarters = rows // 4
    sums[:] = 0
    for row in range(0, 4 * quarters, 4):
        for k in range(4):
            for lane in range(LANES):
                sums[k, lane] += x[(row + k) * LANES + lane]
    for row in range(4 * quarters, rows):
        for lane in range(LANES):
            sums[0, lane] += x[row * LANES + lane]
    for k in range(1, 4):
        for lane in range(LANES):
            sums[0, lane] += sums[k, lane]
    for i in range(rows * LANES, x.size):
        last += x[i]
    for lane in range(LANES):
        last += sums[0, lane]
    return last


SINGLE, LINE = 4, 16  # bytes of a number, numbers of a cache line
# A net is `layers`, [L, 5]: where in a row its weights [out, in] and its biases [out] start, in, out, and the activation behind it.


@inner()
def _fill(y: np.ndarray, bias: np.ndarray) -> None:
    for i in range(len(y)):
        for j in range(y.shape[1]):
            y[i, j] = bias[j]


@inner()
def _widest(layers: np.ndarray) -> int:
    """The most that a layer takes or gives."""
    widest = 0
    for i in range(len(layers)):
        widest = max(widest, layers[i, 2], layers[i, 3])
    return widest


@inner()
def _activate(tanh: Address, y: np.ndarray, activation: int) -> None:
    if activation == RELU:
        for i in range(y.size):
            y[i] = np.float32(0) if y[i] < 0 else y[i]
    elif activation == TANH:
        blas.each(tanh, y.size, y.ctypes.data, y.ctypes.data)


@inner()
def _room(n: int) -> int:
    """n numbers and what is left of their last cache line: whatever comes behind starts on one."""
    return -(-n // LINE) * LINE


@inner()
def _aligned(n: int) -> np.ndarray:
    memory = np.empty(n + LINE, np.float32)
    first = -memory.ctypes.data % (LINE * SINGLE) // SINGLE
    return memory[first : first + n]


@inner()
def _given(x: np.ndarray, r: int, room: np.ndarray) -> int:
    """The address of x[r], [M, k], contiguous and on a cache line: of a copy in `room` where it is not."""
    M, k = x.shape[1:]
    address = x.ctypes.data + r * x.strides[0]
    if address % (LINE * SINGLE) == 0 and (M == 1 or x.strides[1] == k * SINGLE) and (k == 1 or x.strides[2] == SINGLE):
        return address
    for i in range(M):
        for j in range(k):
            room[i * k + j] = x[r, i, j]
    return room.ctypes.data


@kernel()
def mlp(sgemm: Address, tanh: Address, x: np.ndarray, theta: np.ndarray, layers: np.ndarray, memory: np.ndarray) -> None:
    """The outputs of a net's layers, y = activation(x wᵀ + b), one after another in `memory`: x [R, M, in], theta [R, D].

    A layer's outputs take `_room` in memory, row behind row. Row by row through all layers, so that what one layer puts out is still near
    the processor when the next one takes it. The biases are there before the product is added to them, as in torch: the other way
    round rounds otherwise.
    """
    R, M = x.shape[:2]
    bias, one, room = np.empty(_widest(layers), np.float32), np.float32(1), _aligned(M * x.shape[2])
    for r in range(R):
        start, given = 0, _given(x, r, room)
        for w, b, k, n, activation in layers:
            y = memory[start + r * _room(M * n) : start + r * _room(M * n) + M * n]
            for j in range(n):
                bias[j] = theta[r, b + j]  # in memory whose layout the loops know
            _fill(y.reshape(M, n), bias)
            of_w = theta.ctypes.data + r * theta.strides[0] + w * SINGLE
            blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, n, M, k, of_w, k, given, k, one, y.ctypes.data, n)
            _activate(tanh, y, activation)
            start, given = start + R * _room(M * n), y.ctypes.data


@kernel()
def mlp_for_once(
    sgemm: Address, tanh: Address, x: np.ndarray, theta: np.ndarray, layers: np.ndarray, memory: np.ndarray, outputs: np.ndarray
) -> None:  # fmt: skip
    """The same where nobody will pull a gradient: in memory for one row, which stays near the processor; what each row puts out goes to `outputs`."""
    n = x.shape[1] * layers[-1, 3]
    last = memory.size - _room(n)
    for r in range(len(x)):
        mlp(sgemm, tanh, x[r : r + 1], theta[r : r + 1], layers, memory)
        start = r * _room(n)
        for i in range(n):
            outputs[start + i] = memory[last + i]


@inner()
def _deactivate(g: np.ndarray, y: np.ndarray, activation: int) -> None:
    """The gradient of y = activation(x) becomes that of x, in place."""
    if activation == RELU:
        for i in range(g.size):
            g[i] = g[i] if y[i] > 0 else np.float32(0)
    elif activation == TANH:
        for i in range(g.size):
            g[i] *= _fma(-y[i], y[i], np.float32(1))


@kernel()
def pull_mlp(
    sgemm: Address, g: np.ndarray, x: np.ndarray, theta: np.ndarray, grad: np.ndarray, layers: np.ndarray, memory: np.ndarray, gx: np.ndarray, add: bool
) -> None:
    """From g [R, M, out], the gradient of the net's output: write (or add) that of the weights to grad, and that of x to gx; not where these are empty."""
    (R, M), L = x.shape[:2], len(layers)
    widest = _widest(layers)
    here, there, room, sums = _aligned(M * widest), _aligned(M * widest), _aligned(M * x.shape[2]), np.empty(widest, np.float32)
    zero, beta = np.float32(0), np.float32(1 if add else 0)
    for r in range(R):
        end = memory.size
        for i in range(M):
            for j in range(g.shape[2]):
                here[i * g.shape[2] + j] = g[r, i, j]
        for i in range(L - 1, -1, -1):
            w, b, k, n, activation = layers[i]
            start = end - R * _room(M * n)
            y = start + r * _room(M * n)
            _deactivate(here[: M * n], memory[y : y + M * n], activation)
            if grad.size > 0:
                given = _given(x, r, room) if i == 0 else memory.ctypes.data + (start - R * _room(M * k) + r * _room(M * k)) * SINGLE
                column_sums(here[: M * n].reshape(M, n), sums[:n])
                gb, gw = grad[r, b : b + n], grad.ctypes.data + r * grad.strides[0] + w * SINGLE
                for j in range(n):
                    gb[j] = gb[j] + sums[j] if add else sums[j]
                blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, k, n, M, given, k, here.ctypes.data, n, beta, gw, k)
            if i > 0 or gx.size > 0:
                of_w = theta.ctypes.data + r * theta.strides[0] + w * SINGLE
                blas.product(sgemm, blas.AS_IT_IS, blas.AS_IT_IS, k, M, n, of_w, k, here.ctypes.data, n, zero, there.ctypes.data, k)
            here, there, end = there, here, start
        if gx.size > 0:
            for i in range(M):
                for j in range(gx.shape[2]):
                    gx[r, i, j] = here[i * gx.shape[2] + j]


# --------------------------------------------------------------------------------------------------------------- normalisation
@inner()
def _variance(x: np.ndarray, var: np.ndarray) -> None:
    """The variance of each feature of x [M, n], with Bessel's correction, in double precision as torch's is."""
    M, n = x.shape
    mean, squares = np.zeros(n, np.float64), np.zeros(n, np.float64)
    for i in range(M):
        for j in range(n):
            mean[j] += x[i, j]
    for j in range(n):
        mean[j] /= M
    for i in range(M):
        for j in range(n):
            squares[j] += (x[i, j] - mean[j]) * (x[i, j] - mean[j])
    for j in range(n):
        var[j] = squares[j] / (M - 1) if M > 1 else np.nan


@inner()
def _roots(sqrt: Address, x: np.ndarray, eps: float) -> np.ndarray:
    """√(x + eps), as torch rounds it."""
    root = np.empty(x.size, np.float32)
    for j in range(x.size):
        root[j] = x[j] + eps
    blas.each(sqrt, root.size, root.ctypes.data, root.ctypes.data)
    return root


@kernel(error_model="numpy")
def renorm(
    sqrt: Address, x: np.ndarray, ra_mean: np.ndarray, ra_var: np.ndarray, warm: np.ndarray, eps: float, r_max: float, d_max: float,
    mean: np.ndarray, var: np.ndarray, r: np.ndarray, d: np.ndarray, centre: np.ndarray, spread: np.ndarray,
) -> None:  # fmt: skip
    """Of x [R, M, n]: its mean and variance, the corrections r and d (1 and 0 where a row is not warm), and what to normalise by. All [R, n]."""
    one, M = np.float32(1), np.float32(x.shape[1])
    for k in range(len(x)):
        column_sums(x[k], mean[k])
        _variance(x[k], var[k])
        running, of_batch, bare = _roots(sqrt, ra_var[k], eps), _roots(sqrt, var[k], eps), _roots(sqrt, var[k], np.float32(0))
        for j in range(x.shape[2]):
            mean[k, j] /= M
            r[k, j], d[k, j] = one, np.float32(0)
            centre[k, j], spread[k, j] = mean[k, j], var[k, j]
            if warm[k]:
                r[k, j] = min(max(of_batch[j] / running[j], one / r_max), r_max)
                d[k, j] = min(max((mean[k, j] - ra_mean[k, j]) / running[j], -d_max), d_max)
                centre[k, j] = mean[k, j] - d[k, j] * bare[j] / r[k, j]
                spread[k, j] = var[k, j] / (r[k, j] * r[k, j])


@kernel(error_model="numpy")
def normalise(
    sqrt: Address, x: np.ndarray, centre: np.ndarray, spread: np.ndarray, eps: float, scale: np.ndarray, bias: np.ndarray, y: np.ndarray
) -> None:
    """y = scale (x − centre) / √(spread + eps) + bias, x [R, M, n], the others [R, n]."""
    R, M, n = x.shape
    s, b, c = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    for k in range(R):
        root = _roots(sqrt, spread[k], eps)
        for j in range(n):
            s[j], b[j], c[j] = scale[k, j], bias[k, j], centre[k, j]
        for i in range(M):
            for j in range(n):
                y[k, i, j] = s[j] * ((x[k, i, j] - c[j]) / root[j]) + b[j]


@kernel(error_model="numpy")
def pull_normalise(
    sqrt: Address, g: np.ndarray, x: np.ndarray, centre: np.ndarray, spread: np.ndarray, eps: float, scale: np.ndarray,
    of_batch: bool, mean: np.ndarray, var: np.ndarray, r: np.ndarray, d: np.ndarray,
    g_scale: np.ndarray, g_bias: np.ndarray, gx: np.ndarray, add: bool,
) -> None:  # fmt: skip
    """From g, the gradient of `normalise`'s y: write (or add) those of scale and bias, and write that of x; not where these are empty.

    of_batch: centre and spread are `renorm`'s, functions of x through its mean and variance, with r and d held fast. In autograd's order of operations.
    """
    R, M, n = x.shape
    c, m, s = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    sums, by_x, constant = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    terms = np.empty((M, n), np.float32)
    two, samples = np.float32(2), np.float32(M)
    for k in range(R):
        root, bare = _roots(sqrt, spread[k], eps), _roots(sqrt, var[k], np.float32(0))
        for j in range(n):
            c[j], m[j], s[j] = centre[k, j], mean[k, j], scale[k, j]
        if g_scale.size > 0:
            for i in range(M):
                for j in range(n):
                    terms[i, j] = g[k, i, j] * ((x[k, i, j] - c[j]) / root[j])
            column_sums(terms, sums)
            for j in range(n):
                g_scale[k, j] = g_scale[k, j] + sums[j] if add else sums[j]
            column_sums(g[k], sums)
            for j in range(n):
                g_bias[k, j] = g_bias[k, j] + sums[j] if add else sums[j]
        if gx.size == 0:
            continue
        for i in range(M):
            for j in range(n):
                gx[k, i, j] = g[k, i, j] * s[j] / root[j]
        if not of_batch:
            continue
        for i in range(M):
            for j in range(n):
                terms[i, j] = -(g[k, i, j] * s[j]) * ((x[k, i, j] - c[j]) / root[j] / root[j])
        column_sums(terms, by_x)
        column_sums(gx[k], sums)
        for j in range(n):
            of_var = by_x[j] / (two * root[j]) / (r[k, j] * r[k, j])
            if d[k, j] != 0:
                of_var += sums[j] / r[k, j] * d[k, j] / (two * bare[j])
            by_x[j], constant[j] = np.float32(2.0 / (M - 1)) * of_var, -sums[j] / samples
        for i in range(M):
            for j in range(n):
                gx[k, i, j] = gx[k, i, j] + by_x[j] * (x[k, i, j] - m[j]) + constant[j]


@inner()
def _standardised(x: np.ndarray, eps: float, y: np.ndarray) -> float:
    """y = (x − mean)/√(var + eps) of one sample's features, and that root; sums in double precision."""
    n = x.size
    mean, var = 0.0, 0.0
    for j in range(n):
        mean += x[j]
    mean /= n
    for j in range(n):
        var += (x[j] - mean) * (x[j] - mean)
    root = np.sqrt(var / n + eps)
    for j in range(n):
        y[j] = (x[j] - mean) / root
    return root


@kernel(error_model="numpy")
def layer_norm(x: np.ndarray, eps: float, weight: np.ndarray, bias: np.ndarray, y: np.ndarray) -> None:
    """y = weight (x − mean)/√(var + eps) + bias along the last axis, x [R, M, n], weight and bias [R, n]."""
    R, M, n = x.shape
    for k in range(R):
        for i in range(M):
            _standardised(x[k, i], eps, y[k, i])
            for j in range(n):
                y[k, i, j] = y[k, i, j] * weight[k, j] + bias[k, j]


@kernel(error_model="numpy")
def pull_layer_norm(
    g: np.ndarray, x: np.ndarray, eps: float, weight: np.ndarray, g_weight: np.ndarray, g_bias: np.ndarray, gx: np.ndarray, add: bool
) -> None:  # fmt: skip
    """From g, the gradient of `layer_norm`'s y: write (or add) those of weight and bias, and write that of x; not where these are empty."""
    R, M, n = x.shape
    z, of_z = np.empty(n, np.float32), np.empty(n, np.float32)
    for k in range(R):
        of_weight, of_bias = np.zeros(n, np.float64), np.zeros(n, np.float64)
        for i in range(M):
            root = _standardised(x[k, i], eps, z)
            mean, along = 0.0, 0.0
            for j in range(n):
                of_z[j] = g[k, i, j] * weight[k, j]
                mean += of_z[j]
                along += of_z[j] * z[j]
                of_weight[j] += g[k, i, j] * z[j]
                of_bias[j] += g[k, i, j]
            if gx.size > 0:
                for j in range(n):
                    gx[k, i, j] = (of_z[j] - mean / n - z[j] * along / n) / root
        if g_weight.size > 0:
            for j in range(n):
                g_weight[k, j] = g_weight[k, j] + np.float32(of_weight[j]) if add else np.float32(of_weight[j])
                g_bias[k, j] = g_bias[k, j] + np.float32(of_bias[j]) if add else np.float32(of_bias[j])


# ---------------------------------------------------------------------------------------------------------------- distributions
@kernel()
def from_top(x: np.ndarray, y: np.ndarray) -> None:
    """y = x − max x over the last axis, [N, A]."""
    for i in range(len(x)):
        top = x[i, 0]
        for a in range(1, x.shape[1]):
            top = max(top, x[i, a])
        for a in range(x.shape[1]):
            y[i, a] = x[i, a] - top


@kernel()
def subtract_rows(x: np.ndarray, y: np.ndarray) -> None:
    """x ← x − y, [N, A] and [N]."""
    for i in range(len(x)):
        for a in range(x.shape[1]):
            x[i, a] -= y[i]


@kernel()
def pull_log_softmax(g: np.ndarray, p: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of log softmax(x) = log p."""
    for i in range(len(p)):
        total = g[i, 0] * 0
        for a in range(p.shape[1]):
            total += g[i, a]
        for a in range(p.shape[1]):
            gx[i, a] = g[i, a] - p[i, a] * total


@kernel()
def pull_tanh(g: np.ndarray, y: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of y = tanh x, [N, n]."""
    for i in range(len(y)):
        for j in range(y.shape[1]):
            gx[i, j] = g[i, j] * _fma(-y[i, j], y[i, j], y.dtype.type(1))


@kernel()
def huber(x: np.ndarray, y: np.ndarray) -> None:
    """y = x²/2 where |x| < 1, |x| − 1/2 elsewhere, [N, n]."""
    half = np.float32(0.5)
    for i in range(len(x)):
        for j in range(x.shape[1]):
            size = abs(x[i, j])
            y[i, j] = half * size * size if size < 1 else size - half


FEW = 16  # targets


@kernel()
def quantile_huber(theta: np.ndarray, y: np.ndarray, loss: np.ndarray, slope: np.ndarray) -> None:
    """loss = the quantile Huber loss of each θ_i [R, N] against targets y [R, K], their mean; slope = its derivative by θ_i. In one pass, target after target.

    τ_i = (i + ½)/N are the quantiles' middles, and δ = 1. Few targets are added up at a time, which rounds less.
    """
    N, K = theta.shape[1], y.shape[1]
    half, one, zero, k = np.float32(0.5), np.float32(1), np.float32(0), np.float32(K)
    above = (np.arange(N).astype(np.float32) + half) / np.float32(N)  # the weight of targets above θ_i, and of those below it
    below = np.abs(above - one)
    few_l, few_s = np.empty(N, np.float32), np.empty(N, np.float32)
    for r in range(len(theta)):
        own, l, s = theta[r], loss[r], slope[r]
        l[:], s[:] = zero, zero
        for start in range(0, K, FEW):
            few_l[:], few_s[:] = zero, zero
            for j in range(start, min(start + FEW, K)):
                target = y[r, j]
                for i in range(N):
                    u = target - own[i]
                    size = abs(u)
                    weight = below[i] if u < zero else above[i]
                    few_l[i] += weight * (size - half if size > one else half * u * u)
                    few_s[i] -= weight * (one if u > one else -one if u < -one else u)
            l += few_l
            s += few_s
        for i in range(N):
            l[i] /= k
            s[i] /= k


@kernel()
def row_maxima(x: np.ndarray, y: np.ndarray) -> None:
    """y = max x over the last axis, [N, n]; nan where there is one."""
    for i in range(len(x)):
        top = x[i, 0]
        for j in range(1, x.shape[1]):
            if not top >= x[i, j] and top == top:
                top = x[i, j]
        y[i] = top


@kernel()
def smallest(x: np.ndarray, y: np.ndarray) -> None:
    """y = min x over the second axis, [N, C, n]; nan where there is one."""
    for i in range(len(x)):
        for j in range(x.shape[2]):
            y[i, j] = x[i, 0, j]
            for c in range(1, x.shape[1]):
                y[i, j] = y[i, j] if y[i, j] <= x[i, c, j] or y[i, j] != y[i, j] else x[i, c, j]


@kernel()
def pull_smallest(g: np.ndarray, x: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of its minimum: all of it to the first of the smallest."""
    for i in range(len(x)):
        for j in range(x.shape[2]):
            first = 0
            for c in range(1, x.shape[1]):
                if x[i, c, j] < x[i, first, j]:
                    first = c
            for c in range(x.shape[1]):
                gx[i, c, j] = g[i, j] if c == first else 0


@kernel()
def gather(x: np.ndarray, index: np.ndarray, y: np.ndarray) -> None:
    """y[i] = x[i, index[i]]."""
    for i in range(len(x)):
        y[i] = x[i, index[i]]


@kernel()
def pull_gather(g: np.ndarray, index: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x from g, that of y[i] = x[i, index[i]]."""
    for i in range(len(gx)):
        for a in range(gx.shape[1]):
            gx[i, a] = g[i] if a == index[i] else 0


@kernel()
def pull_gather_some(g: np.ndarray, at: np.ndarray, gx: np.ndarray) -> None:
    """The gradient of x [N] from g [M, k], that of x[at]: what is taken twice is given to twice."""
    gx[:] = 0
    for i in range(len(at)):
        for j in range(at.shape[1]):
            gx[at[i, j]] += g[i, j]


# -------------------------------------------------------------------------------------------------------------------------- sums
@kernel(error_model="numpy")
def row_sums(x: np.ndarray, y: np.ndarray, over: int) -> None:
    """y = Σ x / over along the last axis, [N, n], added up as torch does it: a sum for 1, a mean for n."""
    n, sums = x.shape[1], np.empty((4, LANES), x.dtype)
    for i in range(len(x)):
        if n < 4:  # one after another
            total = x[i, 0]
            for j in range(1, n):
                total += x[i, j]
        elif n < LANES:  # the first of four sums with what is left, then the three others
            total = x.dtype.type(0) + x[i, 0]
            for j in range(4, n):
                total += x[i, j]
            for j in range(1, 4):
                total += x[i, j]
        elif n < CASCADE:
            total = _short_sum(x[i], sums)
        else:
            total = _sum(x[i])
        y[i] = total / x.dtype.type(over)


@kernel(error_model="numpy")
def projected(p: np.ndarray, returns: np.ndarray, z: np.ndarray, gap: float, m: np.ndarray) -> None:
    """m = probabilities p [R, N] of returns [R, N] as those of the atoms z [N], `gap` apart: each shared out between the two atoms next to it."""
    N = len(z)
    for r in range(len(p)):
        m[r, :] = 0
        for j in range(p.shape[1]):
            below = int((returns[r, j] - z[0]) / gap)
            for i in range(max(below - 1, 0), min(below + 2, N)):  # rounding may have put it one atom too low
                share = np.float32(1) - abs(returns[r, j] - z[i]) / gap
                if share > 0:
                    m[r, i] += share * p[r, j]
