"""What the parts of prioritised replay must give.

By its curve a wrong priority is hard to tell from a right one: it learns, only slower. So each part is tried by hand.
"""

import numpy as np

from from_scratch.core.exact.values import optimal_action_values
from from_scratch.envs import BlindCliffwalk
from sb3_course.teaching.checks import Mistake, array, measured, probe, rng, seeded


def close(**numbers):
    return {name: np.array(value, dtype=float) for name, value in numbers.items()}


# --------------------------------------------------------------------------------------------------------- probabilities


@probe("probabilities", "priorities 1 4, α = 0.5: P", expected=[1 / 3, 2 / 3])
def by_hand(answer):
    return array(answer.probabilities(np.array([1.0, 4.0]), 0.5), (2,), "P")


@probe("probabilities", "priorities 1 4 9 16, α = 0.5: P", expected=[0.1, 0.2, 0.3, 0.4])
def four(answer):
    return array(answer.probabilities(np.array([1.0, 4.0, 9.0, 16.0]), 0.5), (4,), "P")


@probe("probabilities", "priorities 1e-6 2 8, α = 0: P", expected=[1 / 3, 1 / 3, 1 / 3])
def all_alike(answer):
    return array(answer.probabilities(np.array([1e-6, 2.0, 8.0]), 0.0), (3,), "P")


# ------------------------------------------------------------------------------------------------------------------ draw

OF_EIGHT = np.array([0.02, 0.03, 0.05, 0.08, 0.12, 0.15, 0.2, 0.35])


def drawn(answer, size, seed, n_batches):
    """How often each of eight places came, [8]."""
    generator, counts = rng(seed), np.zeros(8)
    for _ in range(n_batches):
        places = array(answer.draw(OF_EIGHT, size, generator), (size,), "the batch")
        if (places != places.astype(int)).any() or not ((places >= 0) & (places < 8)).all():
            raise Mistake(f"the batch holds {places[(places != places.astype(int)) | (places < 0) | (places >= 8)][0]:g}, should be whole numbers from 0 to 7")
        counts += np.bincount(places.astype(int), minlength=8)
    return counts


@probe("draw", "P = 0.02 0.03 … 0.35, 1500 batches of 5: χ² of how often each of 8 places came", between=(0, 45))
def frequencies(answer):
    counts = drawn(answer, 5, 0, 1500)
    expected = counts.sum() * OF_EIGHT
    return measured(((counts - expected) ** 2 / expected).sum(), of=counts / counts.sum())


@probe("draw", "a batch of 64 from a memory of 8: its size", expected=64)
def larger_than_the_memory(answer):
    return drawn(answer, 64, 1, 1).sum()


# --------------------------------------------------------------------------------------------------------------- weights


@probe("weights", "P = 1/3 2/3, batch 0 1, β = 1: w", expected=[1.0, 0.5])
def weights_by_hand(answer):
    return array(answer.weights(np.array([1 / 3, 2 / 3]), np.array([0, 1]), 1.0), (2,), "w")


@probe("weights", "P = 0.01 0.09 0.25 0.65, batch 2 1 1, β = 0.5: w", expected=[0.6, 1.0, 1.0])
def of_a_batch(answer):
    return array(answer.weights(np.array([0.01, 0.09, 0.25, 0.65]), np.array([2, 1, 1]), 0.5), (3,), "w")


# ---------------------------------------------------------------------------------------------------------------- update

# Two states. Place 0: from 0 to 1, reward 1. Place 1: from 1, reward 2, the end. Place 2: from 0 to 1, reward −3.
Q0 = [[1.0, 0.0], [4.0, 6.0]]
P0 = [0.5, 0.5, 0.5]


def after(answer, index, w, Q=Q0, p=P0):
    memory = answer.Memory(np.array([0, 1, 0]), np.array([0, 1, 0]), np.array([1.0, 2.0, -3.0]), np.array([1, 0, 1]), np.array([False, True, False]))
    Q, p = np.array(Q), np.array(p)
    answer.learn(Q, memory, p, np.array(index), np.array(w), 0.1, 0.5)
    return {"Q": array(Q, (2, 2), "Q"), "p": array(p, (3,), "p")}


@probe("learn", "one transition from state 0 to 1, reward 1, Q = 1 0; 4 6, γ = 0.5, so δ = 3, lr = 0.1, priorities 0.5:", tolerance=1e-5,
       expected=close(Q=[[1.3, 0], [4, 6]], p=[3, 0.5, 0.5]))  # fmt: skip
def one_transition(answer):
    return after(answer, [0], [1.0])


@probe("learn", "a transition that ends, reward 2, Q(s, a) = 6, so δ = -4, lr = 0.1:", expected=close(Q=[[1, 0], [4, 5.6]], p=[0.5, 4, 0.5]), tolerance=1e-5)
def the_end(answer):
    return after(answer, [1], [1.0])


@probe("learn", "δ = 3 with weight 0.5, lr = 0.1:", expected=close(Q=[[1.15, 0], [4, 6]], p=[3, 0.5, 0.5]), tolerance=1e-5)
def half_a_weight(answer):
    return after(answer, [0], [0.5])


@probe("learn", "one transition twice in a batch, δ = 3, lr = 0.1:", expected=close(Q=[[1.6, 0], [4, 6]], p=[3, 0.5, 0.5]), tolerance=1e-5)
def twice(answer):
    return after(answer, [0, 0], [1.0, 1.0])


@probe("learn", "a batch of all three, δ = 3 -4 -1, weights 1 0.5 1, lr = 0.1:", expected=close(Q=[[1.2, 0], [4, 5.8]], p=[3, 4, 1]), tolerance=1e-5)
def all_three(answer):
    return after(answer, [0, 1, 2], [1.0, 0.5, 1.0])


# ----------------------------------------------------------------------------------------------------------------- ledge


def ledge(cls, n=5):
    """Every sequence of n moves once, as a memory, and Q*."""
    env = BlindCliffwalk(n)
    met = []
    for sequence in range(2**n):
        s = 0
        for t in range(n):
            a = sequence >> t & 1
            ((_, s_next, r, terminated),) = env.P[s][a]
            met.append((s, a, r, s_next, terminated))
            if terminated:
                break
            s = s_next
    return cls(*map(np.array, zip(*met))), optimal_action_values(env, 0.9)


def updates(answer, memory, start, right, alpha, generator):
    """How many single updates until Q is nearly right; the draws are made here, the updates are the learner's."""
    learn = answer._module.learn  # thousands of calls: none of them is put into words
    Q, p, one = start.copy(), np.ones(len(memory.s)), np.ones(1)
    for k in range(5000):
        if k % 10 == 0 and np.mean((Q - right) ** 2) < 1e-3:
            return k
        ends = np.cumsum(p**alpha)
        learn(Q, memory, p, np.searchsorted(ends, generator.random(1) * ends[-1], side="right"), one, 0.25, 0.9)
    return 5000


@probe(
    "learn", "five steps on a ledge, all 32 ways in the memory, 8 seeds: log2 of how many times fewer updates priorities need", between=(0.9, 2.2), twice=False
)
def on_the_ledge(answer):
    memory, right = ledge(answer.Memory)
    ratios = []
    for k in range(8):
        start = np.random.default_rng(seeded(10) + k).normal(0, 0.1, size=right.shape)
        uniform, prioritised = (updates(answer, memory, start, right, alpha, rng(20 + k)) for alpha in (0.0, 0.6))
        ratios.append(np.log2(max(uniform, 1) / max(prioritised, 1)))
    return measured(np.mean(ratios), of=ratios)
