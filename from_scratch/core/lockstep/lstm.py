"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gates: Gers et al. 2000) of S seeds, over sequences of unequal lengths, without padding.

    i, f, o = σ(W_i x_t + U_i h_{t−1} + b_i), …      g = tanh(W_g x_t + U_g h_{t−1} + b_g)
    c_t = f c_{t−1} + i g                            h_t = o tanh(c_t)

Samples [S, M, in] are sequences one behind the other; `begins` [S, M] says where one begins, and `state` [S, M, layers, 2, H], read there alone, is what it
begins with: h and c of every layer. However the M samples fall into sequences, it is the same call with the same shapes. Within, all sequences take their
first step together, then those that have one their second, and so on: the longest come first, so that those who go on are the first rows of those before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from from_scratch.core.lockstep import blas
from from_scratch.core.lockstep.arrays import Array
from from_scratch.core.lockstep.kernels import SINGLE, Address, _aligned, _room, column_sums, inner, kernel
from from_scratch.core.lockstep.mlp import in_own_memory, stack
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows
from from_scratch.core.watch import imitate

imitate(nn.LSTM, nn.RNNBase)
OF_LAYER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # [4H, in], [4H, H], [4H], [4H]: for i, f, g and o, one below the other


def is_plain_lstm(module: nn.Module | None) -> bool:
    """One that a stack can evaluate: with biases, in one direction, nothing dropped between its layers and nothing projected."""
    return (
        type(module) is nn.LSTM and module.bias and not module.batch_first and not module.bidirectional and module.proj_size == 0
        and (module.dropout == 0 or module.num_layers == 1)
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------- compiled loops
@inner()
def _pack(begins: np.ndarray, order: np.ndarray, steps: np.ndarray) -> int:
    """In which order samples are taken, [M], and where each step of all sequences starts there, [T + 1]; T, the length of the longest one, is returned."""
    M, n = begins.size, 0
    first, length, longest = np.empty(M, np.int64), np.empty(M, np.int64), 0
    for m in range(M):
        if m == 0 or begins[m] > 0:
            first[n], length[n] = m, 0
            n += 1
        length[n - 1] += 1
    for j in range(n):
        longest = max(longest, length[j])
    taking = np.zeros(longest + 1, np.int64)  # of each length t how many there are, and then: how many are that long or longer
    for j in range(n):
        taking[length[j]] += 1
    place = np.zeros(longest + 1, np.int64)  # of the next sequence of this length among all
    for t in range(longest - 1, -1, -1):
        place[t] = taking[t + 1]  # behind all that are longer
        taking[t] += taking[t + 1]
    steps[0] = 0
    for t in range(longest):
        steps[t + 1] = steps[t] + taking[t + 1]
    for j in range(n):
        at = place[length[j]]
        place[length[j]] += 1
        for t in range(length[j]):
            order[steps[t] + at] = first[j] + t
    return longest


@kernel()
def pack(begins: np.ndarray, order: np.ndarray, steps: np.ndarray) -> int:
    return _pack(begins, order, steps)


@inner()
def _size(M: int, layers: np.ndarray) -> int:
    """Numbers that a row leaves behind for its gradient: x, and of every layer the gates, h, c, tanh c, and h and c of the step before."""
    size = M * _room(layers[0, 4])
    for i in range(len(layers)):
        size += M * (_room(4 * layers[i, 5]) + 5 * _room(layers[i, 5]))
    return size


@kernel()
def lstm_size(M: int, layers: np.ndarray) -> int:
    return _size(M, layers)


@inner()
def _parts(memory: np.ndarray, start: int, M: int, H: int) -> tuple:
    """A layer's gates [M, 4H], h, c, tanh c, h and c before [M, H], each row on a cache line of its own."""
    G, W = _room(4 * H), _room(H)
    end = start + M * G
    gates = memory[start:end].reshape(M, G)
    h, c = memory[end : end + M * W].reshape(M, W), memory[end + M * W : end + 2 * M * W].reshape(M, W)
    tanh_c = memory[end + 2 * M * W : end + 3 * M * W].reshape(M, W)
    h_before, c_before = memory[end + 3 * M * W : end + 4 * M * W].reshape(M, W), memory[end + 4 * M * W : end + 5 * M * W].reshape(M, W)
    return gates, h, c, tanh_c, h_before, c_before


@kernel()
def lstm(
    sgemm: Address, tanh: Address, x: np.ndarray, state: np.ndarray, begins: np.ndarray, theta: np.ndarray, layers: np.ndarray, memory: np.ndarray,
    y: np.ndarray, after: np.ndarray,
) -> None:  # fmt: skip
    """y [R, M, H] of x [R, M, in]; the state after each sample goes to `after`, formed as `state`, unless it is empty.

    layers [L, 6]: where in a row of theta the two weights and the two biases start, in, and H.
    """
    R, M, L = x.shape[0], x.shape[1], len(layers)
    one, half, size = np.float32(1), np.float32(0.5), _size(M, layers)
    order, steps = np.empty(M, np.int64), np.empty(M + 1, np.int64)
    for r in range(R):
        T, start = _pack(begins[r], order, steps), r * size
        n_in = x.shape[2]
        below = memory[start : start + M * _room(n_in)].reshape(M, _room(n_in))
        for m in range(M):
            for j in range(n_in):
                below[m, j] = x[r, order[m], j]
        start += M * _room(n_in)
        for i in range(L):
            w, u, b, b_hh, n_in, H = layers[i]
            gates, h, c, tanh_c, h_before, c_before = _parts(memory, start, M, H)
            of_w, of_u = theta.ctypes.data + r * theta.strides[0] + w * SINGLE, theta.ctypes.data + r * theta.strides[0] + u * SINGLE
            for m in range(M):
                for j in range(4 * H):
                    gates[m, j] = theta[r, b + j] + theta[r, b_hh + j]
            blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, 4 * H, M, n_in, of_w, n_in, below.ctypes.data, below.shape[1], one,
                         gates.ctypes.data, gates.shape[1])  # fmt: skip
            for t in range(T):
                s, n = steps[t], steps[t + 1] - steps[t]
                for k in range(n):
                    for j in range(H):
                        h_before[s + k, j] = state[r, order[s + k], i, 0, j] if t == 0 else h[steps[t - 1] + k, j]
                        c_before[s + k, j] = state[r, order[s + k], i, 1, j] if t == 0 else c[steps[t - 1] + k, j]
                now = gates[s : s + n]
                blas.product(sgemm, blas.TRANSPOSED, blas.AS_IT_IS, 4 * H, n, H, of_u, H, h_before[s:].ctypes.data, h.shape[1], one,
                             now.ctypes.data, gates.shape[1])  # fmt: skip
                for k in range(n):  # σ(z) = ½ + ½ tanh(z / 2)
                    for j in range(2 * H):
                        now[k, j] *= half
                    for j in range(3 * H, 4 * H):
                        now[k, j] *= half
                blas.each(tanh, now.size, now.ctypes.data, now.ctypes.data)
                for k in range(n):
                    for j in range(2 * H):
                        now[k, j] = half + half * now[k, j]
                    for j in range(3 * H, 4 * H):
                        now[k, j] = half + half * now[k, j]
                    for j in range(H):
                        c[s + k, j] = now[k, H + j] * c_before[s + k, j] + now[k, j] * now[k, 2 * H + j]
                blas.each(tanh, n * c.shape[1], c[s:].ctypes.data, tanh_c[s:].ctypes.data)
                for k in range(n):
                    for j in range(H):
                        h[s + k, j] = now[k, 3 * H + j] * tanh_c[s + k, j]
            for m in range(M):
                for j in range(H):
                    if after.size > 0:
                        after[r, order[m], i, 0, j], after[r, order[m], i, 1, j] = h[m, j], c[m, j]
                    if i == L - 1:
                        y[r, order[m], j] = h[m, j]
            below, start = h, start + gates.size + 5 * h.size


@kernel()
def pull_lstm(
    sgemm: Address, g: np.ndarray, begins: np.ndarray, theta: np.ndarray, grad: np.ndarray, layers: np.ndarray, memory: np.ndarray, gx: np.ndarray,
    add: bool,
) -> None:  # fmt: skip
    """From g [R, M, H], the gradient of y: write (or add) that of the weights to grad, and that of x to gx; not where these are empty.

    None reaches the states that sequences began with: they were played, not computed here.
    """
    R, M, L = g.shape[0], g.shape[1], len(layers)
    one, zero, beta, size = np.float32(1), np.float32(0), np.float32(1 if add else 0), _size(M, layers)
    order, steps = np.empty(M, np.int64), np.empty(M + 1, np.int64)
    widest = _room(layers[0, 4])
    for i in range(L):
        widest = max(widest, _room(layers[i, 5]))
    most = _room(4 * layers[L - 1, 5])
    above, under, pulled = _aligned(M * widest), _aligned(M * widest), _aligned(M * most).reshape(M, most)
    gh, gc, sums = _aligned(M * widest), np.empty((M, widest), np.float32), np.empty(most, np.float32)
    for r in range(R):
        T, end = _pack(begins[r], order, steps), (r + 1) * size
        H = layers[L - 1, 5]
        gy = above[: M * _room(H)].reshape(M, _room(H))
        for m in range(M):
            for j in range(H):
                gy[m, j] = g[r, order[m], j]
        for i in range(L - 1, -1, -1):
            w, u, b, b_hh, n_in, H = layers[i]
            W = _room(H)
            start = end - M * (_room(4 * H) + 5 * W)
            gates, _, _, tanh_c, h_before, c_before = _parts(memory, start, M, H)
            of_w, of_u = theta.ctypes.data + r * theta.strides[0] + w * SINGLE, theta.ctypes.data + r * theta.strides[0] + u * SINGLE
            gy, gh_next = above[: M * W].reshape(M, W), gh[: M * W].reshape(M, W)
            for t in range(T - 1, -1, -1):
                s, n = steps[t], steps[t + 1] - steps[t]
                going_on = steps[t + 2] - steps[t + 1] if t + 1 < T else 0
                for k in range(n):
                    m = s + k
                    for j in range(H):
                        dh = gy[m, j] + gh_next[k, j] if k < going_on else gy[m, j]
                        in_, forget, new, out = gates[m, j], gates[m, H + j], gates[m, 2 * H + j], gates[m, 3 * H + j]
                        dc = dh * out * (one - tanh_c[m, j] * tanh_c[m, j])
                        if k < going_on:
                            dc += gc[k, j]
                        gc[k, j] = dc * forget
                        pulled[m, j] = dc * new * in_ * (one - in_)
                        pulled[m, H + j] = dc * c_before[m, j] * forget * (one - forget)
                        pulled[m, 2 * H + j] = dc * in_ * (one - new * new)
                        pulled[m, 3 * H + j] = dh * tanh_c[m, j] * out * (one - out)
                if t > 0:
                    blas.product(sgemm, blas.AS_IT_IS, blas.AS_IT_IS, H, n, 4 * H, of_u, H, pulled[s:].ctypes.data, most, zero, gh_next.ctypes.data, W)
            of_x = memory.ctypes.data + (r * size if i == 0 else start - 5 * M * _room(n_in)) * SINGLE  # x, or h of the layer below
            if grad.size > 0:
                at = grad.ctypes.data + r * grad.strides[0]
                blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, n_in, 4 * H, M, of_x, _room(n_in), pulled.ctypes.data, most, beta, at + w * SINGLE, n_in)
                blas.product(sgemm, blas.AS_IT_IS, blas.TRANSPOSED, H, 4 * H, M, h_before.ctypes.data, W, pulled.ctypes.data, most, beta, at + u * SINGLE, H)
                column_sums(pulled, sums)
                for j in range(4 * H):
                    grad[r, b + j] = grad[r, b + j] + sums[j] if add else sums[j]
                    grad[r, b_hh + j] = grad[r, b_hh + j] + sums[j] if add else sums[j]
            if i > 0 or gx.size > 0:
                blas.product(sgemm, blas.AS_IT_IS, blas.AS_IT_IS, n_in, M, 4 * H, of_w, n_in, pulled.ctypes.data, most, zero, under.ctypes.data, _room(n_in))
            above, under, end = under, above, start
        if gx.size > 0:
            width = _room(gx.shape[2])
            of_input = above[: M * width].reshape(M, width)
            for m in range(M):
                for j in range(gx.shape[2]):
                    gx[r, order[m], j] = of_input[m, j]


# --------------------------------------------------------------------------------------------------------------------- the network
class StackedLSTM:
    """The same LSTM of S seeds: x [S, M, in], state [S, M, layers, 2, H] and begins [S, M] (above 0 where a sequence begins) → h [S, M, H].

    `name` is its name within `rows`. The first sample begins a sequence whatever it says, and no gradient reaches the state. Of Arrays it is one call of a
    program, of tensors a part of autograd's graph; `play` is for acting.
    """

    may_be_read = True

    def __init__(self, rows: Rows, name: str, module: nn.LSTM):
        self.rows, self.n_layers, self.width = rows, module.num_layers, module.hidden_size
        self.layers = [[f"{name}.{part}_l{i}" for part in OF_LAYER] for i in range(self.n_layers)]
        self.parameters = [parameter for layer in self.layers for parameter in layer]
        at = lambda parameter: rows.spans[rows.names[parameter]][0]
        self.compiled = np.array([[*map(at, layer), rows.shapes[rows.names[layer[0]]][1], self.width] for layer in self.layers])
        self.theta, self.grad = rows.theta.numpy(), rows.grad.numpy()
        self._to_play: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}  # memory, by [S, E]

    def __call__(self, x: Any, state: Any, begins: Any) -> Any:
        return self.of_array(x, state, begins) if isinstance(x, Array) else self.of_tensors(x, state, begins)

    def no_state(self, S: int, M: int) -> np.ndarray:
        """That of a sequence with nothing before it, for M samples of S seeds."""
        return np.zeros((S, M, self.n_layers, 2, self.width), np.float32)

    def of_array(self, x: Array, state: Array, begins: Array) -> Array:
        rows, program, given = self.rows, x.program, x.wide(x.shape).value
        y, memory = np.empty((*given.shape[:2], self.width), np.float32), self._memory(*given.shape[:2])
        starts, none = begins.wide(begins.shape).value, np.empty((0,) * 5, np.float32)
        x.call(lstm, blas.SGEMM, blas.TANH, given, state.wide(state.shape).value, starts, self.theta, self.compiled, memory, y, none)
        ours = isinstance(rows, ArrayRows) and program is not None and program.rows is rows

        def pull(g: Array) -> None:
            gx = np.empty(given.shape if x.needs else (0, 0, 0), y.dtype)
            grad, add = (self.grad, rows.add_to(self.parameters)) if ours else (self.grad[:0], False)  # type: ignore[attr-defined]
            x.call(pull_lstm, blas.SGEMM, g.wide(y.shape).value, starts, self.theta, grad, self.compiled, memory, gx, add)
            x.give(Array(gx, program))

        return Array(y) if program is None else program.leaf(y, pull, needs=ours or x.needs)

    def _memory(self, R: int, M: int) -> np.ndarray:
        memory = blas.aligned(R * lstm_size(M, self.compiled))
        memory.fill(0)
        return memory

    def play(self, x: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step of every lane: x [S, E, in] and state [S, E, layers, 2, H] → h [S, E, H] and the state after it."""
        R, M, _ = x.shape
        if (R, M) not in self._to_play:
            self._to_play[R, M] = self._memory(R, M), np.ones((R, M), np.int64), np.empty((R, M, self.width), np.float32)
        (memory, begins, y), after = self._to_play[R, M], np.empty_like(state)
        lstm(blas.SGEMM, blas.TANH, np.ascontiguousarray(x), state, begins, self.theta, self.compiled, memory, y, after)
        return y.copy(), after

    def of_tensors(self, x: torch.Tensor, state: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
        leaves = {name: self.rows.leaf(name) for name in self.parameters}
        weights = [{name: leaf[k] if len(self.rows) > 1 else leaf for name, leaf in leaves.items()} for k in range(len(self.rows))]
        return stack([self._of_seed(in_own_memory(x[k]), state[k], begins[k], weights[k]) for k in range(len(self.rows))])

    def _of_seed(self, x: torch.Tensor, state: torch.Tensor, begins: torch.Tensor, weights: dict[str, torch.Tensor]) -> torch.Tensor:
        """x [M, in], state [M, layers, 2, H], begins [M] → h [M, H], with a graph."""
        order, steps = packed(begins.numpy())
        x = x[order]
        for i, layer in enumerate(self.layers):
            w_ih, w_hh, b_ih, b_hh = (weights[name] for name in layer)
            of_input, outputs = F.linear(x, w_ih, b_ih + b_hh), []
            h, c = state[order[: steps[1]], i].unbind(1)
            for start, end in pairwise(steps):
                h, c = h[: end - start], c[: end - start]
                in_, forget, new, out = (of_input[start:end] + h @ w_hh.T).chunk(4, -1)
                c = forget.sigmoid() * c + in_.sigmoid() * new.tanh()
                h = out.sigmoid() * c.tanh()
                outputs.append(h)
            x = torch.cat(outputs)
        return x[np.argsort(order)]


def packed(begins: np.ndarray) -> tuple[np.ndarray, Sequence[int]]:
    """In which order M samples are taken, and where in it each step of all sequences starts; the last number is M."""
    order, steps = np.empty(begins.size, np.int64), np.empty(begins.size + 1, np.int64)
    return order, steps[: pack(np.ascontiguousarray(begins, np.int64), order, steps) + 1].tolist()
