"""Whether the counterexamples are some: means are computed here, over both actions."""

import math

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, number, probe
from sb3_course.teaching.outputs import short

LACKING = {"A": "d", "B": "b", "C": "g", "D": "c"}


def parts(found, *names):
    """What was given, as many things as there are names."""
    if not isinstance(found, tuple | list) or len(found) != len(names):
        raise Mistake(f"it gives {short(found)}, should be {', '.join(names)}")
    return found


def policy(theta):
    """π [2] and d ln π(a) / dθ [2]."""
    theta = number(theta, "θ")
    if abs(theta) > 20:
        raise Mistake(f"cannot be judged: θ is {theta:g}, and p is 0 or 1 up to rounding; take one between -20 and 20")
    p = 1 / (1 + math.exp(-theta))
    return np.array([1 - p, p]), np.array([-p, 1 - p])


def apart(followed, true):
    """followed · true over its size: −1 where the signs differ, 1 where they are the same. Mistake if one is 0."""
    for name, value in (("what is followed", followed), ("dJ/dθ", true)):
        if abs(value) <= 0.01:
            raise Mistake(f"cannot be judged: {name} is {value:.4g}, should be farther than 0.01 from 0")
    return measured(float(np.sign(followed * true)), of=np.array([followed, true]))


@probe("missing", "what A, B, C and D lack", expected=True)
def named(answer):
    """The right letters are not told: to find them is the exercise."""
    found = answer.missing()
    if not isinstance(found, dict) or sorted(found) != list(LACKING):
        raise Mistake(f"cannot be judged: missing gives {short(found)}, should be a dict of A, B, C, D")
    wrong = [f"{statement} does not lack '{found[statement]}'" for statement in LACKING if found[statement] != LACKING[statement]]
    if wrong:
        raise Mistake("not all letters are right; " + ", ".join(wrong))
    return True


@probe("biased_baseline", "the mean of b(A) ∇ ln π(A), which is taken away, without its sign", between=(0.1, np.inf))
def bias(answer):
    theta, r, b = parts(answer.biased_baseline(), "θ", "r", "b")
    pi, score = policy(theta)
    r, b = array(r, (2,), "r"), array(b, (2,), "b")
    taken = float(pi @ (r * score) - pi @ ((r - b) * score))
    return measured(abs(taken), of=np.array([taken, *b]))


@probe("downhill", "γ = 0.5: the sign of (what B calls ∇J) times the sign of dJ/dθ", expected=-1.0)
def signs(answer):
    theta, r = parts(answer.downhill(), "θ", "r")
    pi, _ = policy(theta)
    gain = pi[0] * pi[1] * np.diff(array(r, (2, 2), "r"), axis=1)[:, 0]  # of action 1 over action 0, in each step
    return apart(gain[0] + gain[1], gain[0] + 0.5 * gain[1])


@probe("samples_of_another", "the sign of the mean of r(A) ∇ ln π(A) under the other times the sign of dJ/dθ", expected=-1.0)
def another(answer):
    theta, r, q = parts(answer.samples_of_another(), "θ", "r", "q")
    pi, score = policy(theta)
    r, q = array(r, (2,), "r"), number(q, "q")
    if not 0 <= q <= 1:
        raise Mistake(f"q is {q:g}, should be a probability")
    return apart(float(np.array([1 - q, q]) @ (r * score)), float(pi @ (r * score)))


@probe("moving_reward", "the mean of r(A) ∇ ln π(A) less dJ/dθ, without its sign", between=(0.1, np.inf))
def moved(answer):
    theta, reward = parts(answer.moving_reward(), "θ", "reward")
    if not callable(reward):
        raise Mistake(f"reward is {short(reward)}, should be a function reward(theta, a)")
    theta = number(theta, "θ")
    pi, score = policy(theta)

    def rewards(theta):
        return np.array([number(reward(theta, a), f"reward(theta, {a})") for a in range(2)])

    def J(theta):
        return float(policy(theta)[0] @ rewards(theta))

    sampled, true = float(pi @ (rewards(theta) * score)), (J(theta + 1e-5) - J(theta - 1e-5)) / 2e-5
    return measured(abs(sampled - true), of=np.array([sampled, true]).round(6))
