"""Features x(s): what a linear method sees of an observation (Sutton & Barto 2018, §9.3–9.5).

    x = TileCoding(env.observation_space, n_tilings=8, n_tiles=8)
    x(obs)            [..., n], the features of observations [..., d]
    x.sparse(obs)     (index [M, k], value [M, k]) of the at most k that can differ from 0, for observations [M, ...]

An observation is a point: a Box's numbers, flattened; the number of a Discrete observation, or the digits of a MultiDiscrete one, counted
from 0. Each coordinate lies between two bounds, a Box's own or those given as `bounds` [(low, high), …]; what is beyond them is moved to
them. Algorithms of `from_scratch.linear` take a class of this file, its name, or any function of an observation space as `features`.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numba import njit

Sparse = tuple[np.ndarray, np.ndarray]  # index [M, k] and value [M, k]


class Features:
    """`dense` or `active` says what the features of points [M, d] are; the rest follows."""

    n: int  # how many features
    k: int  # how many of them can differ from 0 for one observation

    def __init__(self, space: spaces.Space, bounds: Sequence[Sequence[float]] | None = None):
        self.space = space
        if isinstance(space, spaces.Discrete):
            low, high = np.zeros(1), np.array([space.n - 1.0])
        elif isinstance(space, spaces.MultiDiscrete):
            low, high = np.zeros(space.nvec.size), space.nvec.ravel() - 1.0
        elif isinstance(space, spaces.Box):
            low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
        else:
            raise ValueError(f"{type(self).__name__} needs a Box, Discrete or MultiDiscrete observation space; this one is {space}.")
        if bounds is not None:
            given = np.asarray(bounds, dtype=float).reshape(-1, 2)
            if len(given) != len(low) or not (given[:, 0] < given[:, 1]).all():
                raise ValueError(f"bounds={np.asarray(bounds).tolist()}: {len(low)} pairs low < high are needed, one for each number of {space}.")
            low, high = given.T
        self.low, self.high = np.ascontiguousarray(low), np.ascontiguousarray(high)

    def bounded(self) -> None:
        """Refuse bounds that are not finite."""
        wide = ~(np.isfinite(self.low) & np.isfinite(self.high)) | (self.high - self.low > 1e30)
        if wide.any():
            i = wide.argmax()
            raise ValueError(
                f"{type(self).__name__} needs finite bounds; number {i} of an observation lies between {self.low[i]:g} and {self.high[i]:g}. "
                f'Give bounds=[(low, high), …], one pair for each of the {len(self.low)} numbers; to an algorithm features_kwargs={{"bounds": […]}}.'
            )

    def points(self, obs: Any) -> np.ndarray:
        """Observations [M, ...] as points [M, d]."""
        obs = np.asarray(obs)
        if isinstance(self.space, spaces.Discrete | spaces.MultiDiscrete):
            obs = obs - self.space.start
        return np.ascontiguousarray(obs.reshape(len(obs), -1), dtype=np.float64)

    def unit(self, points: np.ndarray) -> np.ndarray:
        """Points in [0, 1]^d, 0 and 1 at the bounds."""
        return (np.clip(points, self.low, self.high) - self.low) / np.where(self.high > self.low, self.high - self.low, 1.0)

    def dense(self, points: np.ndarray) -> np.ndarray:
        """The features [M, n] of points [M, d]."""
        index, value = self.sparse_of(points)
        x = np.zeros((len(points), self.n))
        np.add.at(x, (np.arange(len(points))[:, None], index), value)
        return x

    def active(self, points: np.ndarray) -> np.ndarray:
        """Which features of points [M, d] are 1, [M, k]; the others are 0."""
        raise NotImplementedError(f"{type(self).__name__} must say what its features are.")

    def sparse_of(self, points: np.ndarray) -> Sparse:
        index = self.active(points)
        return index, np.ones(index.shape)

    def sparse(self, obs: Any) -> Sparse:
        """Index and value [M, k] of the features of observations [M, ...]. An index that is there twice counts twice."""
        return self.sparse_of(self.points(obs))

    def __call__(self, obs: Any) -> np.ndarray:
        """The features [..., n] of one observation or of several, [..., d]."""
        obs = np.asarray(obs)
        batch = obs.shape[: obs.ndim - len(self.space.shape)]
        return self.dense(self.points(obs.reshape(-1, *self.space.shape))).reshape(*batch, self.n)


class Dense(Features):
    """Features that are hardly ever 0. A subclass says what they are."""

    def dense(self, points: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must say what its features are.")

    @property
    def k(self) -> int:  # type: ignore[override]
        return self.n

    def sparse_of(self, points: np.ndarray) -> Sparse:
        return np.broadcast_to(np.arange(self.n), (len(points), self.n)).copy(), self.dense(points)


def _per_axis(x: int | Sequence[int], d: int, name: str, least: int = 1) -> np.ndarray:
    given = np.asarray(x, dtype=np.int64).ravel()
    if len(given) not in (1, d) or (given < least).any():
        raise ValueError(f"{name}={x}: an integer from {least} on is needed, or one for each of the {d} numbers of an observation.")
    return np.broadcast_to(given, d).copy()


def _grid(n: np.ndarray) -> np.ndarray:
    """All integer vectors c with 0 ≤ c_i < n_i, [Π n_i, d]; the last part counts fastest."""
    return np.array(list(itertools.product(*(range(m) for m in n))), dtype=np.int64)


# ------------------------------------------------------------------------------------------------------------------- binary features
class OneHot(Features):
    """A feature for every observation of a Discrete or MultiDiscrete space: a table, written as a linear method."""

    k = 1

    def __init__(self, space: spaces.Space):
        if not isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            hint = "Wrap the environment in from_scratch.envs.FlattenTuple." if isinstance(space, spaces.Tuple) else "For a Box: TileCoding, Fourier, …"
            raise ValueError(f"OneHot needs a Discrete or MultiDiscrete observation space; this one is {space}. {hint}")
        super().__init__(space)
        self.sizes = self.high.astype(np.int64) + 1
        self.n = int(self.sizes.prod())

    def active(self, points: np.ndarray) -> np.ndarray:
        return np.ravel_multi_index(tuple(points.astype(np.int64).T), tuple(self.sizes))[:, None]


class StateAggregation(Features):
    """Groups of neighbouring states, one feature each (§9.3): `n_groups` equal cells along every coordinate."""

    k = 1

    def __init__(self, space: spaces.Space, n_groups: int | Sequence[int] = 10, bounds: Sequence[Sequence[float]] | None = None):
        super().__init__(space, bounds)
        self.bounded()
        self.groups = _per_axis(n_groups, len(self.low), "n_groups")
        self.n = int(self.groups.prod())
        whole = 0.0 if isinstance(space, spaces.Box) or bounds is not None else 1.0  # states 0 … n−1 fill the interval [0, n)
        self.width = (self.high + whole - self.low) / self.groups

    def active(self, points: np.ndarray) -> np.ndarray:
        cell = np.floor((points - self.low) / self.width).astype(np.int64).clip(0, self.groups - 1)
        return np.ravel_multi_index(tuple(cell.T), tuple(self.groups))[:, None]


class Tilings(NamedTuple):
    """The numbers that `tiles` needs."""

    low: np.ndarray  # [d]
    per_unit: np.ndarray  # [d]     tiles per unit of each coordinate
    n_tiles: np.ndarray  # [d]
    offset: np.ndarray  # [T, d]   how far each tiling is displaced, in tiles
    memory: int  # 0: an index for every tile


@njit(cache=True)
def tiles(g: Tilings, points: np.ndarray, index: np.ndarray) -> None:
    """Write into index [M, T] which tile of each tiling the points [M, d] are in."""
    n_tilings, d = g.offset.shape
    for m in range(len(points)):
        for t in range(n_tilings):
            tile, mixed = t, np.uint64(t + 1) * np.uint64(0x9E3779B97F4A7C15)
            for i in range(d):
                z = min(max((points[m, i] - g.low[i]) * g.per_unit[i], 0.0), float(g.n_tiles[i]))
                c = int(np.floor(z + g.offset[t, i]))
                if g.memory == 0:
                    tile = tile * (g.n_tiles[i] + 1) + c
                else:  # splitmix64's finaliser: every bit of a coordinate changes half of the bits
                    mixed = mixed ^ np.uint64(c)
                    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                    mixed = mixed ^ (mixed >> np.uint64(31))
            index[m, t] = tile if g.memory == 0 else np.int64(mixed % np.uint64(g.memory))


class TileCoding(Features):
    """Tile coding (§9.5.4): `n_tilings` grids of `n_tiles` tiles along each coordinate, each displaced a little; the tile of each is 1.

    Tiling t is displaced by t/n_tilings of a tile times the odd numbers (1, 3, 5, …), one for each coordinate (Miller & Glanz 1996);
    displaced grids need one tile more along each coordinate. With `memory_size` the tiles are hashed into that many features, and
    different tiles may share one (`collisions` counts them). The hash has no memory, unlike the index table of Sutton's tiles3:
    equal observations have equal features in every process and file.
    """

    def __init__(
        self,
        space: spaces.Space,
        n_tilings: int = 8,
        n_tiles: int | Sequence[int] = 8,
        bounds: Sequence[Sequence[float]] | None = None,
        memory_size: int | None = None,
    ):
        super().__init__(space, bounds)
        self.bounded()
        d = len(self.low)
        if n_tilings < 1 or (memory_size is not None and memory_size < 1):
            raise ValueError(f"n_tilings={n_tilings}, memory_size={memory_size}: both count, from 1 on.")
        self.n_tilings = self.k = n_tilings
        self.memory_size = memory_size
        n = _per_axis(n_tiles, d, "n_tiles")
        offset = np.arange(n_tilings)[:, None] * (2 * np.arange(d) + 1) % n_tilings / n_tilings
        self.tilings = Tilings(self.low, n / np.where(self.high > self.low, self.high - self.low, 1.0), n, offset, memory_size or 0)
        self.n = memory_size or n_tilings * int((n + 1).prod())

    def active(self, points: np.ndarray) -> np.ndarray:
        index = np.empty((len(points), self.k), np.int64)
        tiles(self.tilings, points, index)
        return index

    def collisions(self, obs: Any) -> int:
        """How many of the different tiles that observations [M, ...] are in have to share a feature with an earlier one."""
        points = self.points(obs)
        unhashed = np.empty((len(points), self.k), np.int64)
        tiles(self.tilings._replace(memory=0), points, unhashed)
        different, first = np.unique(unhashed, return_index=True)
        return len(different) - len(np.unique(self.active(points).ravel()[first]))


# -------------------------------------------------------------------------------------------------------------------- dense features
class CoarseCoding(Dense):
    """Coarse coding (§9.5.3): overlapping balls of `width` (their diameter, in units of the observation); those around a point are 1.

    The centres form a grid of `n_fields` along each coordinate, or are given, [n, d].
    """

    def __init__(
        self,
        space: spaces.Space,
        n_fields: int | Sequence[int] = 10,
        width: float = 0.2,
        bounds: Sequence[Sequence[float]] | None = None,
        centres: Any = None,
    ):
        super().__init__(space, bounds)
        self.bounded()
        self.width = width
        if centres is None:
            fields = _per_axis(n_fields, len(self.low), "n_fields")
            centres = self.low + (_grid(fields) + 0.5) / fields * (self.high - self.low)
        self.centres = np.asarray(centres, dtype=float).reshape(-1, len(self.low))
        self.n = len(self.centres)

    def dense(self, points: np.ndarray) -> np.ndarray:
        distance = np.sqrt(((points[:, None] - self.centres) ** 2).sum(-1))
        return (distance < self.width / 2).astype(float)


class RBF(Dense):
    """Radial basis functions (§9.5.5): exp(−‖s − c‖² / 2σ²), centres c on a grid of `n_centres` along each coordinate of [0, 1]^d.

    σ is `width`, by default the distance of neighbouring centres. `normalise` divides by the sum, so that the features sum to 1.
    """

    def __init__(
        self,
        space: spaces.Space,
        n_centres: int | Sequence[int] = 10,
        width: float | None = None,
        bounds: Sequence[Sequence[float]] | None = None,
        normalise: bool = False,
    ):
        super().__init__(space, bounds)
        self.bounded()
        n = _per_axis(n_centres, len(self.low), "n_centres", least=2)
        self.centres, self.width, self.normalise = _grid(n) / (n - 1), width or float(1 / (n.max() - 1)), normalise
        self.n = len(self.centres)

    def dense(self, points: np.ndarray) -> np.ndarray:
        x = np.exp(-((self.unit(points)[:, None] - self.centres) ** 2).sum(-1) / (2 * self.width**2))
        return x / x.sum(-1, keepdims=True) if self.normalise else x


class Polynomial(Dense):
    """The polynomial basis (eq. 9.17): Π_j s_j^c_j for every vector c of exponents 0 … `order`, with s in [0, 1]^d."""

    def __init__(self, space: spaces.Space, order: int = 5, bounds: Sequence[Sequence[float]] | None = None):
        super().__init__(space, bounds)
        self.bounded()
        self.c = _grid(_per_axis(order, len(self.low), "order") + 1)
        self.n = len(self.c)

    def dense(self, points: np.ndarray) -> np.ndarray:
        return (self.unit(points)[:, None] ** self.c).prod(-1)


class Fourier(Dense):
    """The Fourier cosine basis (eq. 9.18): cos(π s·c) for every vector c of frequencies 0 … `order`, with s in [0, 1]^d.

    Konidaris, Osentoski & Thomas (2011) give each feature a step size of its own, α/‖c‖. With `step_per_feature` features are divided
    by √‖c‖, which is the same: a gradient step on w_c x_c/√‖c‖ changes the value by α δ x_c² / ‖c‖.
    """

    def __init__(self, space: spaces.Space, order: int = 5, bounds: Sequence[Sequence[float]] | None = None, step_per_feature: bool = False):
        super().__init__(space, bounds)
        self.bounded()
        self.c = _grid(_per_axis(order, len(self.low), "order") + 1)
        self.n = len(self.c)
        norm = np.sqrt((self.c**2).sum(-1))
        self.scale = np.where(norm > 0, np.maximum(norm, 1) ** -0.5, 1.0) if step_per_feature else np.ones(self.n)

    def dense(self, points: np.ndarray) -> np.ndarray:
        return np.cos(np.pi * self.unit(points) @ self.c.T) * self.scale


class Tabulated(Dense):
    """Features written down for every state of a Discrete space: `table` [n_states, n]."""

    def __init__(self, space: spaces.Space, table: Any):
        super().__init__(space)
        self.table = np.asarray(table, dtype=float)
        if not isinstance(space, spaces.Discrete) or self.table.ndim != 2 or len(self.table) != space.n:
            raise ValueError(f"A table of features has the shape [n_states, n]; this one is {self.table.shape}, for observations in {space}.")
        self.n = self.table.shape[1]

    def dense(self, points: np.ndarray) -> np.ndarray:
        return self.table[points[:, 0].astype(np.int64)]


# ------------------------------------------------------------------------------------------------------------------------- by name
FEATURES: dict[str, Callable[..., Features]] = {
    "one_hot": OneHot,
    "state_aggregation": StateAggregation,
    "tile_coding": TileCoding,
    "coarse_coding": CoarseCoding,
    "rbf": RBF,
    "polynomial": Polynomial,
    "fourier": Fourier,
    "tabulated": Tabulated,
}


def make_features(space: spaces.Space, features: str | Callable[..., Features] = "auto", kwargs: dict[str, Any] | None = None) -> Features:
    """The features of a space, by name or from a function of it. "auto": one-hot for Discrete and MultiDiscrete spaces, tiles for a Box."""
    if features == "auto":
        features = "tile_coding" if isinstance(space, spaces.Box) else "one_hot"
    if isinstance(features, str):
        by_class = {cls.__name__: name for name, cls in FEATURES.items()}
        features = by_class.get(features, features)
        if features not in FEATURES:
            near = difflib.get_close_matches(features.lower(), FEATURES, n=1)
            raise ValueError(f"features='{features}': {f'did you mean {near[0]}? ' if near else ''}There are {', '.join(FEATURES)}.")
        features = FEATURES[features]
    return features(space, **(kwargs or {}))


class FeatureObservation(gym.ObservationWrapper):
    """Observations are their features, [n]: for learners that take vectors."""

    def __init__(self, env: gym.Env, features: str | Callable[..., Features] = "auto", **kwargs: Any):
        super().__init__(env)
        self.features = make_features(env.observation_space, features, kwargs)
        self.observation_space = spaces.Box(-np.inf, np.inf, (self.features.n,), np.float32)

    def observation(self, observation: Any) -> np.ndarray:
        return self.features(observation).astype(np.float32)
