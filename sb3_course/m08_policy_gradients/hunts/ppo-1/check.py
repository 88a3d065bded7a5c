"""Who has the bug, and what the repaired class must keep of an action, and play."""

import numpy as np

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import probe, seeded
from sb3_course.teaching.hunts import OneHot, repaired

ENDLESS = [(0.0, 0, "on")] * 100


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("ppo-1"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "ppo-1")


def rollout(answer, mean, n_steps):
    """Of a policy with this mean and σ = 1: the agent, the rollout, and what was played."""
    agent, env = repaired(answer.repaired())(1, n_steps=n_steps, seed=seeded(0)), OneHot(1, ENDLESS * (n_steps // 100))
    agent.theta = np.array([mean, 0.0])
    return agent, agent.play(env)[0], np.array(env.played)


@probe("repaired", "mean 3, σ = 1, a rollout: the largest ratio of its first minibatch, and the smallest", expected=[1.0, 1.0], tolerance=1e-6)
def first_ratios(answer):
    agent, b, _ = rollout(answer, 3.0, 100)
    ratio = np.exp(agent.log_prob(b["x"], b["a"]) - b["log_prob"])
    return [ratio.max(), ratio.min()]


@probe("repaired", "mean 0, σ = 1, a rollout of 100 steps: the smallest and the largest action that the environment was given", expected=[-1.0, 1.0])
def played(answer):
    _, _, actions = rollout(answer, 0.0, 100)
    return [actions.min(), actions.max()]


@probe("repaired", "mean 3, σ = 1, a rollout of 400 steps: the mean of the actions that are kept, which is that of the policy", expected=3.0, tolerance=0.25)
def kept(answer):
    _, b, _ = rollout(answer, 3.0, 400)
    return float(np.mean(b["a"]))
