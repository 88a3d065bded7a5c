"""Improvements where two actions are equally good, and what comes of them without a discount."""

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.values import expected_return
from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, given, measured, probe

LAKE, OPEN = 'gym.make("FrozenLake-v1", is_slippery=False)', 'GridWorld(desc=["S...", "....", "...G"])'


def whole(actions, n, name):
    found = array(actions, (n,), name)
    if (found != found.astype(int)).any():
        raise Mistake(f"{name} are {found.tolist()}, should be whole numbers")
    return found.astype(int)


@probe("improve", "a tie, and an action that is better: the actions", expected=[1, 1, 0])
def tie(answer):
    return whole(answer.improve(given("np.array([[1.0, 1.0], [0.0, 2.0], [3.0, 3.0]])"), given("np.array([1, 0, 0])")), 3, "the actions")


@probe("improve", "actions that are better by 1e-12 and by 1e-6: the actions", expected=[0, 1])
def rounding(answer):
    return whole(answer.improve(given("np.array([[1.0, 1.0 + 1e-12], [1.0, 1.0 + 1e-6]])"), given("np.array([0, 0])")), 2, "the actions")


@probe("improve", "the actions that were given, afterwards", expected=[0, 0])
def left_alone(answer):
    actions = np.array([0, 0])
    answer.improve(np.array([[0.0, 1.0], [0.0, 1.0]]), actions)
    return actions


@probe("plan", "deterministic lake, γ = 1: return of the plan", expected=1.0, tolerance=1e-9)
def on_the_lake(answer):
    actions = whole(answer.plan(given(LAKE)), 16, "the actions")
    return measured(expected_return(gym.make("FrozenLake-v1", is_slippery=False), actions), of=actions)


@probe("plan", "an open grid of 3 × 4, γ = 1: return of the plan", expected=1.0, tolerance=1e-9)
def on_an_open_grid(answer):
    actions = whole(answer.plan(given(OPEN)), 12, "the actions")
    return measured(expected_return(GridWorld(desc=["S...", "....", "...G"]), actions, horizon=100), of=actions)
