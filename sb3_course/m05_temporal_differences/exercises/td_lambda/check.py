"""What lambda_returns and evaluate must give: three steps by hand, the two ends λ = 0 and λ = 1, and the walk of the book."""

from functools import cache

import numpy as np

from sb3_course.teaching.checks import array, measured, probe, seeded

EPISODES = [
    [(0, 2.0, 1, False), (1, 0.0, 2, False), (2, 4.0, 3, True)],
    [(1, 1.0, 2, False), (2, 0.0, 0, False)],  # cut
    [(2, 1.0, 3, True)],
]
TWICE = [[(0, 2.0, 0, False), (0, 8.0, 1, True)]]
TRUE = np.arange(-9, 10) / 10
RUNS = 60


@cache
def walks(seed):
    """Ten episodes of the walk of figure 12.6, RUNS times; state 20 is behind the end on the right, 0 on the left."""
    rng = np.random.default_rng(seed)
    return [[walk(rng) for _ in range(10)] for _ in range(RUNS)]


def walk(rng):
    s, episode = 10, []
    while 0 < s < 20:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next == 20) - float(s_next == 0), s_next, s_next in (0, 20)))
        s = s_next
    return episode


# -------------------------------------------------------------------------------------------------------------- λ-returns


@probe("lambda_returns", "rewards 2 0 4 and the end, V = 1 before it, γ = 0.5, λ = 0.5: G", expected=[2.5625, 1.25, 4.0])
def three_steps(answer):
    return array(answer.lambda_returns(np.array([2.0, 0.0, 4.0]), np.array([1.0, 1.0, 0.0]), 0.5, 0.5), (3,), "it")


def of_a_cut(answer, lambda_):
    return array(answer.lambda_returns(np.array([1.0, 2.0]), np.array([4.0, 8.0]), lambda_, 0.5), (2,), "it")


@probe("lambda_returns", "rewards 1 2 and a cut, V(s') = 4 8, γ = 0.5, λ = 0.25: G", expected=[3.25, 6.0])
def cut(answer):
    return of_a_cut(answer, 0.25)


@probe("lambda_returns", "rewards 1 2 and a cut, V(s') = 4 8, γ = 0.5, λ = 0: G, the targets of TD(0)", expected=[3.0, 6.0])
def one_step(answer):
    return of_a_cut(answer, 0.0)


@probe("lambda_returns", "rewards 1 2 and a cut, V(s') = 4 8, γ = 0.5, λ = 1: G, the whole returns", expected=[4.0, 6.0])
def whole(answer):
    return of_a_cut(answer, 1.0)


# -------------------------------------------------------------------------------------------------------------- evaluate


@probe("evaluate", "three steps by hand, α = γ = λ = 0.5, V = 1 at first: V of states 0 to 2", expected=[1.78125, 1.125, 2.5])
def by_hand(answer):
    return array(answer.evaluate(EPISODES[:1], 4, 0.5, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "the same three steps with λ = 0, as TD(0): V of states 0 to 2", expected=[1.75, 0.75, 2.5])
def td0(answer):
    return array(answer.evaluate(EPISODES[:1], 4, 0.0, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "the same three steps with λ = 1, as Monte Carlo: V of states 0 to 2", expected=[2.0, 1.5, 2.5])
def monte_carlo(answer):
    return array(answer.evaluate(EPISODES[:1], 4, 1.0, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "three episodes by hand, the second cut, α = γ = λ = 0.5, V = 1 at first: V of states 0 to 2",
       expected=[1.78125, 1.486328125, 1.34765625])  # fmt: skip
def three_episodes(answer):
    return array(answer.evaluate(EPISODES, 4, 0.5, 0.5, 0.5, 1.0), (4,), "V")[:3]


@probe("evaluate", "a state visited twice, rewards 2 and 8, α = λ = 0.5, γ = 1: V", expected=[6.25])
def again(answer):
    return array(answer.evaluate(TWICE, 2, 0.5, 0.5, 1.0), (2,), "V")[:1]


@probe("evaluate", "a state visited twice, rewards 2 and 8, α = λ = 0.5, γ = 1, replacing traces: V", expected=[4.5])
def again_replacing(answer):
    return array(answer.evaluate(TWICE, 2, 0.5, 0.5, 1.0, replacing=True), (2,), "V")[:1]


@probe("evaluate", f"walk of 19 states, 10 episodes, α = 0.2, λ = 0.8, {RUNS} runs: RMS error", expected=0.171, tolerance=0.042, twice=False)
def figure_12_6(answer):
    V = np.array([array(answer.evaluate(episodes, 21, 0.8, 0.2, 1.0), (21,), "V")[1:20] for episodes in walks(seeded(0))])
    return measured(float(np.sqrt(((V - TRUE) ** 2).mean(1)).mean()), of=V.mean(0))
