"""Who has the bug, and what the repaired class must learn, by hand."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("dqn-1"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "dqn-1")


def values(answer, steps, script, seen, **settings):
    """V of each state after so many steps of the repaired class, copied after every second."""
    agent = repaired(answer.repaired())(len(seen[0]), copy_every=2, seed=seeded(0), **settings)
    agent.learn(Script(*script, seen=seen), steps)
    return array(agent.Q(seen), (len(seen), 1), "Q")[:, 0]


@probe("repaired", "two states, -1 is paid in the first and 1 in the second, γ = 0: V", expected=[-1.0, 1.0], tolerance=0.02)
def two_states(answer):
    return values(answer, 60, [[(-1.0, 1, "on"), (1.0, 0, "end")]], np.eye(2), gamma=0.0, rate=1.0)


@probe("repaired", "four states, 1 is paid in the second, γ = 0.5: V", expected=[0.5, 1.0, 0.0, 0.0], tolerance=0.02)
def four_states(answer):
    return values(answer, 100, [[(0.0, 1, "on"), (1.0, 2, "on"), (0.0, 3, "on"), (0.0, 0, "end")]], np.eye(4), gamma=0.5, rate=1.5)


@probe("repaired", "one state, 1 a step, cut after 2 steps, γ = 0.5: V", expected=[2.0], tolerance=0.02)
def cut(answer):
    return values(answer, 60, [[(1.0, 0, "on"), (1.0, 0, "cut")]], np.eye(1), gamma=0.5, rate=1.0)
