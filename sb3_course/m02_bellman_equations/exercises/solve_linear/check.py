"""What the linear system must be, and its solution: by hand, then beside many sweeps.

The table of two states is such that each mistake gives another matrix, another vector or another solution.
"""

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.mdp import model_of
from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, given, measured, probe

TWO = """[[[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
 [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]]]"""
PI_TWO = "np.array([[0.25, 0.75], [0.5, 0.5]])"
GRID, CLIFF = 'GridWorld("4x3", slip=0.2, step_reward=-0.04).P', 'gym.make("CliffWalking-v1").unwrapped.P'
ROWS = "np.array([[0.1, 0.2, 0.3, 0.4]] * 12)"


def swept(env, pi, gamma, sweeps):
    """V after many sweeps with two arrays."""
    model = model_of(env)
    p, r, V = np.einsum("sa,sat->st", pi, model.p), (pi * model.r).sum(-1), np.zeros(model.n_states)
    for _ in range(sweeps):
        V = r + gamma * p @ V
    return V


def pair(found, n):
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be the pair P_π, r_π")
    return array(found[0], (n, n), "P_π"), array(found[1], (n,), "r_π")


@probe("policy_model", "two states, π = [[1/4, 3/4], [1/2, 1/2]]: P_π beside r_π", expected=[[0.125, 0.75, -0.125], [0.125, 0.375, 1.5]])
def by_hand(answer):
    return np.column_stack(pair(answer.policy_model(given(TWO), given(PI_TWO)), 2))


@probe("policy_model", 'GridWorld("4x3") with slip 0.2, π = 0.1, 0.2, 0.3, 0.4: probability to go on, by state', tolerance=1e-12,
       expected=lambda: model_of(GridWorld("4x3", slip=0.2)).p.sum(-1) @ [0.1, 0.2, 0.3, 0.4])  # fmt: skip
def going_on(answer):
    return pair(answer.policy_model(given(GRID), given(ROWS)), 12)[0].sum(1)


@probe("policy_values", "two states, γ = 0.5: V", expected=[0.4609375 / 0.73828125, 1.3984375 / 0.73828125], tolerance=1e-9)
def values_by_hand(answer):
    return array(answer.policy_values(given(TWO), given(PI_TWO), 0.5), (2,), "V")


@probe("policy_values", 'GridWorld("4x3") with slip 0.2, γ = 0.99: V', tolerance=1e-8,
       expected=lambda: swept(GridWorld("4x3", slip=0.2, step_reward=-0.04), np.array([[0.1, 0.2, 0.3, 0.4]] * 12), 0.99, 10_000))  # fmt: skip
def values_on_the_grid(answer):
    return array(answer.policy_values(given(GRID), given(ROWS), 0.99), (12,), "V")


@probe("policy_values", "CliffWalking-v1, moving at random, γ = 0.99: V(start)", expected=-1072.2360266829, tolerance=1e-8)
def values_on_the_cliff(answer):
    V = array(answer.policy_values(given(CLIFF), given("np.full((48, 4), 0.25)"), 0.99), (48,), "V")
    return measured(V[36], of=V)


@probe("policy_values", "two cells, S and G, moving at random, γ = 1: V(S)", expected=1.0, tolerance=1e-9)
def undiscounted(answer):
    return array(answer.policy_values(given('GridWorld(desc=["SG"]).P'), given("np.full((2, 4), 0.25)"), 1.0), (2,), "V")[0]


@probe("policy_values", "the largest |r_π + γ P_π V − V| on the cliff: does V solve its equation?", expected=0.0, tolerance=1e-8)
def residual(answer):
    model = model_of(gym.make("CliffWalking-v1"))
    V = array(answer.policy_values(given(CLIFF), given("np.full((48, 4), 0.25)"), 0.99), (48,), "V")
    return np.abs(model.backup(V, 0.99).mean(1) - V).max()
