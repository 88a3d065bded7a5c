"""Who has the bug, and the repaired gradient at the corners of the clip."""

import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import repaired


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("ppo-3"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "ppo-3")


def gradients(answer, *cases):
    """For samples (ratio, Â), one by one: the gradient for the mean, of an action two standard deviations above it."""
    agent, x, a = repaired(answer.repaired())(1), np.ones((1, 1)), np.array([2.0])
    old = [agent.log_prob(x, a) - np.log(ratio) for ratio, _ in cases]
    return [array(agent.gradient(x, a, log_prob, np.array([advantage])), (2,), "the gradient")[0] for log_prob, (_, advantage) in zip(old, cases)]


@probe("repaired", "within the clip, ratios 1.1 0.9, Â = 1 -1, an action two deviations above the mean: the gradients for the mean", expected=[2.2, -1.8],
       tolerance=1e-6)  # fmt: skip
def within(answer):
    return gradients(answer, (1.1, 1.0), (0.9, -1.0))


@probe("repaired", "nothing left to gain, ratios 1.5 0.5, Â = 1 -1: the gradients for the mean", expected=[0.0, 0.0], tolerance=1e-6)
def gained(answer):
    return gradients(answer, (1.5, 1.0), (0.5, -1.0))


@probe("repaired", "moved the wrong way, ratios 0.5 1.5, Â = 1 -1: the gradients for the mean, which push back", expected=[1.0, -3.0], tolerance=1e-6)
def lost(answer):
    return gradients(answer, (0.5, 1.0), (1.5, -1.0))
