"""Who has the bug, and what the repaired class keeps."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("dqn-4"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "dqn-4")


def values(answer, steps, script, seen, **settings):
    """V of each state after so many steps of the repaired class, copied after every second."""
    agent = repaired(answer.repaired())(len(seen[0]), copy_every=2, seed=seeded(0), **settings)
    agent.learn(Script(*script, seen=seen), steps)
    return array(agent.Q(seen), (len(seen), 1), "Q")[:, 0]


@probe("repaired", "from state 0 to 1, 2, 3, and to 0 at the end: s and s' of the memory's four rows", expected=[[0, 1, 2, 3], [1, 2, 3, 0]])
def rows(answer):
    agent = repaired(answer.repaired())(4, seed=seeded(0))
    agent.learn(Script([(0.0, 1, "on"), (0.0, 2, "on"), (0.0, 3, "on"), (0.0, 0, "end")], seen=np.eye(4)), 4)
    return [[int(np.argmax(row[place])) for row in agent.memory[:4]] for place in (0, 3)]


@probe("repaired", "four states, 1 is paid in the second, γ = 0.5: V", expected=[0.5, 1.0, 0.0, 0.0], tolerance=0.02)
def four_states(answer):
    return values(answer, 100, [[(0.0, 1, "on"), (1.0, 2, "on"), (0.0, 3, "on"), (0.0, 0, "end")]], np.eye(4), gamma=0.5, rate=1.5)


@probe("repaired", "one state, 1 a step, cut after 2 steps, γ = 0.5: V", expected=[2.0], tolerance=0.02)
def cut(answer):
    return values(answer, 60, [[(1.0, 0, "on"), (1.0, 0, "cut")]], np.eye(1), gamma=0.5, rate=1.0)
