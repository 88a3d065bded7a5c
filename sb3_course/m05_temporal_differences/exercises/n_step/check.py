"""What returns and evaluate must give, most of it by hand: the mistakes are made at the ends of episodes, and long runs hardly show them."""

from functools import cache

import numpy as np

from sb3_course.teaching.checks import array, measured, probe, seeded

# Two episodes in one record: three steps and the end, two steps and a cut, and one step of a third.
R = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
V_NEXT = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
TERMINATED = np.array([False, False, True, False, False, False])
TRUNCATED = np.array([False, False, False, False, True, False])
EPISODES = [
    [(0, 2.0, 1, False), (1, 0.0, 2, False), (2, 4.0, 3, True)],
    [(1, 1.0, 2, False), (2, 0.0, 0, False)],  # cut
    [(2, 1.0, 3, True)],
]
TRUE = np.arange(-9, 10) / 10
RUNS = 60


@cache
def walks(seed):
    """Ten episodes of the walk of figure 7.2, RUNS times; state 20 is behind the end on the right, 0 on the left."""
    rng = np.random.default_rng(seed)
    return [[walk(rng) for _ in range(10)] for _ in range(RUNS)]


def walk(rng):
    s, episode = 10, []
    while 0 < s < 20:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next == 20) - float(s_next == 0), s_next, s_next in (0, 20)))
        s = s_next
    return episode


# --------------------------------------------------------------------------------------------------------------- returns


def given_returns(answer, n, gamma=0.5):
    return array(answer.returns(R, V_NEXT, TERMINATED, TRUNCATED, n, gamma), (6,), "it")


@probe("returns", "three steps and the end, γ = 0.5, n = 2: G", expected=[12.0, 4.0, 4.0])
def to_the_end(answer):
    return array(answer.returns(R[:3], np.array([1.0, 40.0, 7.0]), TERMINATED[:3], TRUNCATED[:3], 2, 0.5), (3,), "it")


@probe("returns", "a record of two episodes, the second cut, and a step of a third, γ = 0.5, n = 1: G", expected=[6.0, 12.0, 4.0, 28.0, 41.0, 62.0])
def one(answer):
    return given_returns(answer, 1)


@probe("returns", "a record of two episodes, the second cut, and a step of a third, γ = 0.5, n = 2: G", expected=[7.0, 4.0, 4.0, 28.5, 41.0, 62.0])
def two(answer):
    return given_returns(answer, 2)


@probe("returns", "a record of two episodes, the second cut, and a step of a third, γ = 0.5, n = 4: G", expected=[3.0, 4.0, 4.0, 28.5, 41.0, 62.0])
def four(answer):
    return given_returns(answer, 4)


# -------------------------------------------------------------------------------------------------------------- evaluate


@probe("evaluate", "one episode by hand, α = γ = 0.5, n = 2, V = 1 at first: V of states 0 to 2", expected=[1.625, 1.5, 2.5])
def one_episode(answer):
    return array(answer.evaluate(EPISODES[:1], 4, 2, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "three episodes by hand, the second cut, α = γ = 0.5, n = 2, V = 1 at first: V of states 0 to 2", expected=[1.625, 1.453125, 1.328125])
def three_episodes(answer):
    return array(answer.evaluate(EPISODES, 4, 2, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "a state visited three times, rewards 2, 2, 8 and the end, α = 0.5, γ = 1, n = 1: V", expected=[5.0])
def again(answer):
    return array(answer.evaluate([[(0, 2.0, 0, False), (0, 2.0, 0, False), (0, 8.0, 1, True)]], 2, 1, 0.5, 1.0), (2,), "V")[:1]


@probe("evaluate", f"walk of 19 states, 10 episodes, α = 0.3, n = 4, {RUNS} runs: RMS error", expected=0.16, tolerance=0.045, twice=False)
def figure_7_2(answer):
    V = np.array([array(answer.evaluate(episodes, 21, 4, 0.3, 1.0), (21,), "V")[1:20] for episodes in walks(seeded(0))])
    return measured(float(np.sqrt(((V - TRUE) ** 2).mean(1)).mean()), of=V.mean(0))
