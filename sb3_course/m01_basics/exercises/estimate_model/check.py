"""What a random walk and a model from counts must be."""

from itertools import pairwise

import numpy as np

from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, given, number, probe, rng

LAKE, SLIPPERY, CUT = (f"gym.make({words})" for words in ('"FrozenLake-v1", is_slippery=False', '"FrozenLake-v1"', '"CliffWalking-v1", max_episode_steps=5'))
SEEN = [(0, 0, 0.0, 1, False), (0, 0, 0.0, 1, False), (0, 0, 1.0, 2, True), (0, 1, 0.0, 0, False)]


def walked(answer, env, n, seed):
    """The steps, [n, 5]."""
    found = answer.collect(given(env), n, rng(seed))
    if found is None:
        raise Mistake("the list is None: is a `return` missing?")
    if len(found) and np.shape(found[0]) != (5,):
        raise Mistake(f"a step is {found[0]!r}, should be (s, a, r, s_next, terminated)")
    return array(found, (n, 5), "the list")


# -------------------------------------------------------------------------------------------------------------- collect


@probe("collect", "40 steps in episodes of 5: number of steps", expected=40)
def long_enough(answer):
    return len(walked(answer, CUT, 40, 1))


@probe("collect", "300 steps on the lake without slips: steps whose s_next is not where (s, a) leads", expected=0)
def where_it_led(answer):
    steps, P = walked(answer, LAKE, 300, 2), given(LAKE).unwrapped.P
    return sum(P[int(s)][int(a)][0][1] != s_next for s, a, _, s_next, _ in steps)


@probe("collect", "300 steps on the lake: steps that do not begin where the one before led, though it ended nothing", expected=0)
def goes_on(answer):
    steps = walked(answer, SLIPPERY, 300, 3)
    return sum(before[3] != after[0] and not before[4] for before, after in pairwise(steps))


@probe("collect", "300 steps on the lake: steps behind an end that do not begin at the start", expected=0)
def begins_anew(answer):
    steps = walked(answer, SLIPPERY, 300, 3)
    return sum(after[0] != 0 and bool(before[4]) for before, after in pairwise(steps))


@probe("collect", "60 steps on the cliff, cut short after 5 each time: steps with terminated", expected=0)
def only_cut(answer):
    return walked(answer, CUT, 60, 4)[:, 4].sum()


@probe("collect", "60 steps on the cliff, cut short after 5 each time: steps 6, 11, … that do not begin at the start", expected=0)
def begins_after_a_cut(answer):
    return (walked(answer, CUT, 60, 4)[::5, 0] != 36).sum()


@probe("collect", "the same generator twice, 100 steps on the slippery lake", expected=True)
def from_rng(answer):
    if (walked(answer, SLIPPERY, 100, 5) != walked(answer, SLIPPERY, 100, 5)).any():
        raise Mistake("other steps the second time: something that is random does not come from rng (E11)")
    return True


@probe("collect", "4000 steps on the lake: shares of the four actions", expected=[0.25] * 4, tolerance=0.03, twice=False)
def actions(answer):
    return np.bincount(walked(answer, LAKE, 4000, 6)[:, 1].astype(int), minlength=4) / 4000


# ------------------------------------------------------------------------------------------------------------- estimate


def row(P, s, a, n_states):
    """Of P[s][a]: p(s'|s, a) [S], the expected reward, the probability to go on, in s' [S]."""
    if P is None:
        raise Mistake("P is None: is a `return` missing?")
    try:
        outcomes = list(P[s][a])
    except (KeyError, IndexError, TypeError):
        raise Mistake(f"there is no P[{s}][{a}]") from None
    p, r, goes_on = np.zeros(n_states), 0.0, np.zeros(n_states)
    for outcome in outcomes:
        if not isinstance(outcome, tuple | list) or len(outcome) != 4:
            raise Mistake(f"P[{s}][{a}] is {outcomes}, should be a list of (probability, s_next, reward, terminated)")
        probability, s_next = number(outcome[0], f"a probability in P[{s}][{a}]"), int(outcome[1])
        p[s_next] += probability
        r += probability * number(outcome[2], f"a reward in P[{s}][{a}]")
        goes_on[s_next] += 0 if outcome[3] else probability
    return p, r, goes_on


@probe("estimate", "action 0 led to 1 twice and to 2 once: p(s'|s, a)", expected=[0.0, 2 / 3, 1 / 3], tolerance=1e-6)
def thirds(answer):
    return row(answer.estimate(SEEN, 3, 2), 0, 0, 3)[0]


@probe("estimate", "the same: expected reward", expected=1 / 3, tolerance=1e-6)
def reward(answer):
    return row(answer.estimate(SEEN, 3, 2), 0, 0, 3)[1]


@probe("estimate", "the same: p(s'|s, a) of going on", expected=[0.0, 2 / 3, 0.0], tolerance=1e-6)
def going_on(answer):
    return row(answer.estimate(SEEN, 3, 2), 0, 0, 3)[2]


@probe("estimate", "action 1, tried once: p(s'|s, a)", expected=[1.0, 0.0, 0.0], tolerance=1e-6)
def tried_once(answer):
    return row(answer.estimate(SEEN, 3, 2), 0, 1, 3)[0]


@probe("estimate", "state 2, action 1, never tried: p(s'|s, a) of going on", expected=[0.0, 0.0, 1.0], tolerance=1e-6)
def never_tried(answer):
    return row(answer.estimate(SEEN, 3, 2), 2, 1, 3)[2]


@probe("estimate", '10,000 steps in GridWorld("4x3") with slip 0.2: V*(start) of the estimate, γ = 0.99', expected=0.66, tolerance=0.06, twice=False)
def planned(answer):
    """The true one is 0.6599."""
    env, generator, steps = GridWorld("4x3", slip=0.2, step_reward=-0.04), rng(7), []
    s, _ = env.reset(seed=int(generator.integers(2**31)))
    for a in generator.integers(4, size=10_000).tolist():
        s_next, r, terminated, _, _ = env.step(a)
        steps.append((int(s), a, float(r), int(s_next), bool(terminated)))
        s = env.reset()[0] if terminated else s_next
    P = answer.estimate(steps, 12, 4)
    rows = [[row(P, s, a, 12) for a in range(4)] for s in range(12)]
    r, p = np.array([[found[1] for found in line] for line in rows]), np.array([[found[2] for found in line] for line in rows])
    V = np.zeros(12)
    for _ in range(1000):
        V = (r + 0.99 * p @ V).max(1)
    return V[8]
