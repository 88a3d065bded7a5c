"""How lanes move, lane by lane, as compiled functions: for loops that are compiled as a whole (core/linear/loop.py). The same bits as `advance`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from from_scratch.core.linear.loop import World

compiled = njit(cache=True, error_model="numpy")


# ----------------------------------------------------------------------------------------------------------------------------- tables
class TableArrays(NamedTuple):
    """What a `Table` block plays from and where its lanes are."""

    cumulated: np.ndarray
    s_next: np.ndarray
    r: np.ndarray
    terminated: np.ndarray
    start: np.ndarray
    s: np.ndarray
    u: np.ndarray
    used: np.ndarray
    n_outcomes: np.ndarray  # [n_states, n_actions]


@compiled
def _number(data: TableArrays, lane: int, generator: Any) -> float:
    """The lane's next number in [0, 1)."""
    if data.used[lane] == data.u.shape[1]:
        for j in range(data.u.shape[1]):
            data.u[lane, j] = generator.random()
        data.used[lane] = 0
    data.used[lane] += 1
    return data.u[lane, data.used[lane] - 1]


@compiled
def _first_above(cumulated: np.ndarray, n: int, u: float) -> int:
    """The first of n cumulated probabilities that is above u; 0 if rounding leaves none."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if cumulated[middle] > u:
            high = middle
        else:
            low = middle + 1
    return low if low < n else 0


@compiled
def table_begin(data: TableArrays, lane: int, generator: Any) -> None:
    data.s[lane] = _first_above(data.start, len(data.start), _number(data, lane, generator))


@compiled
def table_advance(data: TableArrays, lane: int, a: int, generator: Any) -> tuple[float, bool]:
    s = data.s[lane]
    j = _first_above(data.cumulated[s, a], data.n_outcomes[s, a], _number(data, lane, generator))
    data.s[lane] = data.s_next[s, a, j]
    return data.r[s, a, j], data.terminated[s, a, j]


@compiled
def table_observe(data: TableArrays, lane: int, point: np.ndarray) -> None:
    point[0] = data.s[lane]


def table_world(block: Any) -> World:
    n_outcomes = (block.cumulated > 0).sum(-1)
    data = TableArrays(block.cumulated, block.s_next, block.r, block.terminated, block.start, block.s, block.u, block.used, n_outcomes)
    return World(data, table_begin, table_advance, table_observe, 1)


# ------------------------------------------------------------------------------------------------------------------------ MountainCar
class MountainCarArrays(NamedTuple):
    """The equations' constants and where the lanes are, [2, n]."""

    state: np.ndarray
    min_position: float
    max_position: float
    max_speed: float
    goal_position: float
    goal_velocity: float
    force: float
    gravity: float


@compiled
def car_begin(data: MountainCarArrays, lane: int, generator: Any) -> None:
    low, high = -0.6, -0.4
    data.state[0, lane], data.state[1, lane] = low + (high - low) * generator.random(), 0.0


@compiled
def car_advance(data: MountainCarArrays, lane: int, a: int, generator: Any) -> tuple[float, bool]:
    position, velocity = data.state[0, lane], data.state[1, lane]
    velocity += (a - 1) * data.force + math.cos(3 * position) * (-data.gravity)
    velocity = min(max(velocity, -data.max_speed), data.max_speed)
    position = min(max(position + velocity, data.min_position), data.max_position)
    if position == data.min_position and velocity < 0:
        velocity = 0.0
    data.state[0, lane], data.state[1, lane] = position, velocity
    return -1.0, position >= data.goal_position and velocity >= data.goal_velocity


@compiled
def car_observe(data: MountainCarArrays, lane: int, point: np.ndarray) -> None:
    point[0], point[1] = np.float32(data.state[0, lane]), np.float32(data.state[1, lane])


def mountain_car_world(block: Any) -> World:
    data = MountainCarArrays(block.state, *(float(getattr(block.scalar, name)) for name in MountainCarArrays._fields[1:]))
    return World(data, car_begin, car_advance, car_observe, 2)
