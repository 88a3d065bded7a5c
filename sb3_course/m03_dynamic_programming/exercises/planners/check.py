"""What the planners must give.

FrozenLake forgives most mistakes: nothing is earned behind its holes and its goal, and its slips are uniform. The other environments do not.
"""

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.values import expected_return, policy_values
from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, given, measured, number, probe

LAKE, SLIPPERY, CLIFF, TAXI = (f"gym.make({words})" for words in ('"FrozenLake-v1", is_slippery=False', '"FrozenLake-v1"', '"CliffWalking-v1"', '"Taxi-v4"'))
GRID = 'GridWorld("4x3", slip=0.2, step_reward=-0.04)'
ALONG_THE_CLIFF = "np.eye(4)[3 * ([1] * 11 + [2]) + [0] * 12]"


def uniform(n):
    return given(f"np.full(({n}, 4), 0.25)")


# ---------------------------------------------------------------------------------------------------- policy evaluation


@probe("policy_evaluation", "two cells, S and G, moving at random, γ = 0.5: V", expected=[0.4, 0.0], tolerance=1e-6)
def two_cells(answer):
    return array(answer.policy_evaluation(given('GridWorld(desc=["SG"])'), uniform(2), 0.5), (2,), "V")


@probe("policy_evaluation", 'GridWorld("4x3") with slip 0.2, moving at random, γ = 0.9: V', tolerance=1e-5,
       expected=lambda: policy_values(GridWorld("4x3", slip=0.2, step_reward=-0.04), np.full((12, 4), 0.25), 0.9))  # fmt: skip
def slipping_at_random(answer):
    return array(answer.policy_evaluation(given(GRID), uniform(12), 0.9), (12,), "V")


@probe("policy_evaluation", "CliffWalking-v1, along the edge, γ = 0.99: V(start)", expected=-12.248, tolerance=1e-3, twice=False)
def along_the_cliff(answer):
    V = array(answer.policy_evaluation(given(CLIFF), given(ALONG_THE_CLIFF), 0.99), (48,), "V")
    return measured(V[36], of=V)


@probe("policy_evaluation", "CliffWalking-v1, γ = 1, always up, at most 50 sweeps: V(top left)", expected=-50.0, tolerance=1e-6)
def for_ever(answer):
    return array(answer.policy_evaluation(given(CLIFF), given("np.eye(4)[[0] * 48]"), 1.0, max_sweeps=50), (48,), "V")[0]


@probe("policy_evaluation", "uniform policy, deterministic lake: V(0)", expected=0.0124, tolerance=5e-5)
def random_on_the_lake(answer):
    V = array(answer.policy_evaluation(given(LAKE), uniform(16), 0.99), (16,), "V")
    return measured(V[0], of=V)


# ------------------------------------------------------------------------------------------------------ value iteration


@probe("value_iteration", "three cells on a line, S . G, γ = 0.5: V*", expected=[0.5, 1.0, 0.0], tolerance=1e-6)
def three_cells(answer):
    return array(answer.value_iteration(given('GridWorld(desc=["S.G"])'), 0.5), (3,), "V")


@probe("value_iteration", "FrozenLake-v1, γ = 0.99: V*(start)", expected=0.5420, tolerance=1e-3)
def lake(answer):
    V = array(answer.value_iteration(given(SLIPPERY), 0.99), (16,), "V")
    return measured(V[0], of=V)


@probe("value_iteration", "CliffWalking-v1, γ = 0.99: V*(start)", expected=-12.248, tolerance=1e-3, twice=False)
def cliff(answer):
    V = array(answer.value_iteration(given(CLIFF), 0.99), (48,), "V")
    return measured(V[36], of=V)


@probe("value_iteration", 'GridWorld("4x3") with slip 0.2, γ = 0.99: V*(start)', expected=0.6599, tolerance=1e-3)
def slipping(answer):
    V = array(answer.value_iteration(given(GRID), 0.99), (12,), "V")
    return measured(V[8], of=V)


@probe("value_iteration", "Taxi-v4, γ = 0.99: V*, mean over its starts", expected=6.327, tolerance=1e-3, twice=False)
def taxi(answer):
    env = given(TAXI)
    V = array(answer.value_iteration(env, 0.99), (500,), "V")
    return env.unwrapped.initial_state_distrib @ V


# ----------------------------------------------------------------------------------------------------- policy iteration


def three(found, n):
    """What policy_iteration gives: V, actions, improvements."""
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be V, actions, improvements")
    actions = array(found[1], (n,), "actions")
    if (actions != actions.astype(int)).any() or not ((actions >= 0) & (actions < 4)).all():
        raise Mistake(f"actions are {actions.tolist()}, should be whole numbers from 0 to 3")
    return array(found[0], (n,), "V"), actions.astype(int), number(found[2], "improvements")


@probe("policy_iteration", "FrozenLake-v1, γ = 0.99: V*(start)", expected=0.5420, tolerance=1e-3)
def lake_again(answer):
    V, _, _ = three(answer.policy_iteration(given(SLIPPERY), 0.99), 16)
    return measured(V[0], of=V)


@probe("policy_iteration", "CliffWalking-v1, γ = 0.8: V*(start)", expected=-4.725, tolerance=1e-3, twice=False)
def cliff_again(answer):
    V, _, _ = three(answer.policy_iteration(given(CLIFF), 0.8), 48)
    return measured(V[36], of=V)


@probe("policy_iteration", 'GridWorld("4x3") with slip 0.2, γ = 0.99: V*(start)', expected=0.6599, tolerance=1e-3)
def slipping_again(answer):
    V, _, _ = three(answer.policy_iteration(given(GRID), 0.99), 12)
    return measured(V[8], of=V)


@probe("policy_iteration", "three cells on a line, S . G, γ = 0.5: improvement steps, the last one included", expected=3, twice=False)
def improvements(answer):
    return three(answer.policy_iteration(given('GridWorld(desc=["S.G"])'), 0.5), 3)[2]


@probe("policy_iteration", "CliffWalking-v1, γ = 1, at most 60 sweeps each time: V*(start)", expected=-13.0, tolerance=1e-3, twice=False)
def undiscounted_cliff(answer):
    return three(answer.policy_iteration(given(CLIFF), 1.0, max_sweeps=60), 48)[0][36]


@probe("policy_iteration", "deterministic lake, γ = 1: return of the actions", expected=1.0, tolerance=1e-6, twice=False)
def ties(answer):
    return expected_return(gym.make("FrozenLake-v1", is_slippery=False), three(answer.policy_iteration(given(LAKE), 1.0), 16)[1])


@probe("policy_iteration", "FrozenLake-v1: return of the actions within 100 steps", expected=0.740, tolerance=1e-3, twice=False)
def return_on_the_lake(answer):
    return expected_return(gym.make("FrozenLake-v1"), three(answer.policy_iteration(given(SLIPPERY), 0.99), 16)[1])
