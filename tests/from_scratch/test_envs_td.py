"""The random walk, the windy grid and the MDP of maximisation bias: their tables, and the answers that are known."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_return
from from_scratch.envs import MaximisationBias, RandomWalk, WindyGridworld

UP, DOWN, LEFT, RIGHT = range(4)


@pytest.mark.parametrize(("id", "inside"), [("RandomWalk5", [k / 6 for k in range(1, 6)]), ("RandomWalk19", [k / 10 for k in range(-9, 10)])])
def test_the_random_walk_s_values_lie_on_a_line(id, inside):
    env = gym.make(f"from_scratch/{id}-v0").unwrapped
    assert env.values[[0, -1]].tolist() == [0, 0] and env.values[1:-1] == pytest.approx(inside)
    assert model_of(env).solve(np.full((len(env.P), 2), 0.5), 1.0) == pytest.approx(env.values, abs=1e-12)
    assert env.reset(seed=0)[0] == len(env.P) // 2


def test_a_walk_without_a_middle_is_refused():
    with pytest.raises(ValueError, match="n_states=4: a walk that begins in the middle needs an odd number of states"):
        RandomWalk(4)


@pytest.mark.parametrize(("kwargs", "steps"), [({}, 15), ({"n_actions": 8}, 7), ({"n_actions": 9}, 7)])
def test_the_shortest_ways_through_the_wind(kwargs, steps):
    """S&B Example 6.5 and exercise 6.9."""
    assert optimal_return(WindyGridworld(**kwargs)) == -steps


def test_the_wind_of_the_column_that_is_left_blows():
    """Right from (3, 3), where the wind is 1, leads to (2, 4); down from (3, 6), wind 2, to (2, 6); up from (0, 6) nowhere; left of the start nowhere."""
    P = WindyGridworld().P
    where = {(3, 3, RIGHT): (2, 4), (3, 6, DOWN): (2, 6), (0, 6, UP): (0, 6), (3, 0, LEFT): (3, 0)}
    assert {key: divmod(P[key[0] * 10 + key[1]][key[2]][0][1], 10) for key in where} == where
    assert P[3 * 10 + 8][LEFT] == [(1.0, 2 * 10 + 7, -1.0, False)] and P[4 * 10 + 8][LEFT] == [(1.0, 3 * 10 + 7, -1.0, True)]


def test_stochastic_wind_is_one_weaker_or_stronger_where_there_is_any():
    P = WindyGridworld(n_actions=8, stochastic=True).P
    assert [(round(p, 6), divmod(s, 10)) for p, s, _, _ in P[5 * 10 + 6][RIGHT]] == [(0.333333, (4, 7)), (0.333333, (3, 7)), (0.333333, (2, 7))]
    assert P[3 * 10 + 0][RIGHT] == [(1.0, 31, -1.0, False)]
    with pytest.raises(ValueError, match="n_actions=5: 4 moves, the king's 8, or 9"):
        WindyGridworld(n_actions=5)


def test_going_left_costs_a_tenth_whatever_is_done_in_b():
    env = MaximisationBias()
    q = model_of(env).backup(np.array([0, -0.1, 0]), 1.0)
    assert q[1] == pytest.approx([-0.1] * 10) and q[0, :2] == pytest.approx([0, -0.1])
    rewards = np.array([r for _, _, r, _ in env.P[1][3]])
    assert rewards.std() == pytest.approx(1) and np.mean(rewards > 0) == pytest.approx(0.46, abs=0.01)  # P(N(−0.1, 1) > 0)
    assert env.legal_actions.sum(1).tolist() == [2, 10, 10]
