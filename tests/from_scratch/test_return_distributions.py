"""Distributions of returns in tables: updates worked by hand, and the means that they share with TD(0) and Q-learning."""

import numpy as np
import pytest

from from_scratch.core.tabular.atoms import projected
from from_scratch.envs import FiniteMDP, two_by_two_grid
from from_scratch.registry import load


def one(*values):
    return [np.array([value]) for value in values]


def ready(id, **kwargs):
    return load(id)("TabularPolicy", two_by_two_grid(), gamma=0.5, **kwargs).learn(1)


# ---------------------------------------------------------------------------------------------------------------------- projection
@pytest.mark.parametrize(
    "returns, wanted",
    [(0.25, [0.75, 0.25, 0]), (1.0, [0, 1, 0]), (2.0, [0, 0, 1]), (5.0, [0, 0, 1]), (-1.0, [1, 0, 0])],
    ids=["between two atoms", "on an atom", "on the last", "above all", "below all"],
)
def test_a_return_is_split_between_its_neighbours_among_the_atoms(returns, wanted):
    assert projected(np.ones(1), np.array([returns]), np.array([0.0, 1.0, 2.0])).tolist() == wanted


def test_the_mean_of_returns_within_the_atoms_is_kept():
    rng = np.random.default_rng(0)
    p, returns, z = rng.dirichlet(np.ones(9)), rng.uniform(-1, 3, 9), np.linspace(-1, 3, 13)
    assert projected(p, returns, z) @ z == pytest.approx(p @ returns, abs=1e-12)
    assert projected(p, returns, z).sum() == pytest.approx(1, abs=1e-12)


# ------------------------------------------------------------------------------------------------------------------------- updates
def test_categorical_td():
    """p(0) = [1, 0, 0], p(1) = [0, ½, ½] on the atoms 0, 1, 2; R = 1, γ = ½: returns 1½ and 2, so Π … = [0, ¼, ¾]; with α = ½: [½, ⅛, ⅜], mean ⅞."""
    model = ready("categorical_td", learning_rate=0.5, n_atoms=3, v_min=0.0, v_max=2.0)
    model.P[0, 1] = [0, 0.5, 0.5]
    model.update(*one(0, 1.0, 1, 0.5))
    assert model.P[0, 0].tolist() == [0.5, 0.125, 0.375]
    assert model.values[0] == 0.875


def test_quantile_td():
    """θ(0) = [0, 1], θ(1) = [0, 2], R = ½, γ = ½: returns ½ and 1½. None is below 0, half are below 1: θ(0) += 0.4 ([¼, ¾] − [0, ½]) = [0.1, 1.1]."""
    model = ready("quantile_td", learning_rate=0.4, n_quantiles=2)
    model.theta[0, 0], model.theta[0, 1] = [0, 1], [0, 2]
    model.update(*one(0, 0.5, 1, 0.5))
    assert model.theta[0, 0] == pytest.approx([0.1, 1.1])
    assert model.values[0] == pytest.approx(0.6)


def test_categorical_q_learning_takes_the_distribution_of_the_best_action():
    """Q(1, ·) = [0, 2, 0, 0], that of action 1 on the atom 2; R = 0, γ = ½: return 1; with α = ½: p(0, 3) = [½, ½, 0]."""
    model = ready("categorical_q_learning", learning_rate=0.5, n_atoms=3, v_min=0.0, v_max=2.0)
    model.P[0, 1, 1], model.Q[0, 1, 1] = [0, 0, 1], 2.0
    model.update(*one(0, 3, 0.0, 1, 0.5))
    assert model.P[0, 0, 3].tolist() == [0.5, 0.5, 0]
    assert model.q_table[0, 3] == 0.5


@pytest.mark.parametrize("id", ["categorical_td", "categorical_q_learning"])
def test_a_step_into_termination_learns_from_the_reward_alone(id):
    model = ready(id, learning_rate=1.0, n_atoms=3, v_min=0.0, v_max=2.0)
    model.P[0, 1] = [0, 0, 1]
    model.update(*(one(0, 1.5, 1, 0.0) if id == "categorical_td" else one(0, 0, 1.5, 1, 0.0)))
    assert np.atleast_2d(model.P[0, 0])[0].tolist() == [0, 0.5, 0.5]


# ----------------------------------------------------------------------------------------------------------------- what they amount to
@pytest.mark.parametrize(
    "categorical, plain, play",  # at random, as rounding decides between equally good actions
    [("categorical_td", "td0", {}), ("categorical_q_learning", "q_learning", {"exploration_initial_eps": 1.0, "exploration_final_eps": 1.0})],
)
def test_means_are_those_of_the_expected_algorithm_while_no_return_leaves_the_atoms(categorical, plain, play):
    one, other = (load(id)("TabularPolicy", two_by_two_grid(), seed=0, learning_rate=0.1, gamma=0.9, **play).learn(500) for id in (categorical, plain))
    assert one.values == pytest.approx(other.values, abs=1e-12)
    assert one.values.max() > 0.5


def test_means_differ_where_returns_leave_the_atoms():
    narrow = load("categorical_td")("TabularPolicy", two_by_two_grid(), seed=0, v_max=0.5).learn(500)
    assert narrow.values.max() <= 0.5


def test_quantiles_of_a_gamble_are_found():
    """0 and 1 with equal probability: the quantiles at ¼ and ¾ are 0 and 1. Steps of α / n^0.9 still reach them, and by then are small."""
    gamble = FiniteMDP([[[(0.5, 0, 0.0, True), (0.5, 0, 1.0, True)]]])
    model = load("quantile_td")("TabularPolicy", gamble, seed=0, n_quantiles=2, initial_value=0.5, learning_rate_decay=0.6).learn(3000)
    assert model.theta[0, 0] == pytest.approx([0, 1], abs=0.02)


def test_atoms_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match=r"v_min=3\.0 is not below v_max=1"):
        load("categorical_td")("TabularPolicy", two_by_two_grid(), v_min=3.0, v_max=1)
