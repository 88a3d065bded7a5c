"""Who has the bug, and what the repaired class must make of ends and cuts."""

import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import repaired

NO, YES = False, True


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("ppo-2"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "ppo-2")


def advantages(answer, gamma, *columns):
    agent = repaired(answer.repaired())(1, gamma=gamma, lam=1.0)
    return array(agent.advantages(*map(np.array, columns)), (len(columns[0]),), "Â")


@probe("repaired", "two episodes of two steps that terminate, reward 1, V = 0, γ = 0.9, λ = 1: Â", expected=[1.9, 1.0, 1.9, 1.0])
def two_ends(answer):
    return advantages(answer, 0.9, [1.0] * 4, [0.0] * 4, [0.0] * 4, [NO, YES, NO, YES], [NO] * 4)


@probe("repaired", "two episodes of two steps that are cut, reward 1, V = 0, γ = 0.9, λ = 1: Â", expected=[1.9, 1.0, 1.9, 1.0])
def two_cuts(answer):
    return advantages(answer, 0.9, [1.0] * 4, [0.0] * 4, [0.0] * 4, [NO] * 4, [NO, YES, NO, YES])


@probe("repaired", "a step that is cut, then one that terminates, reward 1, V(s) = 4, V(s') = 10, γ = 0.5, λ = 1: Â", expected=[2.0, -3.0])
def values(answer):
    return advantages(answer, 0.5, [1.0] * 2, [4.0] * 2, [10.0] * 2, [NO, YES], [YES, NO])
