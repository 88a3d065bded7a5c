"""Who has the bug, and what the repaired class must learn: scripts by hand."""

from sb3_course.teaching import hunts
from sb3_course.teaching.checks import array, probe
from sb3_course.teaching.hunts import Script, repaired

NOTHING = [(0.0, 1, "on"), (0.0, 0, "end")]
PAYS = [(1.0, 0, "end")]


@probe("diagnose", "is it this bug?", expected=lambda: hunts.diagnosed("tab-4"))
def who(answer):
    return hunts.diagnosis(answer.diagnose, "tab-4")


def learnt(answer, gamma, n, *episodes, n_states=2):
    agent = repaired(answer.repaired())(n_states, 1, gamma=gamma)
    agent.learn(Script(*episodes), n)
    return array(agent.Q, (n_states, 1), "Q")[:, 0]


@probe("repaired", "states 0, 1, 2 pay 0, 1, 4, one episode, α = γ = 0.5, λ = 0.9: Q", expected=[0.63, 1.4, 2.0])
def within(answer):
    return learnt(answer, 0.5, 1, [(0.0, 1, "on"), (1.0, 2, "on"), (4.0, 0, "end")], n_states=3)


@probe("repaired", "states 0 and 1 pay nothing; in the next episode state 0 pays 1 and ends, α = 0.5: Q", expected=[0.5, 0.0])
def across(answer):
    return learnt(answer, 1.0, 2, NOTHING, PAYS)


@probe("repaired", "states 0 and 1 pay nothing and there is a cut; in the next episode state 0 pays 1 and ends, α = 0.5: Q", expected=[0.5, 0.0])
def across_a_cut(answer):
    return learnt(answer, 1.0, 2, [(0.0, 1, "on"), (0.0, 0, "cut")], PAYS)


@probe("repaired", "states 0 and 1 pay 2 and 1, 300 episodes, γ = 1: Q", expected=[3.0, 1.0], tolerance=1e-6)
def in_the_end(answer):
    return learnt(answer, 1.0, 300, [(2.0, 1, "on"), (1.0, 0, "end")])
