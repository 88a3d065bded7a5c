"""Who has the bug, and whether the repaired class's density is one."""

import math

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import measured, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("sac-1"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "sac-1")


def density(answer, mean, log_std):
    """Actions and log π of the repaired class, on a fine grid of noise."""
    agent = repaired(answer.repaired())(1)
    with torch.no_grad():
        agent.actor.weight.copy_(torch.tensor([[mean], [log_std]]))
        actions, log_pi = agent.policy(torch.ones(801, 1), torch.linspace(-4, 4, 801).reshape(-1, 1))
    return actions[:, 0].numpy(), log_pi.numpy()


@probe("repaired", "μ = 0.5, σ = 1, noise -4, 0 and 4: actions", expected=[math.tanh(-3.5), math.tanh(0.5), math.tanh(4.5)], tolerance=1e-5)
def actions(answer):
    return density(answer, 0.5, 0.0)[0][[0, 400, 800]]


@probe("repaired", "(μ, log σ) = (0, 0), (1, -1), (-0.5, 0.3): the integral of exp(log π)", expected=[1.0, 1.0, 1.0], tolerance=2e-3)
def area(answer):
    return [float(np.trapezoid(np.exp(log_pi), a)) for a, log_pi in (density(answer, 0.0, 0.0), density(answer, 1.0, -1.0), density(answer, -0.5, 0.3))]


@probe("repaired", "nothing is ever paid, 60 steps, rate 0.5: log σ", between=(-0.4, 0.2), twice=False)
def spread(answer):
    """The widest that a squashed Gaussian can be spread over (−1, 1) is log σ = −0.13."""
    agent = repaired(answer.repaired())(1, rate=0.5, seed=seeded(0))
    agent.learn(Script([(0.0, 0, "cut")], seen=[[1]]), 60)
    mean, log_std = (float(x) for x in agent.actor.weight.detach()[:, 0])
    return measured(log_std, of=[mean, log_std])
