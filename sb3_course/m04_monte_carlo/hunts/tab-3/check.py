"""Who has the bug, and what the repaired class must learn, by hand."""

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import Script, repaired


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("tab-3"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "tab-3")


def learnt(answer, n_states, gamma, *episodes):
    agent = repaired(answer.repaired())(n_states, 1, gamma=gamma)
    agent.learn(Script(*episodes), len(episodes))
    return array(agent.Q, (n_states, 1), "Q")[:, 0]


@probe("repaired", "state 0 three times, each step pays 1, γ = 1: Q", expected=[3.0])
def three_visits(answer):
    return learnt(answer, 1, 1.0, [(1.0, 0, "on"), (1.0, 0, "on"), (1.0, 0, "end")])


@probe("repaired", "states 0, 1, 0 pay 1, 2, 3, γ = 0.5: Q", expected=[2.75, 3.5])
def back_again(answer):
    return learnt(answer, 2, 0.5, [(1.0, 1, "on"), (2.0, 0, "on"), (3.0, 0, "end")])


@probe("repaired", "two episodes of one step that pay 4 and 0: Q", expected=[2.0])
def mean_of_two(answer):
    return learnt(answer, 1, 1.0, [(4.0, 0, "end")], [(0.0, 0, "end")])
