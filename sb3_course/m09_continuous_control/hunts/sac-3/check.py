"""Who has the bug, and what the repaired class's target holds."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("sac-3"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "sac-3")


def entropy():
    """Of tanh of a standard normal, by quadrature."""
    u = np.linspace(-8, 8, 4001)
    normal = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    return float(np.trapezoid(normal * (-np.log(normal) + np.log(1 - np.tanh(u) ** 2)), u))


def mean_target(answer, reward, ends, **settings):
    """The mean of 20,000 targets of a new agent, whose Q is 0 and whose policy is tanh of a standard normal."""
    agent = repaired(answer.repaired())(1, seed=seeded(0), **settings)
    y = agent.target(torch.full((20_000,), reward), torch.ones(20_000, 1), torch.full((20_000,), ends))
    return float(array(y, (20_000,), "y").mean())


@probe("repaired", "reward 1, Q = 0, α = 0.2, γ = 0.9: mean of y", expected=lambda: 1 + 0.9 * 0.2 * entropy(), tolerance=2e-3)
def with_entropy(answer):
    return mean_target(answer, 1.0, 0.0)


@probe("repaired", "reward 1, Q = 0, α = 2, γ = 0.5, the episode ends: mean of y", expected=1.0, tolerance=1e-5)
def at_the_end(answer):
    return mean_target(answer, 1.0, 1.0, alpha=2.0, gamma=0.5)


@probe("repaired", "nothing is ever paid, γ = 0.5, τ = 1, 40 steps: Q(s, 0)", between=(0.04, 0.16), twice=False)
def nothing_paid(answer):
    """In the long run γ α H / (1 − γ), with an entropy H of at most log 2; a few steps short of it."""
    agent = repaired(answer.repaired())(1, gamma=0.5, tau=1.0, rate=0.3, seed=seeded(0))
    agent.learn(Script([(0.0, 0, "cut")], seen=[[1]]), 40)
    return agent.q.weight[0, 0].item()
