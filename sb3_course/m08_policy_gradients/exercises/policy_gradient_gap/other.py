"""Other counterexamples."""

import math


def missing():
    return dict(zip("ABCD", "dbgc"))


def biased_baseline():
    q = (3.0, 1.0)
    return 0.5, q, q  # the value of the action itself: nothing is left of the gradient


def downhill():
    theta = math.log(3)  # p = ¾
    return theta, ((4.0, 0.0), (-1.0, 6.0))


def samples_of_another():
    return 1.0, (-5.0, -4.0), 0.99  # who nearly always takes action 1, and pays for it, advises against it


def moving_reward():
    def reward(theta, a):
        wealth = 1 / (1 + math.exp(-theta))
        return wealth * (3 if a else 2)

    return -0.5, reward
