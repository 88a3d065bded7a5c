"""the arm is an array with one number in it, not a number

`np.argwhere` gives a column, so that drawing from it gives a row of one; `np.flatnonzero` gives the indices themselves.
"""

import numpy as np


def update(q, n, a, r):
    n[a] += 1
    q[a] += (r - q[a]) / n[a]  # eq. (2.3)


def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return rng.choice(np.argwhere(q == np.max(q)))


def run(means, epsilon, steps, rng):
    """Given: the loop. One run on a bandit with these means q*(a) [k] and rewards N(q*(a), 1): the arms that were pulled, [steps]."""
    q, n = np.zeros(len(means)), np.zeros(len(means), dtype=int)
    pulled = []
    for _ in range(steps):
        a = choose(q, epsilon, rng)
        update(q, n, a, means[a] + rng.standard_normal())
        pulled.append(a)
    return pulled


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    print("optimal arm in steps 901 to 1000, over 100 testbeds; the library's, over 2000: 35.5 %, 58.7 %, 79.0 %")
    for epsilon in (0.0, 0.01, 0.1):
        hits = []
        for means in rng.standard_normal((100, 10)):
            hits.append(np.mean(np.array(run(means, epsilon, 1000, rng)[-100:]) == means.argmax()))
        print(f"ε = {epsilon}: {100 * np.mean(hits):.1f} %")
