"""Ratios and both estimates on five episodes that can be worked by hand, and on many.

In episodes of one step nearly all mistakes are right: the ratio of the whole episode is that of the step. So most of these have two steps or three, and
states come back.
"""

from functools import cache

import numpy as np

from sb3_course.teaching.checks import array, measured, probe, seeded

PI, B = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.25, 0.75]])  # π/b: 1.6 and 0.4 in state 0, 2 and ⅔ in state 1
SURE = np.array([[1.0, 0.0], [0.0, 1.0]])  # π/b with EVEN: 2 for one action, 0 for the other
EVEN = np.full((2, 2), 0.5)
THREE_STEPS = [(0, 0, 1.0), (1, 0, 2.0), (0, 1, 4.0)]  # ρ from each step on: 1.6 · 2 · 0.4, 2 · 0.4, 0.4
FIVE = [
    [(0, 0, 1.0), (1, 1, 3.0)],  # with SURE and EVEN: ρ = 4, 2
    [(0, 1, 2.0), (1, 1, 1.0)],  # 0, 2
    [(1, 0, 5.0)],  # 0
    [(0, 0, 0.0), (0, 0, 2.0)],  # 4 at the first visit of state 0
    [(1, 1, 2.0), (0, 0, 4.0)],  # 4, 2
]


@cache
def two_steps(seed):
    """4000 episodes of two steps, of which the first action pays 1 or 0, the second one 2 or 0."""
    return [[(0, first, 1.0 - first), (1, then, 2.0 - 2 * then)] for first, then in np.random.default_rng(seed).integers(2, size=(4000, 2)).tolist()]


def of_five(estimate, gamma):
    return array(estimate(FIVE, SURE, EVEN, 2, gamma), (2,), "V")


def of_many(estimate):
    V = array(estimate(two_steps(seeded(0)), np.array([[0.9, 0.1], [0.8, 0.2]]), EVEN, 2, 1.0), (2,), "V")
    return measured(V[0], of=V)


@probe("ratios", "two steps with π/b = 1.6 and 2: the array of ratios", expected=[3.2, 2.0], tolerance=1e-12)
def two(answer):
    return array(answer.ratios([(0, 0, 1.0), (1, 0, 1.0)], PI, B), (2,), "the array")


@probe("ratios", "three steps with π/b = 1.6, 2 and 0.4: the array of ratios", expected=[1.28, 0.8, 0.4], tolerance=1e-12)
def three(answer):
    return array(answer.ratios(THREE_STEPS, PI, B), (3,), "the array")


@probe("ratios", "three steps with π/b = 2, 0 and 2: the array of ratios", expected=[0.0, 0.0, 2.0], tolerance=1e-12)
def never_taken(answer):
    return array(answer.ratios([(0, 0, 1.0), (1, 0, 1.0), (0, 0, 1.0)], SURE, EVEN), (3,), "the array")


@probe("ordinary", "one episode, π/b = 1.6, 2 and 0.4, pays 1, 2, 4, γ = 0.5: the array V", expected=[1.28 * 3.0, 0.8 * 4.0], tolerance=1e-12)
def one_by_number(answer):
    return array(answer.ordinary([THREE_STEPS], PI, B, 2, 0.5), (2,), "V")


@probe("ordinary", "five episodes by hand, π/b = 2 or 0, γ = 1: the array V", expected=[(16 + 0 + 8 + 8) / 4, (6 + 2 + 0 + 24) / 4], tolerance=1e-12)
def five_by_number(answer):
    return of_five(answer.ordinary, 1.0)


@probe("ordinary", "4000 episodes of two steps, b even: V(0)", expected=2.5, tolerance=0.25)
def many_by_number(answer):
    return of_many(answer.ordinary)


@probe("weighted", "two episodes, π/b = 1.6, 2 and 0.4, pays 1, 2, 4, and 0.4, pays 8; γ = 0.5: the array V", tolerance=1e-12,
       expected=[(1.28 * 3.0 + 0.4 * 8.0) / 1.68, 4.0])  # fmt: skip
def two_by_weight(answer):
    return array(answer.weighted([THREE_STEPS, [(0, 1, 8.0)]], PI, B, 2, 0.5), (2,), "V")


@probe("weighted", "five episodes by hand, π/b = 2 or 0, γ = 1: the array V", expected=[(16 + 0 + 8 + 8) / 10, (6 + 2 + 0 + 24) / 8], tolerance=1e-12)
def five_by_weight(answer):
    return of_five(answer.weighted, 1.0)


@probe("weighted", "an episode that π would never play, and a state that never occurs: the array V", expected=[0.0, 0.0], tolerance=1e-12)
def nothing_to_weigh(answer):
    return array(answer.weighted([[(0, 1, 5.0)]], SURE, EVEN, 2, 1.0), (2,), "V")


@probe("weighted", "4000 episodes of two steps, b even: V(0)", expected=2.5, tolerance=0.08)
def many_by_weight(answer):
    return of_many(answer.weighted)
