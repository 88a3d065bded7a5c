"""Features: which are 1, what they are worth, and what is refused."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch.core.linear.features import (
    FEATURES,
    RBF,
    CoarseCoding,
    FeatureObservation,
    Fourier,
    OneHot,
    Polynomial,
    StateAggregation,
    Tabulated,
    TileCoding,
    make_features,
)

UNIT, SQUARE = spaces.Box(0.0, 1.0, (1,), np.float64), spaces.Box(0.0, 1.0, (2,), np.float64)
points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5).map(np.array)


# ------------------------------------------------------------------------------------------------------------------------ tile coding
def test_tiles_by_hand():
    """Two tilings of four tiles over [0, 4), the second displaced by half a tile: 1.6 is in tile 1 of the first, in floor(2.1) = 2 of the second.
    Each tiling has five tiles, so the second one's features are 5 … 9."""
    x = TileCoding(spaces.Box(0, 4, (1,)), n_tilings=2, n_tiles=4)
    assert x.n == 10 and x.active(np.array([[1.6], [0.0], [4.0]])).tolist() == [[1, 7], [0, 5], [4, 9]]
    assert x(np.array([1.6])).tolist() == [0, 1, 0, 0, 0, 0, 0, 1, 0, 0]


@settings(max_examples=40, deadline=None)
@given(points)
def test_every_point_is_in_exactly_one_tile_of_each_tiling(obs):
    x = TileCoding(SQUARE, n_tilings=8, n_tiles=5)
    index, value = x.sparse(obs)
    assert (index // 36 == np.arange(8)).all() and (value == 1).all()  # 6 · 6 tiles a tiling
    assert (x(obs).sum(-1) == 8).all()


def test_near_points_share_tiles_and_distant_ones_do_not():
    x = TileCoding(UNIT, n_tilings=8, n_tiles=5)
    shared = [np.isin(x.active(np.array([[0.42]])), x.active(np.array([[0.42 + distance / 5]]))).sum() for distance in np.arange(0, 1.26, 0.25)]
    assert shared == [8, 6, 4, 2, 0, 0]  # one tile further is another tile in each tiling


def test_the_displacement_is_asymmetric():
    """Multiples of (1, 3, 5) eighths of a tile. Were all coordinates displaced alike, (1, 1, 1), generalisation would follow the diagonal."""
    offset = TileCoding(spaces.Box(0, 1, (3,)), n_tilings=8).tilings.offset * 8
    assert offset[:4].tolist() == [[0, 0, 0], [1, 3, 5], [2, 6, 2], [3, 1, 7]]
    assert all(sorted(column) == list(range(8)) for column in offset.T)  # along each axis all tilings differ


def test_points_beyond_the_bounds_are_moved_to_them():
    x = TileCoding(spaces.Box(-1, 1, (1,)), bounds=[(0, 0.5)])
    assert np.array_equal(x.active(np.array([[-1.0], [1.0]])), x.active(np.array([[0.0], [0.5]])))


def test_hashing_keeps_to_its_memory_and_counts_what_has_to_share():
    grid = np.stack(np.meshgrid(*[np.linspace(0, 0.999, 9)] * 2), -1).reshape(-1, 2)
    exact, one = TileCoding(SQUARE, 4, 8), TileCoding(SQUARE, 4, 8, memory_size=1)
    tiles_seen = len(np.unique(exact.active(grid)))
    assert exact.collisions(grid) == 0 and one.n == 1 and one.collisions(grid) == tiles_seen - 1
    assert one(grid[:1]).tolist() == [[4]]  # four tiles in one feature: it counts four times
    small, large = (TileCoding(SQUARE, 4, 8, memory_size=size) for size in (tiles_seen, 2**20))
    assert 0 < small.collisions(grid) < tiles_seen / 2 and large.collisions(grid) == 0  # about 1/e of the places of a full table stay empty
    assert (small.active(grid) < tiles_seen).all() and np.array_equal(small.active(grid), TileCoding(SQUARE, 4, 8, memory_size=tiles_seen).active(grid))


# ----------------------------------------------------------------------------------------------------------------------- other features
def test_fourier_features_by_hand():
    assert Fourier(UNIT, 2)(np.array([0.5])) == pytest.approx([1, 0, -1])  # cos 0, cos π/2, cos π
    x = Fourier(SQUARE, 1)
    assert x.c.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert x(np.array([1 / 3, 1.0])) == pytest.approx([1, -1, 0.5, np.cos(4 * np.pi / 3)])


def test_fourier_step_per_feature_is_a_step_size_of_alpha_over_the_norm():
    """One gradient step with √‖c‖ inside the features changes each value as one with α/‖c‖ for each weight does."""
    s, t = np.array([[0.3, 0.8]]), np.array([[0.9, 0.1]])
    plain, scaled = Fourier(SQUARE, 3), Fourier(SQUARE, 3, step_per_feature=True)
    norm = np.linalg.norm(plain.c, axis=-1)
    change = (plain(t) * plain(s) / np.where(norm == 0, 1, norm)).sum()
    assert (scaled(t) * scaled(s)).sum() == pytest.approx(change) != pytest.approx((plain(t) * plain(s)).sum())


def test_polynomials_by_hand():
    assert Polynomial(spaces.Box(0, 2, (1,)), 2)(np.array([1.0])).tolist() == [1, 0.5, 0.25]
    assert Polynomial(SQUARE, 1)(np.array([0.5, 0.2])) == pytest.approx([1, 0.2, 0.5, 0.1])


def test_radial_basis_functions_by_hand():
    x = RBF(UNIT, 3)  # centres 0, ½, 1; σ = ½
    assert x(np.array([0.5])) == pytest.approx([np.exp(-0.5), 1, np.exp(-0.5)])
    assert RBF(UNIT, 3, normalise=True)(np.array([[0.1], [0.7]])).sum(-1) == pytest.approx([1, 1])


def test_state_aggregation_divides_evenly():
    walk = StateAggregation(spaces.Discrete(1000), 10)
    assert np.bincount(walk.active(np.arange(1000)[:, None])[:, 0]).tolist() == [100] * 10
    box = StateAggregation(spaces.Box(0, 1, (2,)), (2, 3))
    assert box.active(np.array([[0.0, 0.0], [0.49, 0.9], [1.0, 1.0]]))[:, 0].tolist() == [0, 2, 5]


def test_coarse_coding_is_one_inside_a_field():
    x = CoarseCoding(spaces.Box(0, 10, (1,)), width=4, centres=[[2], [4], [9]])
    assert x(np.array([[3.0], [8.0], [6.0]])).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert CoarseCoding(SQUARE, n_fields=(2, 3), width=0.3).n == 6


def test_one_hot_numbers_states_as_tables_do():
    assert OneHot(spaces.Discrete(3, start=5))(np.array([6, 5])).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert OneHot(spaces.MultiDiscrete([2, 3]))(np.array([1, 2])).tolist() == [0, 0, 0, 0, 0, 1]


@settings(max_examples=20, deadline=None)
@given(points)
@pytest.mark.parametrize("name", [name for name in FEATURES if name not in ("one_hot", "tabulated")])
def test_sparse_and_dense_features_are_the_same(name, obs):
    x = make_features(SQUARE, name)
    index, value = x.sparse(obs)
    rebuilt = np.zeros((len(obs), x.n))
    np.add.at(rebuilt, (np.arange(len(obs))[:, None], index), value)
    assert index.shape == value.shape == (len(obs), x.k) and np.array_equal(rebuilt, x(obs)) and x(obs[0]) == pytest.approx(rebuilt[0])


# ---------------------------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("name", [name for name in FEATURES if name not in ("one_hot", "tabulated")])
def test_infinite_bounds_are_refused_with_the_way_out(name):
    space = gym.make("CartPole-v1").observation_space
    with pytest.raises(ValueError, match=r"needs finite bounds; number 1 of an observation lies between -inf and inf. Give bounds=") as error:
        make_features(space, name)
    assert "\n" not in str(error.value)
    assert make_features(space, name, {"bounds": [(-2.4, 2.4), (-3, 3), (-0.2, 0.2), (-3, 3)]}).n > 1


def test_what_is_no_feature_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"features='tilecoding': did you mean tile_coding\? There are one_hot"):
        make_features(UNIT, "tilecoding")
    with pytest.raises(ValueError, match=r"OneHot needs a Discrete or MultiDiscrete"):
        OneHot(UNIT)
    with pytest.raises(ValueError, match=r"bounds=\[\[0, 1\]\]: 2 pairs low < high are needed"):
        TileCoding(SQUARE, bounds=[[0, 1]])
    with pytest.raises(ValueError, match=r"\[n_states, n\]; this one is \(2, 3\), for observations in Discrete\(4\)"):
        Tabulated(spaces.Discrete(4), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"needs a Box, Discrete or MultiDiscrete observation space; this one is Tuple"):
        TileCoding(spaces.Tuple([spaces.Discrete(2)]))


def test_an_environment_can_show_features_instead_of_observations():
    env = FeatureObservation(gym.make("MountainCar-v0"), "tile_coding", n_tilings=4, n_tiles=6)
    obs, _ = env.reset(seed=0)
    assert env.observation_space.contains(obs) and obs.shape == (4 * 49,) and obs.sum() == 4
    assert env.observation_space.contains(env.step(0)[0])
