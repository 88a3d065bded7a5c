"""What the two operators must give: first by hand, on a table where every mistake shows, then beside the library's own backup."""

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_values, policy_values
from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, given, probe

TWO = """[[[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
 [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]]]"""
V_TWO, PI_TWO = "np.array([2.0, 10.0])", "np.array([[0.25, 0.75], [0.5, 0.5]])"
GRID, CLIFF = 'GridWorld("4x3", slip=0.2, step_reward=-0.04).P', 'gym.make("CliffWalking-v1").unwrapped.P'
ROWS = "np.array([[0.1, 0.2, 0.3, 0.4]] * 12)"


def grid():
    return GridWorld("4x3", slip=0.2, step_reward=-0.04)


def kept(V, call, n, name):
    """What a backup of V gives; V must not have changed."""
    before = V.copy()
    after = array(call(), (n,), name)
    if not np.array_equal(V, before):
        raise Mistake("changes the V that it was given; a backup reads the old values only, and gives a new array")
    return after


# -------------------------------------------------------------------------------------------------------- action values


@probe("action_values", "two states, two actions, V = [2, 10], γ = 0.5: Q", expected=[[3.0, 4.0], [6.0, 1.0]])
def q_by_hand(answer):
    return array(answer.action_values(given(TWO), given(V_TWO), 0.5), (2, 2), "Q")


@probe("action_values", 'GridWorld("4x3") with slip 0.2, V = 0, 1, ..., 11, γ = 0.9: Q', tolerance=1e-9,
       expected=lambda: model_of(grid()).backup(np.arange(12.0), 0.9))  # fmt: skip
def q_on_the_grid(answer):
    return array(answer.action_values(given(GRID), given("np.arange(12.0)"), 0.9), (12, 4), "Q")


@probe("action_values", "CliffWalking-v1, V = 1 everywhere, γ = 0.9: Q", tolerance=1e-9,
       expected=lambda: model_of(gym.make("CliffWalking-v1")).backup(np.ones(48), 0.9))  # fmt: skip
def q_on_the_cliff(answer):
    return array(answer.action_values(given(CLIFF), given("np.ones(48)"), 0.9), (48, 4), "Q")


# ---------------------------------------------------------------------------------------------------------- of a policy


@probe("expectation_backup", "two states, π = [[1/4, 3/4], [1/2, 1/2]], V = [2, 10], γ = 0.5: T^π V", expected=[3.75, 3.5])
def t_pi_by_hand(answer):
    V = given(V_TWO)
    return kept(V, lambda: answer.expectation_backup(given(TWO), V, given(PI_TWO), 0.5), 2, "T^π V")


@probe("expectation_backup", 'GridWorld("4x3") with slip 0.2, V = 0, 1, ..., 11, γ = 0.9: T^π V', tolerance=1e-9,
       expected=lambda: model_of(grid()).backup(np.arange(12.0), 0.9) @ [0.1, 0.2, 0.3, 0.4])  # fmt: skip
def t_pi_on_the_grid(answer):
    V = given("np.arange(12.0)")
    return kept(V, lambda: answer.expectation_backup(given(GRID), V, given(ROWS), 0.9), 12, "T^π V")


@probe("expectation_backup", 'GridWorld("4x3") with slip 0.2: the largest |T^π V − V| where V is V_π already', expected=0.0, tolerance=1e-9)
def t_pi_of_its_fixed_point(answer):
    V = policy_values(grid(), np.array([[0.1, 0.2, 0.3, 0.4]] * 12), 0.9)
    return np.abs(array(answer.expectation_backup(given(GRID), V, given(ROWS), 0.9), (12,), "T^π V") - V).max()


# ---------------------------------------------------------------------------------------------------------- of the best


@probe("optimality_backup", "two states, V = [2, 10], γ = 0.5: T* V", expected=[4.0, 6.0])
def t_star_by_hand(answer):
    V = given(V_TWO)
    return kept(V, lambda: answer.optimality_backup(given(TWO), V, 0.5), 2, "T* V")


@probe("optimality_backup", 'GridWorld("4x3") with slip 0.2, V = 0, 1, ..., 11, γ = 0.9: T* V', tolerance=1e-9,
       expected=lambda: model_of(grid()).backup(np.arange(12.0), 0.9).max(1))  # fmt: skip
def t_star_on_the_grid(answer):
    V = given("np.arange(12.0)")
    return kept(V, lambda: answer.optimality_backup(given(GRID), V, 0.9), 12, "T* V")


@probe("optimality_backup", 'GridWorld("4x3") with slip 0.2: the largest |T* V − V| where V is V* already', expected=0.0, tolerance=1e-9)
def t_star_of_its_fixed_point(answer):
    V = optimal_values(grid(), 0.9)
    return np.abs(array(answer.optimality_backup(given(GRID), V, 0.9), (12,), "T* V") - V).max()
