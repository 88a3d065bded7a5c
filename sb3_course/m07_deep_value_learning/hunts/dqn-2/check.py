"""Who has the bug, and how the repaired class copies."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, measured, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("dqn-2"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "dqn-2")


def values(answer, steps, script, seen, **settings):
    """V of each state after so many steps of the repaired class, copied after every second."""
    agent = repaired(answer.repaired())(len(seen[0]), copy_every=2, seed=seeded(0), **settings)
    agent.learn(Script(*script, seen=seen), steps)
    return array(agent.Q(seen), (len(seen), 1), "Q")[:, 0]


def weights(answer, changed):
    """θ and θ⁻ after a copy, when θ was 3; `changed` is then added to θ."""
    agent = repaired(answer.repaired())(1)
    torch.nn.init.constant_(agent.q.weight, 3.0)
    agent.copy()
    with torch.no_grad():
        agent.q.weight.add_(changed)
    return [agent.q.weight.item(), agent.q_target.weight.item()]


@probe("repaired", "θ = 3: θ and θ⁻ after a copy", expected=[3.0, 3.0], tolerance=1e-6)
def copied(answer):
    return weights(answer, 0.0)


@probe("repaired", "θ = 3, copied, then 2 is added to θ: θ and θ⁻", expected=[5.0, 3.0], tolerance=1e-6)
def of_its_own(answer):
    return weights(answer, 2.0)


@probe("repaired", "two states that share a weight, 1 is paid a step, γ = 0.9, 100 steps: the largest |Q|", between=(0.0, 10.0), twice=False)
def bounded(answer):
    agent = repaired(answer.repaired())(2, copy_every=20, seed=seeded(0))
    env = Script([(1.0, 1, "cut")], [(1.0, 1, "cut")], [(1.0, 1, "on"), (1.0, 1, "cut")], seen=[[1, 0.5], [2, 0]])
    agent.learn(env, 100)
    found = array(agent.Q(env.seen), (2, 1), "Q")
    return measured(float(np.abs(found).max()), of=found)
