"""What returns must be: numbers worked by hand, and a plain double sum."""

import numpy as np

from sb3_course.teaching.checks import array, number, probe, rng

# -------------------------------------------------------------------------------------------------------------- one return


@probe("discounted_return", "rewards 1, 0, 2, γ = 0.5: G", expected=1.5)
def by_hand(answer):
    return number(answer.discounted_return([1.0, 0.0, 2.0], 0.5), "G")


@probe("discounted_return", "no rewards: G", expected=0.0)
def empty(answer):
    return number(answer.discounted_return([], 0.9), "G")


@probe("discounted_return", "a single reward of 3, γ = 0.9: G", expected=3.0)
def single(answer):
    return number(answer.discounted_return([3.0], 0.9), "G")


@probe("discounted_return", "rewards 1, 0, 2, γ = 0: G", expected=1.0)
def short_sighted(answer):
    return number(answer.discounted_return([1.0, 0.0, 2.0], 0.0), "G")


# ------------------------------------------------------------------------------------------------------------- all of them


@probe("all_returns", "rewards 1, 0, 2, γ = 0.5: the list", expected=[1.5, 1.0, 2.0])
def all_by_hand(answer):
    return array(answer.all_returns([1.0, 0.0, 2.0], 0.5), (3,), "the list")


@probe("all_returns", "a hundred random rewards, γ = 0.9: largest difference from a double sum", expected=0.0, tolerance=1e-9)
def all_random(answer):
    rewards = rng(1).standard_normal(100).tolist()
    found = array(answer.all_returns(rewards, 0.9), (100,), "the list")
    right = np.array([sum(0.9**k * r for k, r in enumerate(rewards[t:])) for t in range(100)])
    return np.abs(found - right).max()


@probe("all_returns", "20,000 rewards of 1, γ = 0.99: the first return", expected=100.0, tolerance=1e-6)
def quick(answer):
    return array(answer.all_returns([1.0] * 20_000, 0.99), (20_000,), "the list")[0]


# ---------------------------------------------------------------------------------------------------------------- for ever


@probe("forever", "1 a step, γ = 0.99: the return", expected=100.0, tolerance=1e-6)
def one_a_step(answer):
    return number(answer.forever(1.0, 0.99), "the return")


@probe("forever", "-3 a step, γ = 0.5: the return", expected=-6.0, tolerance=1e-6)
def three_lost(answer):
    return number(answer.forever(-3.0, 0.5), "the return")
