"""Who has the bug, and how the repaired class must choose among equals, and among nearly equal actions."""

import gymnasium as gym
import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import probe, seeded
from sb3_course.teaching.hunts import repaired


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("tab-2"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "tab-2")


def shares(answer, Q):
    """How often each action is chosen, of 4000 times, without exploring."""
    agent = repaired(answer.repaired())(1, 4, epsilon=0.0, seed=seeded(0))
    agent.Q[0] = Q
    return np.bincount([agent.choose(0) for _ in range(4000)], minlength=4) / 4000


@probe("repaired", "Q = [0, 0, 0, 0], ε = 0: share of each action", expected=[0.25, 0.25, 0.25, 0.25], tolerance=0.03)
def ties(answer):
    return shares(answer, [0.0, 0.0, 0.0, 0.0])


@probe("repaired", "Q = [0, 1, 0.99, 1], ε = 0: share of each action", expected=[0.0, 0.5, 0.0, 0.5], tolerance=0.035)
def best(answer):
    return shares(answer, [0.0, 1.0, 0.99, 1.0])


@probe("repaired", "deterministic lake, γ = 0.99: goals in episodes 501 to 1000", between=(200, 500), twice=False)
def lake(answer):
    agent = repaired(answer.repaired())(16, 4, gamma=0.99, seed=seeded(0))
    return float(np.sum(agent.learn(gym.make("FrozenLake-v1", is_slippery=False), 1000)[500:]))
