"""Who has the bug, and how the repaired class's target follows."""

import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import measured, probe, seeded
from sb3_course.teaching.hunts import Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("sac-2"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "sac-2")


def followed(answer, n, tau):
    """A weight of the target after n steps from 0 towards 10, and the critic's."""
    agent = repaired(answer.repaired())(1, tau=tau)
    torch.nn.init.constant_(agent.q.weight, 10.0)
    for _ in range(n):
        agent.track()
    return [agent.q_target.weight[0, 0].item(), agent.q.weight[0, 0].item()]


@probe("repaired", "a weight is 10, the target's 0, τ = 0.1: the target's after one step", expected=1.0, tolerance=1e-5)
def one_step(answer):
    found = followed(answer, 1, 0.1)
    return measured(found[0], of=found)


@probe("repaired", "a weight is 10, the target's 0, τ = 0.1: the target's after three steps, and the critic's", expected=[2.71, 10.0], tolerance=1e-5)
def three_steps(answer):
    return followed(answer, 3, 0.1)


@probe("repaired", "1 is paid a step, γ = 0.9, α = 0, 40 steps, two states that share a weight: the largest |Q|", between=(0.0, 10.0), twice=False)
def bounded(answer):
    agent = repaired(answer.repaired())(2, alpha=0.0, rate=0.2, seed=seeded(0))
    env = Script([(1.0, 1, "on"), (1.0, 1, "cut")], seen=[[1, 0.5], [2, 0]])
    agent.learn(env, 40)
    q = agent.value(agent.q, torch.tensor(env.seen), torch.zeros(2, 1))
    return q.abs().max().item()
