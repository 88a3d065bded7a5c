"""Logs made by hand, each with one thing in it that a hurried monitor misses; then real ones.

On the real logs most mistakes go unseen: there all actions run away together, and far.
"""

import math
from functools import cache

import numpy as np

from sb3_course.teaching.checks import Mistake, measured, number, probe, seeded


def alarm(answer, q, target, r_max=1.0, gamma=0.5):
    found = number(answer.first_alarm(np.array(q, dtype=float), np.array(target, dtype=float), r_max, gamma), "the step")
    if found != int(found):
        raise Mistake(f"is {found}, should be a whole number")
    return found


def shares_of(answer, arms, r_max, gamma):
    found = answer.shares(arms, r_max, gamma)
    if not isinstance(found, dict):
        raise Mistake(f"is a {type(found).__name__}, should be a dict {{name: share}}")
    return {name: number(found.get(name, math.nan), f"the share of {name}") for name in arms}


@cache
def car(algorithm, seed):
    """Two runs of 800 steps of a deep Q-learner on MountainCar: q and target of each."""
    import torch

    import from_scratch

    torch.set_num_threads(1)
    more = {} if algorithm == "NaiveDeepQ" else {"batch_size": 32, "learning_starts": 100, "target_update_interval": 200}
    model = getattr(from_scratch, algorithm)("MlpPolicy", "MountainCar-v0", seeds=range(seed, seed + 2), learning_rate=1e-3, gamma=0.99,
                                             exploration_fraction=0.2, exploration_final_eps=0.05, **more)  # fmt: skip
    said = []

    def look(local, _):
        said.append(model.q.play(model.by_seed(model._last_obs))[:, 0])
        return True

    model.learn(800, callback=look)
    q = np.array(said, dtype=float)  # [T, S, n_actions]
    return [(q[:-1, k], -1 + 0.99 * q[1:, k].max(-1)) for k in range(2)]


# ----------------------------------------------------------------------------------------------------------------- bound


@probe("bound", "r_max = 1, γ = 0.99: the bound", expected=100.0, tolerance=1e-9)
def cartpole(answer):
    return number(answer.bound(1.0, 0.99), "the bound")


@probe("bound", "r_max = 3, γ = 0.5: the bound", expected=6.0, tolerance=1e-12)
def half(answer):
    return number(answer.bound(3.0, 0.5), "the bound")


@probe("bound", "r_max = 1, γ = 1: the bound is infinite", expected=True)
def undiscounted(answer):
    return bool(answer.bound(1.0, 1.0) == math.inf)


# ----------------------------------------------------------------------------------------------------------- first alarm


@probe("first_alarm", "r_max = 1, γ = 0.5, values within ±1.9: first alarm", expected=-1)
def within(answer):
    return alarm(answer, [[0.0, 1.9], [-1.9, 1.5], [1.2, -0.5]], [1.0, 1.5, 1.2])


@probe("first_alarm", "r_max = 1, γ = 0.5, a value of 2 and one of -2, which returns can just reach: first alarm", expected=-1)
def just_possible(answer):
    return alarm(answer, [[0.0, 2.0], [-2.0, 1.5]], [1.0, 1.0])


@probe("first_alarm", "(0, 1), (1.5, 2.5), (1, 1) and r_max = 1, γ = 0.5: first alarm", expected=1)
def above_and_back(answer):
    return alarm(answer, [[0.0, 1.0], [1.5, 2.5], [1.0, 1.0]], [1.0, 1.9, 0.6])


@probe("first_alarm", "(0, 1), (1, 1), (1, −3), (1, 1) and r_max = 1, γ = 0.5: first alarm", expected=2)
def below(answer):
    return alarm(answer, [[0.0, 1.0], [1.0, 1.0], [1.0, -3.0], [1.0, 1.0]], [1.0, 1.0, 1.0, 1.0])


@probe("first_alarm", "(0, 1), (1, NaN), (1, 1): first alarm", expected=1)
def not_a_number(answer):
    return alarm(answer, [[0.0, 1.0], [1.0, math.nan], [1.0, 1.0]], [1.0, 1.0, 1.0])


@probe("first_alarm", "(0, 1), (1, 1), (−∞, 1) with γ = 1: first alarm", expected=2)
def infinite(answer):
    return alarm(answer, [[0.0, 1.0], [1.0, 1.0], [-math.inf, 1.0]], [1.0, 1.0, 1.0], gamma=1.0)


@probe(
    "first_alarm", "a deep Q-learner without memory and target network, MountainCar, 800 steps: largest |Q| is beyond 100 and seen", expected=True, twice=False
)
def naive_on_the_car(answer):
    q, target = car("NaiveDeepQ", seeded(0))[0]
    found = number(answer.first_alarm(q, target, 1.0, 0.99), "the step")
    return measured(bool(0 <= found < len(q) and abs(q[int(found)]).max() > 100), of=found)


# ---------------------------------------------------------------------------------------------------------------- shares

TAME = [[0.0, 1.0], [1.0, 1.0]]
WILD = [
    [[0.0, 9.0], [0.0, 1.0]],
    [[-9.0, 0.0], [0.0, 1.0]],
    [[0.0, 1.0], [0.0, -9.0], [0.0, 1.0]],
    [[0.0, 1.0], [1.0, -4.0], [0.5, 0.5]],
    [[-9.0, -8.0], [0.0, 1.0]],
    [[0.0, 5.0], [0.0, 1.0]],
]


def run(q):
    return np.array(q), np.array(q).max(-1)


@probe("shares", "arm a, six runs of ten beyond the bound, each in its own way; arm b, none of three: the share of", expected={"a": 0.6, "b": 0.0})
def by_hand(answer):
    """Wrong answers are told apart by which of the six they see, for many see equally many."""
    found = shares_of(answer, {"a": [*map(run, WILD)] + [run(TAME)] * 4, "b": [run(TAME)] * 3}, 1.0, 0.5)
    each = shares_of(answer, {f"run {k}": [run(q)] for k, q in enumerate(WILD)}, 1.0, 0.5)
    return measured(found, of=[*found.values(), *each.values()])


@probe("shares", "MountainCar, 800 steps, two runs each: the share of", expected={"without memory and target": 1.0, "DQN": 0.0}, twice=False)
def arms_on_the_car(answer):
    return shares_of(answer, {"without memory and target": car("NaiveDeepQ", seeded(0)), "DQN": car("DiagnosedDQN", seeded(0))}, 1.0, 0.99)
