"""Whether the counterexamples are some: values, visits and advantages are computed here, from the model's linear equations."""

import numpy as np

from from_scratch.core.exact.gradients import advantages, objective, weights
from from_scratch.core.exact.mdp import Model
from sb3_course.teaching.checks import Mistake, array, measured, probe
from sb3_course.teaching.outputs import short

GAMMA = 0.9
LACKING = {"A": "a", "B": "c", "C": "d", "D": "f"}


def parts(found, fourth):
    """The model, and the last two tables [2, 2] that were given."""
    names = ("p", "r", "start", fourth, "old")
    if not isinstance(found, tuple | list) or len(found) != len(names):
        raise Mistake(f"it gives {short(found)}, should be {', '.join(names)}")
    shapes = ((2, 2, 2), (2, 2), (2,), (2, 2), (2, 2))
    p, r, start, new, old = (array(value, shape, name) for value, shape, name in zip(found, shapes, names))
    if (p < 0).any() or (p.sum(-1) > 1 + 1e-9).any():
        raise Mistake("p has a probability below 0, or a row that sums to more than 1")
    policies = {"start": start, "old": old, **({"new": new} if fourth == "new" else {})}
    for name, rows in policies.items():
        if (rows < 0).any() or (np.abs(rows.sum(-1) - 1) > 1e-9).any():
            raise Mistake(f"{name} has a probability below 0, or does not sum to 1")
    return Model(p, r, start), new, old


def gain(model, new, old):
    return objective(model, new, GAMMA) - objective(model, old, GAMMA)


def terms(model, new, old):
    """g(s) = Σ_a new(a|s) A_old(s, a), [2]; and the old visits [2]."""
    return (new * advantages(model, old, GAMMA)).sum(1), weights(model, old, GAMMA)


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


@probe("broken_promise", "L, what is promised", between=(0.1, np.inf))
def promise(answer):
    model, new, old = parts(answer.broken_promise(), "new")
    g, d = terms(model, new, old)
    if d.min() < 0.1:
        raise Mistake(f"cannot be judged: old visits a state {d.min():.3g} times, discounted, should be 0.1 or more")
    return measured(float(d @ g), of=np.array([*g, *d]))


@probe("broken_promise", "J(new) − J(old)", between=(-np.inf, -0.1))
def kept(answer):
    model, new, old = parts(answer.broken_promise(), "new")
    found = gain(model, new, old)
    return measured(found, of=np.array([found, *model.r.ravel()]))


@probe("unvisited_state", "the least of Σ_a new(a|s) A_old(s, a) in states that old visits", between=(-1e-9, np.inf))
def nowhere_worse(answer):
    model, new, old = parts(answer.unvisited_state(), "new")
    g, d = terms(model, new, old)
    return measured(float(g[d > 1e-9].min()), of=np.array([*g, *d]))


@probe("unvisited_state", "J(new) − J(old)", between=(-np.inf, -0.1))
def worse(answer):
    model, new, old = parts(answer.unvisited_state(), "new")
    found = gain(model, new, old)
    return measured(found, of=np.array([found, *model.r.ravel()]))


@probe("error_adds_up", "the largest error of the estimate", between=(0.0, 0.1 + 1e-9))
def estimate_error(answer):
    model, estimate, old = parts(answer.error_adds_up(), "estimate")
    off = estimate - advantages(model, old, GAMMA)
    return measured(float(np.abs(off).max()), of=off)


@probe("error_adds_up", "J of the action with the largest estimate, less J(old)", between=(-np.inf, -0.5))
def lost(answer):
    model, estimate, old = parts(answer.error_adds_up(), "estimate")
    found = gain(model, np.eye(2)[estimate.argmax(1)], old)
    return measured(found, of=np.array([found, *estimate.ravel()]))


def sides(answer):
    """Left and right side of D."""
    model, new, old = parts(answer.hidden_step(), "new")
    (g, d), A = terms(model, new, old), advantages(model, old, GAMMA)
    tv = d @ (0.5 * np.abs(new - old).sum(1)) / d.sum()
    return abs(gain(model, new, old) - d @ g), 4 * GAMMA * np.abs(A).max() / (1 - GAMMA) ** 2 * tv**2


@probe("hidden_step", "|J(new) − J(old) − L|", between=(0.01, np.inf))
def left_side(answer):
    left, right = sides(answer)
    return measured(float(left), of=np.array([left, right]))


@probe("hidden_step", "the same over the right side of D", between=(2.0, np.inf))
def over(answer):
    left, right = sides(answer)
    return measured(float(left / right) if right > 1e-12 else 1e12, of=np.array([left, right]))
