"""Who has the bug, and what the repaired class must do and learn, by hand."""

import numpy as np
import torch

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, measured, probe, seeded
from sb3_course.teaching.hunts import Aim, Script, repaired

torch.set_num_threads(1)


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("ddpg-1"), twice=False)
def who(answer):
    return hunts.diagnosis(answer.diagnose, "ddpg-1")


def values(agent, actions):
    """Q of each state for its action, whether they come as a row, as a column, or as one number."""
    q = agent.value(agent.q, torch.eye(len(actions)), actions).detach()
    return array((q.expand(len(actions)) if q.ndim == 0 else q.reshape(-1)).numpy(), (len(actions),), "Q")


def forms(agent):
    """How many axes y and Q have, of a batch."""
    rows, column = torch.zeros(5, 2), torch.zeros(5, 1)
    return [float(agent.target(column[:, 0], rows, column[:, 0]).ndim), float(agent.value(agent.q, rows, column).ndim)]


@probe("repaired", "two states, whose best actions 0.5 and -0.5 earn -1 and 1, γ = 0, 250 steps, the middle of 3 seeds:",
       expected={"Q of these actions": [-1.0, 1.0], "the actor's actions": [0.5, -0.5]}, tolerance=0.2)  # fmt: skip
def aims(answer):
    found = []
    for k in range(3):  # one actor in seventy runs to the end of its range, and stays there
        agent = repaired(answer.repaired())(2, gamma=0.0, seed=seeded(k))
        agent.learn(Aim([-1, 1], [0.5, -0.5], seen=np.eye(2)), 250)
        actions = array(agent.act(agent.actor, torch.eye(2)).detach().numpy(), (2, 1), "actions")[:, 0]
        found.append((values(agent, torch.tensor([[0.5], [-0.5]])), actions))
    of_values, of_actions = np.median(found, 0)
    return measured({"Q of these actions": of_values, "the actor's actions": of_actions}, of=np.array(forms(agent)))


@probe("repaired", "1 is paid in the second and last state, whatever is done, γ = 0.5, 200 steps: Q of the action 0",
       expected=[0.5, 1.0], tolerance=0.1, twice=False)  # fmt: skip
def two_steps(answer):
    agent = repaired(answer.repaired())(2, gamma=0.5, seed=seeded(0))
    agent.learn(Script([(0.0, 1, "on"), (1.0, 0, "end")], seen=np.eye(2)), 200)
    return values(agent, torch.zeros(2, 1))
