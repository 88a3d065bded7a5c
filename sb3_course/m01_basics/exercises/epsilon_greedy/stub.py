"""Exercise 2: an ε-greedy bandit (Sutton & Barto 2018, section 2.4).

There are k arms. Pulling arm a pays a reward drawn around its mean q*(a), which the agent does not know. It keeps two arrays:

    q [k]  its estimate of each mean: the average of the rewards of that arm so far, 0 before the first
    n [k]  how often each arm was pulled

A worked example: one arm pays 1, 0 and 2. Its estimate becomes 1, then 1 + ½ (0 − 1) = 0.5, then 0.5 + ⅓ (2 − 0.5) = 1, which is the average of the three.
"""

import numpy as np


def update(q, n, a, r):
    """Learn from one pull: arm a paid r. Changes q and n in place, and returns nothing.

        N(a) ← N(a) + 1
        Q(a) ← Q(a) + 1/N(a) [r − Q(a)]        (eq. 2.3)

    The other arms stay as they are.
    """
    raise NotImplementedError("your turn: learn from one pull")


def choose(q, epsilon, rng):
    """The arm to pull, a whole number from 0 to k − 1.

    With probability ε one of all k arms, the best one included, each with the same probability. Otherwise an arm with the largest q, and if several are
    equally good, each of those with the same probability. All random numbers come from rng, a np.random.Generator: rng.random() is one in [0, 1),
    rng.integers(k) a whole number from 0 to k − 1, rng.choice(list) one of a list.

    With k = 10, ε = 0.1 and one best arm, that arm is chosen with probability 0.9 + 0.1/10 = 0.91.
    """
    raise NotImplementedError("your turn: choose an arm")


def run(means, epsilon, steps, rng):
    """Given: the loop. One run on a bandit with these means q*(a) [k] and rewards N(q*(a), 1): the arms that were pulled, [steps]."""
    q, n = np.zeros(len(means)), np.zeros(len(means), dtype=int)
    pulled = []
    for _ in range(steps):
        a = choose(q, epsilon, rng)
        update(q, n, a, means[a] + rng.standard_normal())
        pulled.append(a)
    return pulled


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    rng = np.random.default_rng(0)
    print("optimal arm in steps 901 to 1000, over 100 testbeds (chance alone moves yours by up to 15 points), and the library's over 2000")
    for epsilon, library in ((0.0, 35.5), (0.01, 58.7), (0.1, 79.0)):
        hits = []
        for means in rng.standard_normal((100, 10)):
            hits.append(np.mean(np.array(run(means, epsilon, 1000, rng)[-100:]) == means.argmax()))
        print(f"ε = {epsilon}: {100 * np.mean(hits):.1f} %, the library's {library} %")
