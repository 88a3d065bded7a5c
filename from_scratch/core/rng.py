"""Random numbers, one stream per seed, drawn in Stable-Baselines3's order.

`seed=` uses the process's generators, as SB3 does; `seeds=` gives every seed private ones that yield the same numbers, so that
nothing else in the process disturbs them, nor they each other. A stream's draws never depend on how many streams there are.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from from_scratch.core.lockstep.kernels import Address, kernel


class Stream:
    """The generators of one seed: torch's, NumPy's and the action space's."""

    def __init__(self, generator: torch.Generator, numpy: np.random.RandomState, action_space: spaces.Space, private: bool):
        self.torch, self._numpy, self.action_space, self.private = generator, numpy, action_space, private
        self.ahead: ReadAhead | None = None

    @property
    def numpy(self) -> np.random.RandomState:
        """NumPy's generator, where the numbers used so far have left it."""
        if self.ahead is not None:
            self.ahead.settle()
        return self._numpy

    @contextlib.contextmanager
    def as_process(self) -> Iterator[None]:
        """Code that can only draw from the process's generators draws from this stream inside the block."""
        if not self.private:
            yield
            return
        outer_torch, outer_numpy = torch.get_rng_state(), np.random.get_state()
        torch.set_rng_state(self.torch.get_state())
        np.random.set_state(self.numpy.get_state())
        try:
            yield
        finally:
            self.torch.set_state(torch.get_rng_state())
            self.numpy.set_state(np.random.get_state())
            torch.set_rng_state(outer_torch)
            np.random.set_state(outer_numpy)

    def copy(self) -> Stream:
        """A private stream that continues with the same numbers."""
        return _private_stream(self.torch.get_state(), self.numpy.get_state(), copy.deepcopy(self.action_space))

    def __reduce__(self) -> tuple:
        """For deep copies and pickles: a private stream goes on with the same numbers; the process's has whatever the process has."""
        if not self.private:
            return _stream_of_process, (self.action_space,)
        return _private_stream, (self.torch.get_state(), self.numpy.get_state(), self.action_space)

    def get_state(self) -> tuple:
        """In arrays: a tensor in a pickle is read by torch's most trusting function."""
        return self.torch.get_state().numpy(), self.numpy.get_state(), copy.deepcopy(self.action_space)

    def set_state(self, state: tuple) -> None:
        of_torch = state[0]
        self.torch.set_state(of_torch if isinstance(of_torch, torch.Tensor) else torch.from_numpy(np.array(of_torch)))  # files of the past hold tensors
        self.numpy.set_state(state[1])
        self.action_space = copy.deepcopy(state[2])


def _stream_of_process(action_space: spaces.Space) -> Stream:
    return Stream(torch.default_generator, np.random.mtrand._rand, action_space, private=False)


def _private_stream(of_torch: torch.Tensor, of_numpy: tuple, action_space: spaces.Space) -> Stream:
    generator, numpy = torch.Generator(), np.random.RandomState()
    generator.set_state(of_torch)
    numpy.set_state(of_numpy)
    return Stream(generator, numpy, action_space, private=True)


class ReadAhead:
    """The next `STEPS` draws of `shape` numbers in [0, 1) of each stream, made at once: the same numbers, in the same order.

    Whoever asks a stream for its generator meanwhile gets it as if only what was used had been drawn (`settle`).
    """

    STEPS = 128

    def __init__(self, streams: Sequence[Stream], shape: tuple[int, ...]):
        self.streams, self.shape, self.used = streams, shape, 0
        self.states = [stream.numpy.get_state() for stream in streams]
        self.numbers = np.empty((self.STEPS, len(streams), *shape))
        for k, stream in enumerate(streams):
            self.numbers[:, k] = stream._numpy.random_sample((self.STEPS, *shape))
            stream.ahead = self

    def take(self) -> np.ndarray:
        """The next draw, [S, *shape]."""
        self.used += 1
        return self.numbers[self.used - 1]

    def settle(self) -> None:
        """Put the generators where the numbers used so far leave them, and end."""
        for stream, state in zip(self.streams, self.states, strict=True):
            stream.ahead = None
            if self.used < self.STEPS:
                stream._numpy.set_state(state)
                stream._numpy.random_sample((self.used, *self.shape))


class Rng:
    """The streams of S seeds; every draw returns one block per seed, [S, *shape]."""

    def __init__(self, streams: Sequence[Stream]):
        self.streams = list(streams)
        self._ahead: ReadAhead | None = None
        self._generators: tuple[int, int, np.ndarray] | None = None
        self._blocks: dict[tuple, tuple[list[torch.Tensor], np.ndarray]] = {}

    @classmethod
    def of_process(cls, action_space: spaces.Space) -> Rng:
        """The process's own generators, as one stream."""
        return cls([_stream_of_process(action_space)])

    @classmethod
    def private(cls, seeds: Sequence[int], action_space: spaces.Space) -> Rng:
        """A stream per seed with the numbers that SB3 would draw after `set_random_seed(seed)`."""
        streams = []
        for seed in seeds:
            space = copy.deepcopy(action_space)
            space.seed(seed)
            streams.append(Stream(torch.Generator().manual_seed(seed), np.random.RandomState(seed), space, private=True))
        return cls(streams)

    def __reduce__(self) -> tuple:
        return Rng, (self.streams,)

    def _block(self, shape: tuple[int, ...]) -> tuple[list[torch.Tensor], np.ndarray]:
        """A block [S, *shape], as a row per seed to draw into and as NumPy to read; reused by the next draw of that shape."""
        if shape not in self._blocks:
            block = torch.empty(len(self.streams), *shape)
            self._blocks[shape] = list(block), block.numpy()
        return self._blocks[shape]

    def exponential(self, shape: tuple[int, ...]) -> np.ndarray:
        """Exp(1): argmax(p / Exp(1)) is the draw that torch.multinomial makes."""
        rows, block = self._block(shape)
        for stream, row in zip(self.streams, rows, strict=True):
            row.exponential_(1, generator=stream.torch)
        return block

    def normal(self, shape: tuple[int, ...]) -> np.ndarray:
        rows, block = self._block(shape)
        for stream, row in zip(self.streams, rows, strict=True):
            row.normal_(0, 1, generator=stream.torch)
        return block

    def noise(self, *shape: int) -> torch.Tensor:
        """N(0, 1), [S, *shape], in memory of its own: for an update."""
        return torch.from_numpy(self.normal(shape).copy())

    def bernoulli(self, p: np.ndarray) -> np.ndarray:
        """1 with probability p [S, ...], 0 otherwise."""
        rows = [torch.bernoulli(torch.as_tensor(row), generator=stream.torch) for stream, row in zip(self.streams, p, strict=True)]
        return torch.stack(rows).numpy()

    def permutation(self, n: int, active: np.ndarray) -> np.ndarray:
        """An order of n things per seed [S, n]; seeds that are not active draw nothing and get 0 … n−1."""
        return np.stack([stream.numpy.permutation(n) if on else np.arange(n) for stream, on in zip(self.streams, active, strict=True)])

    def _compiled(self) -> tuple[int, int, np.ndarray]:
        """Where the functions next_uint32 and next_double, and the states of all NumPy generators, lie in memory."""
        for stream in self.streams:
            if stream.ahead is not None:
                stream.ahead.settle()
        if self._generators is None:
            faces = [stream.numpy._bit_generator.ctypes for stream in self.streams]
            next_uint32, next_double = (ctypes.cast(function, ctypes.c_void_p).value for function in (faces[0].next_uint32, faces[0].next_double))
            self._generators = next_uint32, next_double, np.array([face.state_address for face in faces])  # type: ignore[assignment]
        return self._generators  # type: ignore[return-value]

    def randint(self, high: int, size: int) -> np.ndarray:
        """Integers in [0, high), [S, size]."""
        if high == 1:
            return np.zeros((len(self.streams), size), np.int64)  # NumPy draws nothing either
        if not self.streams[0].private:  # somebody may give the process another generator
            return np.array([stream.numpy.randint(0, high, size=size) for stream in self.streams])
        next_uint32, _, states = self._compiled()
        x = np.empty((len(states), size), np.int64)
        _integers(next_uint32, states, high, x)
        return x

    def coin(self) -> np.ndarray:
        """A number in [0, 1) per seed, [S]."""
        if not self.streams[0].private:
            return np.array([stream.numpy.random_sample() for stream in self.streams])
        _, next_double, states = self._compiled()
        x = np.empty((len(states), 1))
        _uniforms(next_double, states, x)
        return x[:, 0]

    def fractions(self, n: int) -> np.ndarray:
        """n numbers in [0, 1) per seed, [S, n], none of them drawn ahead."""
        if not self.streams[0].private:
            return np.array([stream.numpy.random_sample(n) for stream in self.streams])
        _, next_double, states = self._compiled()
        x = np.empty((len(states), n))
        _uniforms(next_double, states, x)
        return x

    def uniform(self, *shape: int) -> np.ndarray:
        """Numbers in [0, 1), [S, *shape]. Private streams read ahead: for classes that draw one shape at every step, and little else."""
        if not self.streams[0].private:
            return np.array([stream.numpy.random_sample(shape) for stream in self.streams])
        ahead = self._ahead
        if ahead is None or ahead.shape != shape or ahead.used == ahead.STEPS or self.streams[0].ahead is not ahead:
            self._ahead = ahead = ReadAhead(self.streams, shape)
        return ahead.take()

    def uniforms(self, steps: int, *shape: int) -> np.ndarray:
        """The next `steps` draws of uniform(*shape) at once, [steps, S, *shape]."""
        u, t = np.empty((steps, len(self.streams), *shape)), 0
        while t < steps:
            u[t] = self.uniform(*shape)
            t, ahead = t + 1, self._ahead
            if ahead is not None:
                k = min(steps - t, ahead.STEPS - ahead.used)
                u[t : t + k] = ahead.numbers[ahead.used : ahead.used + k]
                ahead.used, t = ahead.used + k, t + k
        return u

    def sample_actions(self, n: int, who: np.ndarray | None = None, masks: np.ndarray | None = None) -> np.ndarray:
        """n uniformly random actions per seed, [S, n, ...], from each seed's own copy of the action space; seeds not in `who` get zeros.

        masks [S, n, n_actions] of int8: of Discrete actions, those whose mask is 1.
        """
        nothing = np.zeros((n, *self.streams[0].action_space.shape), dtype=self.streams[0].action_space.dtype)
        asked = [True] * len(self.streams) if who is None else who
        if masks is not None:
            each = zip(self.streams, asked, masks, strict=True)
            return np.array([[stream.action_space.sample(mask) for mask in of_seed] if on else nothing for stream, on, of_seed in each])
        return np.array([[stream.action_space.sample() for _ in range(n)] if on else nothing for stream, on in zip(self.streams, asked, strict=True)])

    def get_state(self) -> list[tuple]:
        return [stream.get_state() for stream in self.streams]

    def set_state(self, states: list[tuple]) -> None:
        for stream, state in zip(self.streams, states, strict=True):
            stream.set_state(state)


# ---------------------------------------------------------------------------------------------------------------- compiled draws
def _drawn(kind: types.Type, form: ir.Type) -> Callable:
    """An intrinsic draw(address of NumPy's function, address of the generator's state)."""

    def draw(typing: Any, function: Any, state: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
            word = ir.IntType(64)
            return builder.call(builder.inttoptr(given[0], ir.FunctionType(form, [word]).as_pointer()), [given[1]])

        return kind(types.int64, types.int64), generate

    return intrinsic(draw)


_next_uint32, _next_double = _drawn(types.uint32, ir.IntType(32)), _drawn(types.float64, ir.DoubleType())


@kernel()
def _integers(next_uint32: Address, states: np.ndarray, high: int, x: np.ndarray) -> None:
    """x[k] = RandomState.randint(high, size=n) of generator k, [S, n], 1 < high < 2³²: bits under a mask until they are small enough."""
    mask = np.uint64(high - 1)
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> np.uint64(shift)
    for k in range(len(states)):
        for i in range(x.shape[1]):
            value = np.uint64(_next_uint32(next_uint32, states[k])) & mask
            while value >= np.uint64(high):
                value = np.uint64(_next_uint32(next_uint32, states[k])) & mask
            x[k, i] = value


@kernel()
def _uniforms(next_double: Address, states: np.ndarray, x: np.ndarray) -> None:
    """x[k] = RandomState.random_sample(n) of generator k, [S, n]."""
    for k in range(len(states)):
        for i in range(x.shape[1]):
            x[k, i] = _next_double(next_double, states[k])
