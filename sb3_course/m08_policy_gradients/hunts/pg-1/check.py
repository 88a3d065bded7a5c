"""Who has the bug, and the repaired gradient, by hand and by finite differences."""

import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import repaired

THETA = np.array([0.3, -0.7, 1.2])


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("pg-1"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "pg-1")


def gradient(answer, theta, a):
    agent = repaired(answer.repaired())(len(theta))
    agent.theta = np.array(theta, dtype=float)
    return array(agent.grad_log_pi(a), (len(theta),), "∇ ln π")


def differences(h=1e-5):
    log_pi = lambda theta: theta[2] - np.log(np.exp(theta).sum())
    return [(log_pi(THETA + h * e) - log_pi(THETA - h * e)) / (2 * h) for e in np.eye(3)]


@probe("repaired", "θ = 0 0, action 1: ∇ ln π", expected=[-0.5, 0.5])
def half(answer):
    return gradient(answer, [0.0, 0.0], 1)


@probe("repaired", "θ = 0.3 -0.7 1.2, action 2: ∇ ln π by finite differences", expected=differences, tolerance=1e-6)
def by_differences(answer):
    return gradient(answer, THETA, 2)


@probe("repaired", "θ = 0 0, α = 0.1, an episode of one step, action 1, reward 1: θ", expected=[-0.05, 0.05])
def update(answer):
    agent = repaired(answer.repaired())(2, alpha=0.1)
    agent.update([1], [1.0])
    return array(agent.theta, (2,), "θ")
