"""What the two halves of an ε-greedy bandit must give.

On the testbed many mistakes do not show: its arms are exchangeable, so that the first of equals is as good as any. Counting choices shows them.
"""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, number, probe, rng
from sb3_course.teaching.outputs import short

FEW = np.arange(10.0)  # one best arm, the last


def learnt(answer, k, pulls):
    """q and n after some pulls, (arm, reward)."""
    q, n = np.zeros(k), np.zeros(k, dtype=int)
    for a, r in pulls:
        answer.update(q, n, a, r)
    return array(q, (k,), "q"), array(n, (k,), "n")


def arm(answer, q, epsilon, generator):
    found = answer.choose(q, epsilon, generator)
    a = number(found, "the arm")
    if np.ndim(found):
        raise Mistake(f"the arm is {short(found)}, should be a whole number, not an array")
    if a != int(a) or not 0 <= a < len(q):
        raise Mistake(f"the arm is {a:g}, should be a whole number from 0 to {len(q) - 1}")
    return int(a)


# --------------------------------------------------------------------------------------------------------------- update


@probe("update", "one arm that pays 1, 0, 2: number of pulls", expected=3)
def counted(answer):
    return learnt(answer, 1, [(0, 1.0), (0, 0.0), (0, 2.0)])[1][0]


@probe("update", "one arm that pays 1, 0, 2: Q", expected=1.0, tolerance=1e-6)
def three_rewards(answer):
    return learnt(answer, 1, [(0, 1.0), (0, 0.0), (0, 2.0)])[0][0]


@probe("update", "three arms, the second pays 4 and 2, the last 3, in turns: Q", expected=[0.0, 3.0, 3.0], tolerance=1e-6)
def in_turns(answer):
    return learnt(answer, 3, [(1, 4.0), (2, 3.0), (1, 2.0)])[0]


@probe("update", "1000 rewards of five arms: Q and the averages differ by at most", expected=0.0, tolerance=1e-9)
def averages(answer):
    generator = rng(1)
    arms, rewards = generator.integers(5, size=1000), generator.standard_normal(1000)
    q, _ = learnt(answer, 5, zip(arms.tolist(), rewards.tolist(), strict=True))
    return np.abs(q - [rewards[arms == a].mean() for a in range(5)]).max()


# --------------------------------------------------------------------------------------------------------------- choose


@probe("choose", "the third of four arms is best, ε = 0: arm", expected=2)
def greedy(answer):
    return arm(answer, np.array([0.0, -1.0, 0.5, 0.2]), 0.0, rng(0))


@probe("choose", "50 arms in a row", expected=True)
def whole(answer):
    generator = rng(2)
    for _ in range(50):
        arm(answer, np.zeros(3), 0.5, generator)
    return True


@probe("choose", "the same generator twice", expected=True)
def from_rng(answer):
    first, second = ([arm(answer, np.zeros(10), 0.5, generator) for _ in range(50)] for generator in (rng(3), rng(3)))
    if first != second:
        raise Mistake("other arms the second time: some random number does not come from rng (E11)")
    return True


@probe("choose", "Q = 1 0 1 1, so that arms 0, 2 and 3 are equally good, ε = 0: share of each arm in 4000 choices",
       expected=[1 / 3, 0, 1 / 3, 1 / 3], tolerance=0.035, twice=False)  # fmt: skip
def ties(answer):
    generator = rng(5)
    return np.bincount([arm(answer, np.array([1.0, 0.0, 1.0, 1.0]), 0.0, generator) for _ in range(4000)], minlength=4) / 4000


@probe("choose", "ten arms, ε = 1, 4000 choices: share of the best arm", expected=0.1, tolerance=0.025, twice=False)
def exploring(answer):
    generator = rng(7)
    return np.mean([arm(answer, FEW, 1.0, generator) == 9 for _ in range(4000)])


@probe("choose", "ten arms, ε = 0.1, 10,000 choices: share of the best arm", expected=0.91, tolerance=0.014, twice=False)
def greedy_arm(answer):
    generator = rng(4)
    return np.mean([arm(answer, FEW, 0.1, generator) == 9 for _ in range(10_000)])


@probe("choose", "300 testbeds, ε = 0.1: optimal arm in steps 901 to 1000, in percent", expected=79.8, tolerance=7.0, twice=False, slow=True)
def testbed(answer):
    """With the averages of the check, so that a wrong update is not blamed on the choice."""
    generator, hits = rng(6), []
    for means in generator.standard_normal((300, 10)):
        q, n, best, late = np.zeros(10), np.zeros(10), int(means.argmax()), 0
        for step, noise in enumerate(generator.standard_normal(1000)):
            a = answer.choose(q, 0.1, generator)
            n[a] += 1
            q[a] += (means[a] + noise - q[a]) / n[a]
            late += step >= 900 and a == best
        hits.append(late / 100)
    return 100 * np.mean(hits)
