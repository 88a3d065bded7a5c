"""What V(s') and the advantages must be: by hand where one mistake shows at a time, then beside the library on rollouts with every kind of end."""

import numpy as np

from from_scratch.core import returns
from sb3_course.teaching.checks import array, probe

NO, YES = False, True
T = 10


def rollout():
    """reward, v, v_next, terminated, truncated [T], with ends of each kind: always the same numbers."""
    reward, v, v_next = np.random.default_rng(0).normal(size=(3, T)).round(1)
    t = np.arange(T)
    return reward, v, v_next, (t == 3) | (t == 7), (t == 1) | (t == 5)


# ------------------------------------------------------------------------------------------------------ V of next states


@probe("next_values", "v = 1 2 3, v_last = 4, a cut at step 1 in front of a state worth 7: V(s')", expected=[2.0, 7.0, 4.0])
def example(answer):
    found = answer.next_values(np.array([1.0, 2.0, 3.0]), np.array([0.0, 7.0, 0.0]), 4.0, np.array([NO, NO, NO]), np.array([NO, YES, NO]))
    return array(found, (3,), "V(s')")


@probe("next_values", "v = 1 2 3, v_last = 4, no end: V(s')", expected=[2.0, 3.0, 4.0])
def no_end(answer):
    found = answer.next_values(np.array([1.0, 2.0, 3.0]), np.zeros(3), 4.0, np.array([NO, NO, NO]), np.array([NO, NO, NO]))
    return array(found, (3,), "V(s')")


@probe("next_values", "v = 1 2 3, v_last = 4, cuts at steps 0 and 2 in front of states worth 7 and 9: V(s')", expected=[7.0, 3.0, 9.0])
def cut_at_the_end(answer):
    found = answer.next_values(np.array([1.0, 2.0, 3.0]), np.array([7.0, 0.0, 9.0]), 4.0, np.array([NO, NO, NO]), np.array([YES, NO, YES]))
    return array(found, (3,), "V(s')")


# ------------------------------------------------------------------------------------------------------------ advantages


@probe("gae", "two steps, reward 1, V = 0, the second terminates, γ = 0.5, λ = 1: Â", expected=[1.5, 1.0])
def worked_example(answer):
    return array(answer.gae(np.ones(2), np.zeros(2), np.zeros(2), np.array([NO, YES]), np.array([NO, NO]), 0.5, 1.0), (2,), "Â")


@probe("gae", "three steps of one episode, rewards 1 2 4, V = 0, no end, γ = 0.5, λ = 0.5: Â", expected=[1 + 0.5 + 0.25, 2 + 1, 4])
def one_episode(answer):
    return array(answer.gae(np.array([1.0, 2.0, 4.0]), np.zeros(3), np.zeros(3), np.array([NO] * 3), np.array([NO] * 3), 0.5, 0.5), (3,), "Â")


@probe("gae", "two episodes of two steps that terminate, reward 1, V = 0, γ = 0.9, λ = 1: Â", expected=[1.9, 1.0, 1.9, 1.0])
def two_episodes(answer):
    return array(answer.gae(np.ones(4), np.zeros(4), np.zeros(4), np.array([NO, YES, NO, YES]), np.array([NO] * 4), 0.9, 1.0), (4,), "Â")


@probe("gae", "two episodes of two steps that are cut, reward 1, V = 0, γ = 0.9, λ = 1: Â", expected=[1.9, 1.0, 1.9, 1.0])
def two_cuts(answer):
    return array(answer.gae(np.ones(4), np.zeros(4), np.zeros(4), np.array([NO] * 4), np.array([NO, YES, NO, YES]), 0.9, 1.0), (4,), "Â")


@probe("gae", "one step, reward 1, V(s) = 4, V(s') = 10, terminated, γ = 0.5, λ = 1: Â", expected=[-3.0])
def death(answer):
    return array(answer.gae(np.ones(1), np.array([4.0]), np.array([10.0]), np.array([YES]), np.array([NO]), 0.5, 1.0), (1,), "Â")


@probe("gae", "one step, reward 1, V(s) = 4, V(s') = 10, cut, γ = 0.5, λ = 1: Â", expected=[2.0])
def cut(answer):
    return array(answer.gae(np.ones(1), np.array([4.0]), np.array([10.0]), np.array([NO]), np.array([YES]), 0.5, 1.0), (1,), "Â")


@probe("gae", "one step, reward 1, V(s) = 4, V(s') = 10, and the rollout ends, γ = 0.5, λ = 1: Â", expected=[2.0])
def end_of_rollout(answer):
    return array(answer.gae(np.ones(1), np.array([4.0]), np.array([10.0]), np.array([NO]), np.array([NO]), 0.5, 1.0), (1,), "Â")


def by_the_library(gamma, lam):
    reward, v, v_next, terminated, truncated = rollout()
    return returns.gae(reward, gamma * ~terminated, v, v_next, lam * ~truncated)


@probe("gae", "10 steps with ends and cuts, γ = 0.99, λ = 0.95, beside from_scratch.core.returns.gae: Â", expected=lambda: by_the_library(0.99, 0.95))
def as_in_the_library(answer):
    return array(answer.gae(*rollout(), 0.99, 0.95), (T,), "Â")


@probe("gae", "10 steps with ends and cuts, γ = 0.9, λ = 0, beside the one-step errors: Â", expected=lambda: by_the_library(0.9, 0.0))
def one_step_errors(answer):
    return array(answer.gae(*rollout(), 0.9, 0.0), (T,), "Â")
