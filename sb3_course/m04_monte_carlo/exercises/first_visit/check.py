"""Returns, first visits and their means. On tasks with one reward at the end and γ = 1 all returns of an episode are equal, and every visit is as good as
any other: so rewards differ here, γ is not 1, and states come back."""

from functools import cache

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, probe, seeded

BACK = ([0, 1, 0], [1.0, 2.0, 4.0])  # at γ = 0.5 the returns are 3, 4, 4
THREE = ([0, 0, 0], [1.0, 2.0, 4.0])  # at γ = 1: 7, 6, 4
AGAIN = ([1, 0, 1, 2], [2.0, 0.0, 0.0, 8.0])  # at γ = 0.5: 3, 2, 4, 8


@cache
def machines(seed):
    """4000 episodes of one state that pays 1 a step and ends with probability 0.1: ten steps in the mean."""
    return [([0] * steps, [1.0] * steps) for steps in np.random.default_rng(seed).geometric(0.1, 4000).tolist()]


def predicted(answer, episodes, n_states, gamma):
    """V and N, a row each."""
    found = answer.predict(episodes, n_states, gamma)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}, should be V and N")
    return np.stack([array(found[0], (n_states,), "V"), array(found[1], (n_states,), "N")])


@probe("returns", "rewards 1, 2, 4, γ = 0.5: the array of returns", expected=[3.0, 4.0, 4.0], tolerance=1e-12)
def three_rewards(answer):
    return array(answer.returns([1.0, 2.0, 4.0], 0.5), (3,), "the array")


@probe("returns", "rewards 1, 0, 2, γ = 1: the array of returns", expected=[3.0, 2.0, 2.0], tolerance=1e-12)
def undiscounted(answer):
    return array(answer.returns([1.0, 0.0, 2.0], 1.0), (3,), "the array")


@probe("first_visits", "states 4, 7, 4, 4, 2, 7: first visits, the array of steps", expected=[0, 1, 4])
def with_repeats(answer):
    return array(answer.first_visits([4, 7, 4, 4, 2, 7]), None, "the list")


@probe("predict", "one state three times, rewards 1, 2, 4, γ = 1: the array of V and N", expected=[[7.0], [1.0]], tolerance=1e-12)
def three_visits(answer):
    return predicted(answer, [THREE], 1, 1.0)


@probe("predict", "states 0, 1, 0 and 1, 0, 1, 2, and state 3 never, γ = 0.5: the array of V and N", tolerance=1e-12,
       expected=[[2.5, 3.5, 8.0, 0.0], [2.0, 2.0, 1.0, 0.0]])  # fmt: skip
def two_episodes(answer):
    return predicted(answer, [BACK, AGAIN], 4, 0.5)


@probe("predict", "a machine that pays 1 a step and breaks down with probability 0.1, 4000 of them: V", expected=10.0, tolerance=0.6)
def chain(answer):
    found = predicted(answer, machines(seeded(0)), 1, 1.0)
    return measured(found[0, 0], of=found)
