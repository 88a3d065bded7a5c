"""Who has the bug, and what the repaired class must learn: scripts by hand, then the cliff."""

import gymnasium as gym
import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import probe, seeded
from sb3_course.teaching.hunts import Script, repaired


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("tab-1"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "tab-1")


@probe("repaired", "one step that pays 1 and ends, 60 episodes: Q", expected=1.0, tolerance=1e-6)
def one_step(answer):
    agent = repaired(answer.repaired())(1, 1, gamma=0.9)
    agent.learn(Script([(1.0, 0, "end")]), 60)
    return agent.Q[0, 0]


@probe("repaired", "every other episode is cut in front of a state worth 1, γ = 0.9: Q of the step before", expected=0.9, tolerance=1e-6)
def cut(answer):
    agent = repaired(answer.repaired())(2, 1, gamma=0.9)
    agent.learn(Script([(0.0, 1, "on"), (1.0, 0, "end")], [(0.0, 1, "cut")]), 120)
    return agent.Q[0, 0]


@probe("repaired", "CliffWalking-v1, mean of episodes 101 to 200", between=(-150.0, 0.0), twice=False)
def cliff(answer):
    agent = repaired(answer.repaired())(48, 4, seed=seeded(0))
    return float(np.mean(agent.learn(gym.make("CliffWalking-v1"), 200)[100:]))
