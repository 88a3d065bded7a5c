"""Baird's counterexample to the digit: what a step does, what it does in the mean, and where that leads."""

from functools import cache

import numpy as np

from from_scratch.core.exact.linear import LinearSystem
from from_scratch.core.exact.mdp import model_of
from from_scratch.envs import Baird
from sb3_course.teaching.checks import Mistake, array, measured, number, probe

FIRST, DASHED, SOLID = Baird.first_weights, 0, 1
SOME = np.array([2.0, -1, 0, 1, 3, 0, 4, -2])
HALF = np.array([0.5, 0, 0, 0, 0, 0, 1.0, 0.5])


@cache
def system():
    return LinearSystem(model_of(Baird()), Baird.features, Baird.pi, Baird.gamma, Baird.behaviour)


def after(w, changes):
    """w with the changes {place: number}."""
    w = w.copy()
    for place, change in changes.items():
        w[place] += change
    return w


# -------------------------------------------------------------------------------------------------------------- features


@probe("features", "the seven states: the array of features", expected=lambda: Baird.features)
def all_features(answer):
    return array(answer.features(), (7, 8), "the array")


# ------------------------------------------------------------------------------------------------------------------ TD


def td(answer, w, s, a, s_next, alpha=0.01):
    return array(answer.td_step(w.copy(), s, a, s_next, alpha), (8,), "w")


@probe("td_step", "from state 0 by the solid action to state 6, w = (1, 1, 1, 1, 1, 1, 10, 1), α = 0.01: w", tolerance=1e-9,
       expected=lambda: after(FIRST, {0: 1.2432, 7: 0.6216}))  # fmt: skip
def solid_from_0(answer):
    return td(answer, FIRST, 0, SOLID, 6)


@probe("td_step", "from state 6 by the solid action to state 6, the same w: w", expected=lambda: after(FIRST, {6: -0.0084, 7: -0.0168}), tolerance=1e-9)
def solid_from_6(answer):
    return td(answer, FIRST, 6, SOLID, 6)


@probe("td_step", "from state 6 by the dashed action to state 2, the same w: w", expected=lambda: FIRST, tolerance=1e-12)
def dashed(answer):
    return td(answer, FIRST, 6, DASHED, 2)


# ---------------------------------------------------------------------------------------------------------- in the mean


def sweeps(answer, w, n, alpha=0.01):
    for _ in range(n):
        w = array(answer.expected_step(w, alpha), (8,), "w")
    return w


@probe("expected_step", "one sweep from w = (1, 1, 1, 1, 1, 1, 10, 1), α = 0.01: w", expected=lambda: system().td_step(FIRST, 0.01), tolerance=1e-9)
def one_sweep(answer):
    return sweeps(answer, FIRST.copy(), 1)


@probe("expected_step", "one sweep from w = (2, −1, 0, 1, 3, 0, 4, −2), α = 0.1: w", expected=lambda: system().td_step(SOME, 0.1), tolerance=1e-9)
def another_sweep(answer):
    return sweeps(answer, SOME.copy(), 1, 0.1)


@probe("expected_step", "1000 sweeps, α = 0.01: w_0, w_6 and w_7", expected=[114.4, 6.9, 335.0], tolerance=0.06, twice=False)
def thousand_sweeps(answer):
    w = sweeps(answer, FIRST.copy(), 1000)
    return measured(w[[0, 6, 7]], of=w)


# ------------------------------------------------------------------------------------------------------------------ TDC


def tdc(answer, w, v, s, a, s_next, alpha, beta):
    found = answer.tdc_step(w.copy(), v.copy(), s, a, s_next, alpha, beta)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}, should be w and v")
    return np.stack([array(found[0], (8,), "w"), array(found[1], (8,), "v")])


@probe("tdc_step", "from state 0 by the solid action to 6, v = 0, α = 0.01, β = 0.05: the pair w, v", tolerance=1e-9,
       expected=lambda: np.stack([after(FIRST, {0: 1.2432, 7: 0.6216}), after(0 * FIRST, {0: 6.216, 7: 3.108})]))  # fmt: skip
def first_tdc(answer):
    return tdc(answer, FIRST, 0 * FIRST, 0, SOLID, 6, 0.01, 0.05)


@probe("tdc_step", "the same with v = (0.5, 0, 0, 0, 0, 0, 1, 0.5): the pair w, v", tolerance=1e-9,
       expected=lambda: np.stack([after(FIRST, {0: 1.2432, 6: -0.10395, 7: 0.6216 - 0.2079}), after(HALF, {0: 5.166, 7: 2.583})]))  # fmt: skip
def second_tdc(answer):
    return tdc(answer, FIRST, HALF, 0, SOLID, 6, 0.01, 0.05)


@probe("tdc_step", "200 steps in the mean, α = 0.005, β = 0.05: the projected Bellman error", expected=0.653, tolerance=1e-3, twice=False)
def tdc_in_the_mean(answer):
    w, v = FIRST.copy(), np.zeros(8)
    for _ in range(200):
        steps = [tdc(answer, w, v, s, SOLID, 6, 0.005, 0.05) for s in range(7)]  # dashed steps change nothing, and a seventh is solid
        w, v = np.stack([w, v]) + (np.mean(steps, 0) - np.stack([w, v])) / 7
    return number(system().projected_bellman_error(w), "the error")
