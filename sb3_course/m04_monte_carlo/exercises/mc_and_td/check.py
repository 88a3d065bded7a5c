"""What mc and td0 must give.

The walk forgives much: γ is 1 and there is one reward, so all returns of an episode are equal. The chain, and the episodes worked by hand, do not.
"""

from functools import cache

import numpy as np

from sb3_course.teaching.checks import array, measured, probe, seeded

LEFT = [(3, 0.0, 2, False), (2, 0.0, 1, False), (1, 0.0, 0, True)]
THREE = [
    [(0, 2.0, 1, False), (1, 0.0, 2, False), (2, 4.0, 3, True)],  # returns at γ = 0.5: 3, 2, 4
    [(1, 1.0, 3, True)],
    [(2, 0.0, 0, False), (0, 2.0, 3, True)],  # 1, 2
]
AGAIN = [[(0, 1.0, 0, False), (0, 2.0, 0, False), (0, 4.0, 1, True)]]  # returns 7, 6, 4
EXAMPLE = [[(0, 2.0, 1, False), (1, 4.0, 2, True)]]  # the stub's: returns 4 and 4 at γ = 0.5
TRUE = np.arange(1, 6) / 6
RUNS, EPISODES = 200, 100


@cache
def walks(seed):
    """Episodes [RUNS][EPISODES] of the random walk."""
    steps = iter((2 * np.random.default_rng(seed).integers(2, size=RUNS * EPISODES * 14) - 1).tolist())  # 9 steps an episode, in the mean
    return [[walk(steps) for _ in range(EPISODES)] for _ in range(RUNS)]


def walk(steps):
    s, episode = 3, []
    while 0 < s < 6:
        s_next = s + next(steps)
        episode.append((s, float(s_next == 6), s_next, s_next in (0, 6)))
        s = s_next
    return episode


@cache
def chains(seed):
    """4000 episodes of one state that pays 1 a step and ends with probability 0.1: ten steps in the mean."""
    lengths = np.random.default_rng(seed).geometric(0.1, 4000).tolist()
    return [[(0, 1.0, 0, False)] * (length - 1) + [(0, 1.0, 1, True)] for length in lengths]


def error(learn, alpha):
    """RMS error over the five states, as the mean of the runs: {"RMS": …}, and the mean V, by which wrong answers are told apart."""
    V = np.array([array(learn(episodes, 7, alpha, 1.0, 0.5), (7,), "V")[1:6] for episodes in walks(seeded(0))])
    return measured(np.sqrt(((V - TRUE) ** 2).mean(1)).mean(), of=V.mean(0))


# ----------------------------------------------------------------------------------------------------------- Monte Carlo


@probe("mc", "one walk from 3 to the left end, α = 0.1, all at 0.5: V of states 1 to 5", expected=[0.45, 0.45, 0.45, 0.5, 0.5], tolerance=1e-12)
def left_by_mc(answer):
    return array(answer.mc([LEFT], 7, 0.1, 1.0, 0.5), (7,), "V")[1:6]


@probe("mc", "three episodes by hand, α = γ = 0.5, all at 0.5: V of states 0 to 2", expected=[1.875, 1.125, 1.625], tolerance=1e-12)
def three_by_mc(answer):
    return array(answer.mc(THREE, 4, 0.5, 0.5, 0.5), (4,), "V")[:3]


@probe("mc", "the worked example, start=1: V of states 0 and 1", expected=[2.5, 2.5], tolerance=1e-12)
def example_by_mc(answer):
    return array(answer.mc(EXAMPLE, 3, 0.5, 0.5, 1), (3,), "V")[:2]


@probe("mc", "three episodes by hand, α = 1/n, γ = 0.5: V of states 0 to 2, the means of their returns", expected=[2.5, 1.5, 2.5], tolerance=1e-12)
def means(answer):
    return array(answer.mc(THREE, 4, None, 0.5, 0.5), (4,), "V")[:3]


@probe("mc", "a state three times in an episode, returns 7, 6, 4, α = 1/n: V", expected=7.0, tolerance=1e-9)
def again(answer):
    V = array(answer.mc(AGAIN, 2, None, 1.0, 0.0), (2,), "V")[0]
    if abs(V - 17 / 3) > 1e-9:
        return V
    note = "Yours counts every visit of a state, not only the first of an episode. It estimates the same V; on the walk its error is larger, 0.083 for 0.077."
    return measured(7.0, of=V, note=note)


@probe("mc", "a chain that pays 1 a step and ends with probability 0.1, 4000 episodes, α = 1/n: V", expected=10.0, tolerance=0.6)
def chain(answer):
    return array(answer.mc(chains(seeded(0)), 2, None, 1.0, 0.0), (2,), "V")[0]


@probe("mc", "random walk, 100 episodes, α = 0.02, mean of 200 runs: RMS error", expected=0.077, tolerance=0.007, twice=False)
def walk_by_mc(answer):
    return error(answer.mc, 0.02)


# ----------------------------------------------------------------------------------------------------------------- TD(0)


@probe("td0", "one walk from 3 to the left end, α = 0.1, all at 0.5: V of states 1 to 5", expected=[0.45, 0.5, 0.5, 0.5, 0.5], tolerance=1e-12)
def left_by_td0(answer):
    return array(answer.td0([LEFT], 7, 0.1, 1.0, 0.5), (7,), "V")[1:6]


@probe("td0", "three episodes by hand, α = γ = 0.5, all at 0.5: V of states 0 to 2", expected=[1.6875, 0.6875, 1.46875], tolerance=1e-12)
def three_by_td0(answer):
    return array(answer.td0(THREE, 4, 0.5, 0.5, 0.5), (4,), "V")[:3]


@probe("td0", "the worked example, start=1: V of states 0 and 1", expected=[1.75, 2.5], tolerance=1e-12)
def example_by_td0(answer):
    return array(answer.td0(EXAMPLE, 3, 0.5, 0.5, 1), (3,), "V")[:2]


@probe("td0", "random walk, 100 episodes, α = 0.05, mean of 200 runs: RMS error", expected=0.035, tolerance=0.006, twice=False)
def walk_by_td0(answer):
    return error(answer.td0, 0.05)
