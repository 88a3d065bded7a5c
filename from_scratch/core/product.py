"""Tuple and Dict actions: their parts, one after another, as one vector of numbers, which is what policies put out and buffers keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from gymnasium import spaces

SIMPLE = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


class Product(spaces.Box):
    """A Tuple or Dict space, nested ones too, as vectors [n]: a Discrete part is one number, counted from 0, any other as many as it has.

    `parts` are its simple spaces and `columns` where each stands in a vector: an integer for Discrete, a slice otherwise. `as_said` are vectors as the
    environment says actions; what is outside the bounds of a Box is clipped.
    """

    def __init__(self, whole: spaces.Tuple | spaces.Dict):
        self.whole, self.parts = whole, list(_parts_of(whole))
        ends = np.cumsum([_size(part) for part in self.parts]).tolist()
        starts = [0, *ends[:-1]]
        self.columns = [start if isinstance(part, spaces.Discrete) else slice(start, end) for part, start, end in zip(self.parts, starts, ends, strict=True)]
        low, high = (np.concatenate(bounds) for bounds in zip(*map(_bounds, self.parts), strict=True))
        super().__init__(low, high, dtype=np.float32)

    def as_said(self, vectors: np.ndarray) -> list[Any]:
        """Actions for vectors [M, n], M of them."""
        return [_put_together(self.whole, iter([_value(part, vector[at]) for part, at in zip(self.parts, self.columns, strict=True)])) for vector in vectors]

    def as_vector(self, action: Any) -> np.ndarray:
        """[n], of an action as the environment says it."""
        return np.concatenate([_vector(part, value) for part, value in zip(self.parts, _taken_apart(self.whole, action), strict=True)])

    def __repr__(self) -> str:
        return f"Product({self.whole})"


def acting_space(action_space: spaces.Space) -> spaces.Space:
    """What a policy puts out for an environment's actions: a Product of a Tuple's or Dict's parts, and any other space as it is.

    ValueError for a part of another kind, or one without bounds.
    """
    return Product(action_space) if isinstance(action_space, spaces.Tuple | spaces.Dict) else action_space


def _children(space: spaces.Tuple | spaces.Dict) -> list[tuple[Any, spaces.Space]]:
    return list(space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces))


def _parts_of(space: spaces.Space, at: str = "") -> Iterator[spaces.Space]:
    if isinstance(space, spaces.Tuple | spaces.Dict):
        for key, child in _children(space):
            yield from _parts_of(child, f"{at}[{key!r}]")
    elif not isinstance(space, SIMPLE):
        raise ValueError(f"The part {at} of the action space is {space}: parts may be {', '.join(kind.__name__ for kind in SIMPLE)}, Tuple and Dict.")
    elif isinstance(space, spaces.Box) and not np.isfinite([space.low, space.high]).all():
        raise ValueError(f"The part {at} of the action space is {space}: a Box of actions needs finite bounds.")
    else:
        yield space


def _size(part: spaces.Space) -> int:
    return 1 if isinstance(part, spaces.Discrete) else int(np.prod(part.shape))  # type: ignore[arg-type]


def _bounds(part: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(part, spaces.Box):
        return part.low.astype(np.float32).ravel(), part.high.astype(np.float32).ravel()
    high = {spaces.Discrete: lambda: [part.n - 1], spaces.MultiDiscrete: lambda: part.nvec.ravel() - 1}.get(type(part), lambda: np.ones(_size(part)))()
    return np.zeros(_size(part), np.float32), np.asarray(high, np.float32)


def _value(part: Any, numbers: Any) -> Any:
    """One part's action as its space has it."""
    if isinstance(part, spaces.Discrete):
        return part.dtype.type(round(float(numbers))) + part.start
    if isinstance(part, spaces.Box):
        return np.clip(numbers.reshape(part.shape).astype(part.dtype), part.low, part.high)
    return (np.rint(numbers).astype(part.dtype) + getattr(part, "start", np.zeros((), part.dtype)).ravel()).reshape(part.shape)


def _vector(part: Any, value: Any) -> np.ndarray:
    return (np.asarray(value, np.float32) - np.asarray(getattr(part, "start", 0), np.float32)).ravel()


def _put_together(space: spaces.Space, values: Iterator[Any]) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: _put_together(child, values) for key, child in _children(space)}
    return tuple(_put_together(child, values) for _, child in _children(space)) if isinstance(space, spaces.Tuple) else next(values)


def _taken_apart(space: spaces.Space, action: Any) -> Iterable[Any]:
    if not isinstance(space, spaces.Tuple | spaces.Dict):
        return [action]
    return [value for key, child in _children(space) for value in _taken_apart(child, action[key])]
