"""What the lemma's parts must be: by hand, then, on random MDPs, beside the difference of two exact values.

In the random ones an episode ends with probability 0.1 after each step, so that undiscounted visits are finite, too, and differ.
"""

import numpy as np

from from_scratch.core.exact.mdp import Model
from sb3_course.teaching.checks import array, given, measured, number, probe

# Two states in a row: action 0 stays, action 1 moves on to the next state, from the last one to the end.
P_ROW, R_ROW = "np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]])", "np.array([[0.0, 1.0], [0.0, 4.0]])"
HALF, MOVE = "np.full((2, 2), 0.5)", "np.array([[0.0, 1.0], [0.0, 1.0]])"


def random_mdp(seed):
    """p, r, start and two policies, of four states and three actions."""
    draw = np.random.default_rng(seed)
    p = 0.9 * draw.dirichlet(np.ones(4), size=(4, 3))
    return p, draw.standard_normal((4, 3)), draw.dirichlet(np.ones(4)), draw.dirichlet(np.ones(3), size=4), draw.dirichlet(np.ones(3), size=4)


def gains(seed):
    """J(new) − J(old) as the difference of two values."""
    p, r, start, new, old = random_mdp(seed)
    model = Model(p, r, start)
    return start @ (model.solve(new, 0.95) - model.solve(old, 0.95))


# With γ = 1/2 and a policy that moves half of the time: V(1) = ½ · ½ V(1) + ½ · 4, so 8/3; V(0) = ½ · ½ V(0) + ½ (1 + ½ · 8/3), so 14/9.
@probe("advantages", "two states in a row, each action half of the time, γ = 0.5: A", expected=[[-7 / 9, 7 / 9], [-4 / 3, 4 / 3]], tolerance=1e-9)
def a_by_hand(answer):
    return array(answer.advantages(given(P_ROW), given(R_ROW), given(HALF), 0.5), (2, 2), "A")


@probe("advantages", "a random MDP, seed 0: the largest mean of A under its own policy", expected=0.0, tolerance=1e-9)
def a_has_mean_zero(answer):
    p, r, _, _, old = random_mdp(0)
    A = array(answer.advantages(p, r, old, 0.95), (4, 3), "A")
    return measured(np.abs((old * A).sum(1)).max(), of=A)


@probe("visits", "two states in a row, from the first, each action half of the time, γ = 0.5: d", expected=[4 / 3, 4 / 9], tolerance=1e-9)
def d_by_hand(answer):
    return array(answer.visits(given(P_ROW), given("np.array([1.0, 0.0])"), given(HALF), 0.5), (2,), "d")


@probe("performance_difference", "two states in a row, from the first: gain of always moving, γ = 0.5", expected=3 - 14 / 9, tolerance=1e-9)
def gain_by_hand(answer):
    start = given("np.array([1.0, 0.0])")
    return number(answer.performance_difference(given(P_ROW), given(R_ROW), start, given(MOVE), given(HALF), 0.5), "the gain")


@probe("performance_difference", "20 random MDPs, γ = 0.95: J(new) − J(old)", expected=lambda: [gains(seed) for seed in range(20)], tolerance=1e-10)
def twenty(answer):
    return np.array([number(answer.performance_difference(*random_mdp(seed), 0.95), f"the gain in MDP {seed}") for seed in range(20)])
