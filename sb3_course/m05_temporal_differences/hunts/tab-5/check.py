"""Who has the bug, and what each table of the repaired class hears of a state that both know: by hand."""

import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import Script, repaired


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("tab-5"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "tab-5")


def heard(answer, first, second):
    """What Q1 and what Q2 are moved towards by a step for nothing to state 1, of which they say `first` and `second`; over 30 seeds each of them learns."""
    tables = np.zeros(2)
    for seed in range(30):
        agent = repaired(answer.repaired())(2, 2, gamma=1.0, seed=seed)
        agent.Q12[:, 1] = first, second
        agent.learn(Script([(0.0, 1, "cut")]), 1)
        found = array(agent.Q12, (2, 2, 2), "Q12")[:, 0].max(-1) / agent.alpha
        tables = np.maximum(tables, found)
    return tables


@probe("repaired", "Q1(1, ·) = 5 2, Q2(1, ·) = 2 6, a step for nothing to state 1, γ = 1: targets of Q1 and Q2", expected=[2.0, 2.0])
def of_two_minds(answer):
    return heard(answer, [5.0, 2.0], [2.0, 6.0])


@probe("repaired", "Q1(1, ·) = 5 2, Q2(1, ·) = 7 6, a step for nothing to state 1, γ = 1: targets of Q1 and Q2", expected=[7.0, 5.0])
def of_one_mind(answer):
    return heard(answer, [5.0, 2.0], [7.0, 6.0])


@probe("repaired", "two steps that pay 2 and 1, 500 episodes, γ = 0.5: Q", expected=[2.5, 1.0], tolerance=1e-4)
def in_the_end(answer):
    agent = repaired(answer.repaired())(2, 1, gamma=0.5)
    agent.learn(Script([(2.0, 1, "on"), (1.0, 0, "end")]), 500)
    return array(agent.Q, (2, 1), "Q")[:, 0]
