"""What targets and advantages must be: by hand, at the fixed point of a bandit, and beside the library on a rollout with every kind of end."""

import numpy as np

from from_scratch.core import returns
from sb3_course.teaching.checks import array, probe

NO, YES = False, True
T = 10


def flags(*where, T):
    return np.array([t in where for t in range(T)])


def rollout():
    """reward, v, v_next, ratio, terminated, truncated [T]: always the same numbers."""
    rng = np.random.default_rng(0)
    reward, v_next, log_ratio = rng.normal(size=(3, T)).round(1)
    return reward, np.append(0.3, v_next[:-1]), v_next, np.exp(log_ratio).round(1), flags(3, 7, T=T), flags(1, 5, T=T)


def by_the_library(rho_bar, c_bar):
    """Targets and advantages."""
    reward, v, v_next, ratio, terminated, truncated = rollout()
    return returns.vtrace(reward, 0.9 * ~terminated, v, v_next, 1.0 * ~truncated, ratio, rho_bar, c_bar)


# --------------------------------------------------------------------------------------------------------------- targets


@probe("targets", "rewards 1 1, V = 0, ratios 2 0.5, the second step terminates, γ = 0.5: v", expected=[1.25, 0.5])
def worked_example(answer):
    found = answer.targets(np.ones(2), np.zeros(2), np.zeros(2), np.array([2.0, 0.5]), np.array([NO, YES]), np.array([NO, NO]), 0.5)
    return array(found, (2,), "v")


@probe("targets", "rewards 1 2 4, V = 0, all ratios 1 (played by π itself), no end, γ = 0.5: v", expected=[3.0, 4.0, 4.0])
def on_policy(answer):
    found = answer.targets(np.array([1.0, 2.0, 4.0]), np.zeros(3), np.zeros(3), np.ones(3), flags(T=3), flags(T=3), 0.5)
    return array(found, (3,), "v")


@probe("targets", "rewards 1 2, V = 2 3, V(s') = 3 4, ratios 1, no end, γ = 0.5: v", expected=[3.0, 4.0])
def with_values(answer):
    found = answer.targets(np.array([1.0, 2.0]), np.array([2.0, 3.0]), np.array([3.0, 4.0]), np.ones(2), flags(T=2), flags(T=2), 0.5)
    return array(found, (2,), "v")


@probe("targets", "rewards 1 2 4, V = 0, all ratios 3, ρ̄ = 2, c̄ = 1, no end, γ = 0.5: v", expected=[6.0, 8.0, 8.0])
def two_limits(answer):
    found = answer.targets(np.array([1.0, 2.0, 4.0]), np.zeros(3), np.zeros(3), np.full(3, 3.0), flags(T=3), flags(T=3), 0.5, 2.0, 1.0)
    return array(found, (3,), "v")


@probe("targets", "one step, reward 1, V(s) = 4, V(s') = 10, ratio 0.5, terminated, γ = 0.5: v", expected=[2.5])
def death(answer):
    return array(answer.targets(np.ones(1), np.array([4.0]), np.array([10.0]), np.array([0.5]), np.array([YES]), np.array([NO]), 0.5), (1,), "v")


@probe("targets", "one step, reward 1, V(s) = 4, V(s') = 10, ratio 0.5, cut, γ = 0.5: v", expected=[5.0])
def cut(answer):
    return array(answer.targets(np.ones(1), np.array([4.0]), np.array([10.0]), np.array([0.5]), np.array([NO]), np.array([YES]), 0.5), (1,), "v")


@probe("targets", "two episodes of two steps, cut and terminated, rewards 1, V = 0, ratios 1, γ = 0.5: v", expected=[1.5, 1.0, 1.5, 1.0])
def two_episodes(answer):
    found = answer.targets(np.ones(4), np.zeros(4), np.zeros(4), np.ones(4), flags(3, T=4), flags(1, T=4), 0.5)
    return array(found, (4,), "v")


@probe("targets", "a bandit that pays 1 or 0, μ = 0.5 0.5, π = 0.9 0.1, ρ̄ = 1: the V that its mean target leaves as it is", expected=5 / 6, tolerance=1e-6)
def fixed_point(answer):
    """Of the policy in proportion to min(ρ̄ μ, π), which is 5/6 and 1/6: between μ and π."""
    V = 0.0
    for _ in range(40):
        V = np.mean([array(answer.targets(np.array([r]), np.array([V]), np.zeros(1), np.array([ratio]), np.array([YES]), np.array([NO]), 0.5), (1,), "v")[0]
                     for r, ratio in ((1.0, 1.8), (0.0, 0.2))])  # fmt: skip
    return V


@probe("targets", "10 steps with ends and cuts, ρ̄ = 1.5, c̄ = 1, γ = 0.9, beside from_scratch.core.returns.vtrace: v",
       expected=lambda: by_the_library(1.5, 1.0)[0])  # fmt: skip
def as_in_the_library(answer):
    return array(answer.targets(*rollout(), 0.9, 1.5, 1.0), (T,), "v")


# ------------------------------------------------------------------------------------------------------------ advantages


@probe("advantages", "rewards 1 1, V = 0, v = 1.25 0.5, ratios 2 0.5, the second step terminates, γ = 0.5: advantages", expected=[1.25, 0.5])
def advantages_by_hand(answer):
    found = answer.advantages(np.ones(2), np.zeros(2), np.zeros(2), np.array([1.25, 0.5]), np.array([2.0, 0.5]), np.array([NO, YES]), np.array([NO, NO]), 0.5)
    return array(found, (2,), "advantages")


@probe("advantages", "three steps that end the rollout, are cut and terminate; reward 1, V(s) = 4, V(s') = 10, v = 7, ratio 0.5, γ = 0.5: advantages",
       expected=[1.0, 1.0, -1.5])  # fmt: skip
def ends(answer):
    one, found = [np.ones(1), np.array([4.0]), np.array([10.0]), np.array([7.0]), np.array([0.5])], list[float]()
    for terminated, truncated in ((NO, NO), (NO, YES), (YES, NO)):
        found.append(array(answer.advantages(*one, np.array([terminated]), np.array([truncated]), 0.5), (1,), "advantages")[0])
    return found


@probe("advantages", "10 steps with ends and cuts, ρ̄ = 1.5, γ = 0.9, beside from_scratch.core.returns.vtrace: advantages",
       expected=lambda: by_the_library(1.5, 1.0)[1])  # fmt: skip
def advantages_as_in_the_library(answer):
    reward, v, v_next, ratio, terminated, truncated = rollout()
    found = array(answer.advantages(reward, v, v_next, by_the_library(1.5, 1.0)[0], ratio, terminated, truncated, 0.9, 1.5), (T,), "advantages")
    return found
