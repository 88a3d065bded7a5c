"""What the search looks at, and where it stops: by hand on a line, then on a bandit whose steps are too long."""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, number, probe

OLD, NEW = np.log([[0.5, 0.5], [0.8, 0.2]]), np.log([[0.25, 0.75], [0.5, 0.5]])
D, ADVANTAGE = np.array([0.25, 0.75]), np.array([[1.0, -1.0], [0.5, -2.0]])


def both(found):
    """What objective_and_kl gives: two numbers."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be L, KL")
    return [number(found[0], "L"), number(found[1], "KL")]


def searched(answer, words, step, delta, n_tries=10):
    """From θ = 0 with shrinking ½, L and KL being `words` of x: where it ends, whether it moved, and all that was tried but the old θ."""
    asked = list[float]()

    def told(theta):
        asked.append(round(float(theta[0]), 9))
        return eval(words, {"x": float(theta[0]), "abs": abs})

    told.__name__ = f"lambda theta: [{words} for x in theta][0]"

    found = answer.line_search(np.zeros(1), np.array([float(step)]), told, delta, 0.5, n_tries)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be θ, and whether it moved")
    theta, moved = array(found[0], (1,), "θ"), found[1]
    if not isinstance(moved, bool | np.bool_):
        raise Mistake(f"it says that it moved: {moved}, should be True or False")
    return theta[0], bool(moved), [x for x in asked if x != 0]


# -------------------------------------------------------------------------------------------------- what it looks at


@probe("objective_and_kl", "one state, π_old = 0.5 0.5, π = 0.25 0.75, Â = 1 -1: L and KL(π_old ‖ π)", expected=[-0.5, 0.5 * np.log(2) + 0.5 * np.log(2 / 3)],
       tolerance=1e-7)  # fmt: skip
def one_state(answer):
    return both(answer.objective_and_kl(NEW[:1].copy(), OLD[:1].copy(), np.ones(1), ADVANTAGE[:1].copy()))


@probe("objective_and_kl", "the old policy itself, two states: L and KL", expected=[0.0, 0.0], tolerance=1e-7)
def itself(answer):
    """Advantages have mean 0 under the old policy: 0.8 · 0.5 is 0.2 · 2."""
    return both(answer.objective_and_kl(OLD.copy(), OLD.copy(), D.copy(), ADVANTAGE.copy()))


@probe("objective_and_kl", "two states, d = 0.25 0.75, π_old = 0.5 0.5 and 0.8 0.2, π = 0.25 0.75 and 0.5 0.5, Â = 1 -1 and 0.5 -2: L and KL", tolerance=1e-7,
       expected=lambda: [0.25 * -0.5 + 0.75 * -0.75, 0.25 * 0.5 * np.log(4 / 3) + 0.75 * (0.8 * np.log(1.6) + 0.2 * np.log(0.4))])  # fmt: skip
def two_states(answer):
    return both(answer.objective_and_kl(NEW.copy(), OLD.copy(), D.copy(), ADVANTAGE.copy()))


# ------------------------------------------------------------------------------------------------------------ the search


@probe("line_search", "L = θ, KL = 0, θ = 0, step 8, δ = 1, which is good as it is: θ", expected=8.0)
def whole_step(answer):
    theta, _, tried = searched(answer, "(x, 0.0)", 8, 1.0)
    return measured(theta, of=[theta, *tried])


@probe("line_search", "L = θ, KL = θ²/10, θ = 0, step 8, δ = 1, shrinking 0.5: θ", expected=2.0)
def near_enough(answer):
    theta, _, tried = searched(answer, "(x, x * x / 10)", 8, 1.0)
    return measured(theta, of=[theta, *tried])


@probe("line_search", "L = 2.5 − |θ − 2.5|, KL = 0, θ = 0, step 8, δ = 1, shrinking 0.5: θ", expected=4.0)
def better_than_before(answer):
    theta, _, tried = searched(answer, "(2.5 - abs(x - 2.5), 0.0)", 8, 1.0)
    return measured(theta, of=[theta, *tried])


@probe("line_search", "L = 0 and KL = 0 everywhere, θ = 0, step 8, 3 tries, which never gets better: θ, and 1 if it moved", expected=[0.0, 0.0])
def no_better(answer):
    theta, moved, tried = searched(answer, "(0.0, 0.0)", 8, 1.0, 3)
    return measured([theta, float(moved)], of=[theta, *tried])


@probe("line_search", "L = −θ, KL = 0, θ = 0, step 8, 3 tries, which makes everything worse: θ, and 1 if it moved", expected=[0.0, 0.0])
def worse(answer):
    theta, moved, tried = searched(answer, "(-x, 0.0)", 8, 1.0, 3)
    return measured([theta, float(moved)], of=[theta, *tried])


@probe("line_search", "L = θ − 100, KL = 0, θ = 0, step 8, δ = 1, where the old θ has L = −100: θ, and 1 if it moved", expected=[8.0, 1.0])
def below_zero(answer):
    theta, moved, tried = searched(answer, "(x - 100, 0.0)", 8, 1.0)
    return measured([theta, float(moved)], of=[theta, *tried])


@probe("line_search", "L = θ, KL = 2 beyond θ = 1, step 8, shrinking 0.5, 3 tries, of which none is near enough: what was tried", expected=[8.0, 4.0, 2.0])
def tried(answer):
    theta, _, asked = searched(answer, "(x, 2.0 * (x > 1))", 8, 1.0, 3)
    if len(asked) > 3:
        raise Mistake(f"is {' '.join(f'{x:g}' for x in asked)}, should be 8 4 2: each θ asked for once")
    return measured(asked, of=[theta, *asked])


@probe("line_search", "theta after the call, which was 0", expected=[0.0])
def left_alone(answer):
    theta = np.zeros(1)
    answer.line_search(theta, np.array([8.0]), lambda x: (float(x[0]), float(x[0]) ** 2 / 10), 1.0, 0.5, 10)
    return theta


REWARD = np.array([1.0, 0.5, 0.0])


def softmax(theta):
    e = np.exp(theta - theta.max())
    return e / e.sum()


def bandit(theta, old):
    """L and KL of three actions, from the old policy's point of view."""
    pi, before = softmax(theta), softmax(old)
    return float(pi @ (REWARD - before @ REWARD)), float(before @ np.log(before / pi))


@probe("line_search", "a bandit that pays 1, 0.5 and 0, four natural steps made for KL = 0.3, δ = 0.1: what is true of each, and at the end",
       expected={"KL is below δ:": True, "it is no worse:": True, "the mean reward is above 0.9:": True})  # fmt: skip
def on_a_bandit(answer):
    """The natural gradient of a softmax is the advantages themselves."""
    theta, divergences, gains = np.zeros(3), list[float](), list[float]()
    for _ in range(4):
        old, pi = theta, softmax(theta)
        advantage = REWARD - pi @ REWARD
        step = np.sqrt(2 * 0.3 / (pi @ advantage**2)) * advantage
        theta = array(answer.line_search(old, step, lambda x, old=old: bandit(x, old), 0.1)[0], (3,), "θ")
        gain, divergence = bandit(theta, old)
        divergences.append(divergence)
        gains.append(gain)
    return {"KL is below δ:": max(divergences) < 0.1, "it is no worse:": min(gains) >= 0, "the mean reward is above 0.9:": bool(softmax(theta) @ REWARD > 0.9)}
