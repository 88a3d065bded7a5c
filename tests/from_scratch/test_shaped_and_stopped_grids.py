"""Grids whose rewards are shaped, and one in which an operator takes over."""

import numpy as np
import pytest

from from_scratch import SARSA, QLearning
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_values
from from_scratch.envs import Corridor, ShapedGrid, StopZone
from from_scratch.envs.grids.gridworld import DOWN, LEFT, RIGHT, UP


# ------------------------------------------------------------------------------------------------------------------- shaping
def test_unshaped_it_is_the_grid_whose_every_step_costs_1():
    env = ShapedGrid(size=3, slip=0.0)
    assert env.P == env.plain.P
    assert env.P[0][RIGHT] == [(1.0, 1, -1.0, False)]
    assert env.P[5][DOWN] == [(1.0, 8, -1.0, True)]


def test_a_potential_adds_its_discounted_difference():
    env = ShapedGrid(size=3, slip=0.2, potential=1.0, gamma=0.5)  # Φ = −d / 0.8: −5 at the start, −3.75 one step on, 0 at the goal
    reward_of = {s_next: reward for _, s_next, reward, _ in env.P[0][RIGHT]}
    assert reward_of[1] == pytest.approx(-1 + 0.5 * -3.75 + 5)
    assert reward_of[0] == pytest.approx(-1 + 0.5 * -5 + 5)
    assert env.P[5][DOWN][0][2] == pytest.approx(-1 + 0.5 * 0 + 1.25)


def test_a_bonus_is_paid_for_nearing_the_goal_alone():
    env = ShapedGrid(size=3, slip=0.0, progress=4.0)
    assert [env.P[1][a][0][2] for a in (UP, DOWN, LEFT, RIGHT)] == [-1.0, 3.0, -1.0, 3.0]


def test_a_potential_moves_all_values_by_itself():
    shaped = ShapedGrid(size=4, potential=1.0, gamma=0.9)
    phi = np.array([shaped.phi(s) for s in range(16)])
    assert optimal_values(shaped, 0.9)[:-1] == pytest.approx((optimal_values(shaped.plain, 0.9) - phi)[:-1])


def test_sizes_and_slips_that_make_no_grid_are_refused():
    with pytest.raises(ValueError, match="size=1: a start and a goal"):
        ShapedGrid(size=1)
    with pytest.raises(ValueError, match="slip=1"):
        ShapedGrid(slip=1, potential=1.0)


# ------------------------------------------------------------------------------------------------------------------ operator
FIRST_OF_ZONE = 9


def test_the_operator_is_none_of_the_task():
    with_operator, without = StopZone(1.0), StopZone(0.0)
    assert with_operator.P == without.P
    assert optimal_values(with_operator, 1.0)[7] == -6
    assert model_of(with_operator).r[FIRST_OF_ZONE, LEFT] == -1


def test_he_pulls_back_in_the_zone_and_nowhere_else():
    operator = StopZone(0.25).interruptions
    assert np.argwhere(operator > 0).tolist() == [[9, LEFT], [10, LEFT], [11, LEFT]]
    assert operator[FIRST_OF_ZONE, LEFT] == 0.25


def test_a_probability_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"interruption=1\.5: a probability"):
        StopZone(1.5)


def first_choices(interruption, epsilon, n=20_000):
    """What a learner that would go right does in the first cell of the zone, n times."""
    model = QLearning("TabularPolicy", lambda: StopZone(interruption), seed=0, exploration_initial_eps=epsilon)
    model.Q[:, :, RIGHT] = 1.0
    coins = np.stack([(np.arange(n) + 0.5) / n, np.full(n, 0.1), *np.zeros((4, n))], axis=-1)[None]  # 0.1: its random action is up
    return np.bincount(model.choose(np.full((1, n), FIRST_OF_ZONE), coins)[0], minlength=4) / n


def test_a_learner_is_made_to_go_back_as_often_as_the_operator_says():
    assert first_choices(0.25, epsilon=0.0)[[LEFT, RIGHT]] == pytest.approx([0.25, 0.75])


def test_of_the_steps_that_are_its_own_it_explores_as_often_as_elsewhere():
    assert first_choices(0.5, epsilon=0.2)[[UP, LEFT, RIGHT]] == pytest.approx([0.1, 0.5, 0.4])


def test_an_operator_who_always_takes_over_leaves_nothing_to_the_learner():
    assert first_choices(1.0, epsilon=0.5)[LEFT] == 1


def test_the_greedy_policy_is_the_learner_s_own():
    model = QLearning("TabularPolicy", lambda: StopZone(1.0), seed=0)
    model.Q[:, :, RIGHT] = 1.0
    assert model.predict(np.array([FIRST_OF_ZONE]), deterministic=True)[0] == RIGHT


@pytest.mark.parametrize("kind", [QLearning, SARSA])
def test_an_operator_who_never_comes_changes_no_number(kind):
    grid = StopZone(0.0)
    del grid.interruptions
    alone, visited = (kind("TabularPolicy", lambda env=env: env, seed=0).learn(300) for env in (grid, StopZone(0.0)))
    assert (alone.Q == visited.Q).all()


def test_another_environment_has_another_operator():
    model = QLearning("TabularPolicy", lambda: StopZone(1.0), seed=0).learn(1)
    model.set_env(lambda: StopZone(0.0))
    model.learn(1)
    assert not model.interruptions.any()


# ------------------------------------------------------------------------------------------------------------------------ corridor
def test_the_corridor_is_as_long_as_its_three_sections_and_actions_beyond_four_do_nothing():
    env = Corridor(n_actions=7, height=3, width=4)
    env.reset(seed=0)
    way = [UP, UP, RIGHT, RIGHT, RIGHT, UP, UP]
    for action in way[:-1]:
        for idle in (4, 5, 6):
            assert env.step(idle)[0] == env.s
        _, reward, terminated, *_ = env.step(action)
        assert (reward, terminated) == (0, False)
    assert env.step(way[-1])[1:3] == (1, True)


def test_with_anywhere_episodes_of_the_corridor_begin_in_every_cell_but_the_goal():
    env = Corridor(height=2, width=2, anywhere=True)
    env.reset(seed=0)
    assert {env.reset()[0] for _ in range(100)} == set(range(1, len(env.cells)))


@pytest.mark.parametrize("wrong", [{"n_actions": 3}, {"height": 1}, {"width": 1}])
def test_a_corridor_without_corners_or_moves_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 4 actions"):
        Corridor(**wrong)
