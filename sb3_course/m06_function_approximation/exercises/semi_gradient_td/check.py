"""What semi-gradient TD must give.

The walk with one group for each state would forgive most mistakes: there the fixed point is V itself, whatever the weights of the states. So states share
weights here, the end has features that are not 0, and two steps of an episode move the same weight.
"""

from functools import cache

import numpy as np

from from_scratch.core.exact.linear import LinearSystem, visits
from from_scratch.core.exact.mdp import model_of
from from_scratch.envs import LongWalk
from sb3_course.teaching.checks import array, measured, probe

PAIRS = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])  # four states, two to a weight
MIXED = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
ONE = [[(0, 0.0, 1, False), (1, 2.0, 2, False), (2, 1.0, 0, True)]]
TWO = [[(0, 1.0, 1, False), (1, 0.0, 2, False), (2, 2.0, 0, True)], [(2, 0.0, 1, False), (1, 4.0, 2, True)]]


def walk(n, jump, n_groups):
    """P, r, X and μ of a long walk whose neighbours share a weight, moving at random."""
    model, pi = model_of(LongWalk(n, jump)), np.full((n, 2), 0.5)
    return np.einsum("sa,sat->st", pi, model.p), (pi * model.r).sum(-1), np.repeat(np.eye(n_groups), n // n_groups, axis=0), visits(model, pi)


@cache
def exact(n, jump, n_groups, gamma):
    """The TD fixed point by the library."""
    return LinearSystem(model_of(LongWalk(n, jump)), np.repeat(np.eye(n_groups), n // n_groups, axis=0), np.full((n, 2), 0.5), gamma).td_fixed_point


# ---------------------------------------------------------------------------------------------------------------- update


@probe("update", "x = (1, 0), x' = (0, 1), w = (1, 2), r = 1, γ = α = 0.5: w", expected=[1.5, 2.0])
def one_hot(answer):
    return array(answer.update(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 1.0, np.array([0.0, 1.0]), False, 0.5, 0.5), (2,), "w")


@probe("update", "x = (1, 0.5), x' = (0.5, 2), w = (2, −1), r = 1, γ = 0.5, α = 0.1: w", expected=[1.9, -1.05], tolerance=1e-12)
def dense(answer):
    return array(answer.update(np.array([2.0, -1.0]), np.array([1.0, 0.5]), 1.0, np.array([0.5, 2.0]), False, 0.1, 0.5), (2,), "w")


@probe("update", "the last step, x' = (0, 1), w = (1, 2), r = 3, γ = 0.5, α = 0.5: w", expected=[2.0, 2.0])
def last_step(answer):
    return array(answer.update(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 3.0, np.array([0.0, 1.0]), True, 0.5, 0.5), (2,), "w")


@probe("update", "the array w that was given, (1, 2), after the update", expected=[1.0, 2.0])
def unchanged(answer):
    w = np.array([1.0, 2.0])
    array(answer.update(w, np.array([1.0, 0.0]), 1.0, np.array([0.0, 1.0]), False, 0.5, 0.5), (2,), "w")
    return w


# ----------------------------------------------------------------------------------------------------------------- learn


@probe("learn", "one episode by hand, three states, α = 0.5, γ = 1: w", expected=[0.5, 0.75], tolerance=1e-12)
def one_episode(answer):
    return array(answer.learn(ONE, MIXED, 0.5, 1.0), (2,), "w")


@probe("learn", "two episodes by hand, two states to a weight, α = γ = 0.5: w", expected=[2.125, 0.5625], tolerance=1e-12)
def two_episodes(answer):
    return array(answer.learn(TWO, PAIRS, 0.5, 0.5), (2,), "w")


# ----------------------------------------------------------------------------------------------------------- fixed point


@probe("fixed_point", "state 0 leads to state 1, which ends and pays 1; x = 1 and 2, μ = 0.25 and 0.75, γ = 1: w", expected=[6 / 11], tolerance=1e-12)
def by_hand(answer):
    P, r = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([0.0, 1.0])  # A = 0.25 · 1 · (1 − 2) + 0.75 · 2 · 2 = 2.75, b = 0.75 · 2 = 1.5
    return array(answer.fixed_point(P, r, np.array([[1.0], [2.0]]), np.array([0.25, 0.75]), 1.0), (1,), "w")


@probe("fixed_point", "walk over 12 states, three groups, γ = 0.9: w", expected=lambda: exact(12, 3, 3, 0.9), tolerance=1e-9)
def discounted(answer):
    return array(answer.fixed_point(*walk(12, 3, 3), 0.9), (3,), "w")


@probe("fixed_point", "walk over 1000 states, ten groups, γ = 1: w₁", expected=-0.693, tolerance=1e-3, twice=False)
def thousand(answer):
    w = array(answer.fixed_point(*walk(1000, 100, 10), 1.0), (10,), "w")
    return measured(w[0], of=w)
