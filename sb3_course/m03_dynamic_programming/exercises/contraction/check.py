"""The softmax mean by numbers worked by hand, the norm, and a pair that our own softmax mean drives apart."""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, given, number, probe, rng


def softmax_mean(q, beta):
    w = np.exp(beta * (q - q.max()))
    return w @ q / w.sum()


@probe("boltzmann", "q = [0, 1], β = 0: the mean", expected=0.5, tolerance=1e-9)
def no_weight(answer):
    return number(answer.boltzmann(given("np.array([0.0, 1.0])"), 0.0))


@probe("boltzmann", "q = [0, log 3], β = 1, weights ¼ and ¾", expected=0.75 * np.log(3), tolerance=1e-9)
def by_hand(answer):
    return number(answer.boltzmann(given("np.array([0.0, np.log(3.0)])"), 1.0))


@probe("boltzmann", "q = [1, 2, 5000], β = 2: nearly the maximum", expected=5000.0, tolerance=1e-6)
def large(answer):
    return number(answer.boltzmann(given("np.array([1.0, 2.0, 5000.0])"), 2.0))


@probe("expansion", "the sum of [1, −2] and of [0, 0]: |−1 − 0| / 2", expected=0.5, tolerance=1e-9)
def of_a_sum(answer):
    return number(answer.expansion(np.sum, given("np.array([1.0, -2.0])"), given("np.array([0.0, 0.0])")))


@probe("expansion", "the maximum of [3, 0] and of [1, 1]: |3 − 1| / 2", expected=1.0, tolerance=1e-9)
def of_the_maximum(answer):
    return number(answer.expansion(np.max, given("np.array([3.0, 0.0])"), given("np.array([1.0, 1.0])")))


@probe("expansion", "the largest of the maximum over 10,000 random pairs", between=(0.9, 1.0 + 1e-9))
def of_the_maximum_at_random(answer):
    draws = rng(0)
    return max(number(answer.expansion(np.max, *draws.normal(size=(2, 3)))) for _ in range(10_000))


@probe("expansion", "the largest of a mean with weights ¼, ¼, ½ over 10,000 random pairs", between=(0.9, 1.0 + 1e-9))
def of_a_mean_at_random(answer):
    draws, pi = rng(1), np.array([0.25, 0.25, 0.5])
    return max(number(answer.expansion(lambda q: pi @ np.asarray(q), *draws.normal(size=(2, 3)))) for _ in range(10_000))


def driven_apart(answer, beta):
    found = answer.pair(beta)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake("gives no two vectors")
    x, y = (array(vector, (2,), name) for vector, name in zip(found, "xy"))
    if (x == y).all():
        raise Mistake("gives the same vector twice")
    return abs(softmax_mean(x, beta) - softmax_mean(y, beta)) / np.abs(x - y).max()


@probe("pair", "expansion of your pair at β = 1", between=(1.05, np.inf))
def at_one(answer):
    return driven_apart(answer, 1.0)


@probe("pair", "expansion of your pair at β = 16", between=(1.05, np.inf))
def at_sixteen(answer):
    return driven_apart(answer, 16.0)
