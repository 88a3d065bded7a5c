"""Who has the bug, and what targets the repaired class makes."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("dqn-5"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "dqn-5")


def values(answer, steps, script, seen, **settings):
    """V of each state after so many steps of the repaired class, copied after every second."""
    agent = repaired(answer.repaired())(len(seen[0]), copy_every=2, seed=seeded(0), **settings)
    agent.learn(Script(*script, seen=seen), steps)
    return array(agent.Q(seen), (len(seen), 1), "Q")[:, 0]


@probe("repaired", "Q(s', ·; θ⁻) = 1 5, 4 2, 3 0, rewards 0 0 1, the third ends, γ = 0.5: y", expected=[[2.5], [2.0], [1.0]], tolerance=1e-5)
def by_hand(answer):
    agent = repaired(answer.repaired())(3, 2, gamma=0.5)
    with torch.no_grad():
        agent.q_target.weight.copy_(torch.tensor([[1.0, 4.0, 3.0], [5.0, 2.0, 0.0]]))
    return array(agent.target(torch.tensor([[0.0], [0.0], [1.0]]), torch.eye(3), torch.tensor([[0.0], [0.0], [1.0]])), (3, 1), "y")


@probe("repaired", "four states, 1 is paid in the second, γ = 0.5: V", expected=[0.5, 1.0, 0.0, 0.0], tolerance=0.02)
def four_states(answer):
    return values(answer, 100, [[(0.0, 1, "on"), (1.0, 2, "on"), (0.0, 3, "on"), (0.0, 0, "end")]], np.eye(4), gamma=0.5, rate=1.5)


@probe("repaired", "two states, -1 is paid in the first and 1 in the second, γ = 0: V", expected=[-1.0, 1.0], tolerance=0.02)
def two_states(answer):
    return values(answer, 60, [[(-1.0, 1, "on"), (1.0, 0, "end")]], np.eye(2), gamma=0.0, rate=1.0)
