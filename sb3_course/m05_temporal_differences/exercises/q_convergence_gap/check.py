"""Whether the counterexamples are some: they are tried with learners of the check's own, whose random numbers are always the same."""

import numpy as np

from sb3_course.teaching.checks import Mistake, measured, probe
from sb3_course.teaching.outputs import short

GAMMA = 0.9
LACKING = {"A": "b", "B": "c", "C": "a", "D": "e"}
UPDATES = 2**15
LONG_RUN = 1e100


def step_sizes(alpha, most):
    """alpha(1), alpha(2), … as an array [UPDATES], and the function; Mistake if one is none."""
    if not callable(alpha):
        raise Mistake(f"it gives {short(alpha)}, should be a function alpha(n)")
    sizes = []
    for n in [*range(1, UPDATES + 1), LONG_RUN]:
        size = alpha(n)
        if not isinstance(size, int | float | np.floating | np.integer) or not 0 <= size <= most:
            raise Mistake(f"alpha({n if n < LONG_RUN else '1e100'}) is {short(size)}, should be a number above 0 and {'at most' if most == 1 else 'below'} 1")
        sizes.append(float(size))
    return np.array(sizes[:-1]), sizes[-1]


def tails(sizes):
    """The sums over n from 2^k to 2^(k + 1), [15]: where these do not shrink, the whole sum has no end."""
    return np.add.reduceat(sizes, 2 ** np.arange(15) - 1)


def rows(P):
    """The table as lists; Mistake if it is none."""
    try:
        table = [[[(float(p), int(s_next), float(r), bool(end)) for p, s_next, r, end in P[s][a]] for a in range(len(P[s]))] for s in range(len(P))]
    except (TypeError, ValueError, KeyError, IndexError):
        raise Mistake(f"P is {short(P)}, should be P[s][a] = [(probability, s_next, reward, terminated), ...]") from None
    if not table or len({len(row) for row in table}) > 1 or not table[0]:
        raise Mistake("P should have the same number of actions in every state, at least one")
    for s, row in enumerate(table):
        for a, outcomes in enumerate(row):
            if any(not 0 <= s_next < len(table) for _, s_next, _, _ in outcomes):
                raise Mistake(f"P[{s}][{a}] leads to a state that is not in the table of {len(table)}")
            total = sum(p for p, *_ in outcomes)
            if any(p < 0 for p, *_ in outcomes) or abs(total - 1) > 1e-9:
                raise Mistake(f"the probabilities in P[{s}][{a}] are {[p for p, *_ in outcomes]}, should be 0 or more and sum to 1")
    return table


def best_values(table):
    """Q* [n_states, n_actions]."""
    Q = np.zeros((len(table), len(table[0])))
    for _ in range(300):
        V = Q.max(1)
        Q = np.array([[sum(p * (r + GAMMA * V[s_next] * (not end)) for p, s_next, r, end in outcomes) for outcomes in row] for row in table])
    return Q


def learnt(table, groups, choose, n_episodes, n_steps, draws):
    """Q [n_groups, n_actions] of Q-learning with step sizes 1/n; choose gives an action from a row of Q."""
    Q = np.zeros((max(groups) + 1, len(table[0])))
    N = np.zeros_like(Q)
    for _ in range(n_episodes):
        s = 0
        for _ in range(n_steps):
            g, a = groups[s], choose(Q[groups[s]])
            outcomes = table[s][a]
            k = min(int(np.searchsorted(np.cumsum([p for p, *_ in outcomes]), draws.random())), len(outcomes) - 1) if len(outcomes) > 1 else 0
            _, s, r, end = outcomes[k]
            N[g, a] += 1
            Q[g, a] += (r + (0.0 if end else GAMMA * Q[groups[s]].max()) - Q[g, a]) / N[g, a]
            if end:
                break
    return Q


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


@probe("never_arrives", "alpha(1e100)", between=(-np.inf, 1e-6))
def falls(answer):
    return step_sizes(answer.never_arrives(), 1 - 1e-12)[1]


@probe("never_arrives", "alpha(n) summed over n = 16,384 … 32,767, over that of 128 … 255 (1 or more: without end)", between=(-np.inf, 0.9), tolerance=0.02)
def is_summable(answer):
    sums = tails(step_sizes(answer.never_arrives(), 1 - 1e-12)[0])
    return sums[14] / sums[7] if sums[7] > 0 else 0.0


@probe("never_arrives", "target 1, first value 0: the value after 32,768 updates", between=(-np.inf, 0.9), tolerance=0.02)
def kept(answer):
    return 1 - np.prod(1 - step_sizes(answer.never_arrives(), 1 - 1e-12)[0])


@probe("never_settles", "alpha(n) summed over n = 16,384 … 32,767, over that of 128 … 255 (below 1: it is finite)", between=(0.9, np.inf), tolerance=0.02)
def is_endless(answer):
    sums = tails(step_sizes(answer.never_settles(), 1)[0])
    return sums[14] / sums[7] if sums[7] > 0 else 0.0


@probe("never_settles", "targets of +1 and -1: the standard deviation in the long run", between=(0.1, np.inf), tolerance=0.01)
def noise(answer):
    last = step_sizes(answer.never_settles(), 1)[1]
    return np.sqrt(last / (2 - last))


@probe("never_tried", "greedy, ties at random, 100 runs: share that misses Q*(0, ·) by 0.5 or more", between=(0.2, np.inf), tolerance=0.02, twice=False)
def stuck(answer):
    table = rows(answer.never_tried())
    best, draws = best_values(table), np.random.default_rng(0)

    def greedy(q):
        equals = np.flatnonzero(q == q.max())
        return int(equals[int(draws.random() * len(equals))])

    missed = [np.abs(learnt(table, range(len(table)), greedy, 100, 20, draws)[0] - best[0]).max() for _ in range(100)]
    return measured(float(np.mean(np.array(missed) >= 0.5)), of=best)


@probe("shared_entries", "actions at random, 5000 steps: the largest |Q − Q*|", between=(0.2, np.inf))
def shared(answer):
    found = answer.shared_entries()
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {short(found)}, should be P, groups")
    table, groups = rows(found[0]), list(found[1])
    if len(groups) != len(table) or any(not isinstance(g, int | np.integer) or not 0 <= g < len(table) for g in groups):
        raise Mistake(f"groups is {short(found[1])}, should have a whole number from 0 on for each of the {len(table)} states")
    if len(set(groups)) == len(table):
        raise Mistake("cannot be judged: no two states share their entries")
    best, draws = best_values(table), np.random.default_rng(0)
    n_actions = len(table[0])
    Q = learnt(table, groups, lambda q: int(draws.random() * n_actions), 1000, 5, draws)
    return measured(float(np.abs(Q[groups] - best).max()), of=best)
