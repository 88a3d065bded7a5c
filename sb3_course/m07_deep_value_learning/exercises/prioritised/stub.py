"""Exercise: prioritised replay (Schaul, Quan, Antonoglou & Silver 2016, arXiv:1511.05952), with a table in place of a network.

A memory holds N transitions as arrays [N]: s, a whole numbers, r rewards, s_next whole numbers, terminated True or False. Each has a priority, p [N]: how
large its error was when it was last replayed.

A worked example with N = 2: priorities 1 and 4, α = 0.5. Their roots are 1 and 2, so P = (1/3, 2/3). With β = 1 the weights (N P)^−β are 1.5 and 0.75; in a
batch that holds both, the largest is 1.5, and w = (1, 0.5): what is drawn twice as often counts half as much each time.
"""

from typing import NamedTuple

import numpy as np


class Memory(NamedTuple):
    s: np.ndarray
    a: np.ndarray
    r: np.ndarray
    s_next: np.ndarray
    terminated: np.ndarray


def probabilities(p, alpha):
    """P [N], how likely each transition is to be drawn, of the priorities p [N].

    P(i) = p_i^α / Σ_k p_k^α        (eq. 1); with α = 0 all alike
    """
    raise NotImplementedError("your turn: probabilities")


def draw(P, size, rng):
    """`size` places of the memory, whole numbers [size]: place i with probability P[i], each draw on its own, so that a place may come twice.

    rng is a generator of NumPy, and the only source of random numbers.
    """
    raise NotImplementedError("your turn: a draw")


def weights(P, index, beta):
    """The importance weights [size] of the batch `index` [size], from the probabilities P [N] of the whole memory.

    w_j = (N P(j))^−β, divided by the largest one in the batch: they only ever make steps smaller        (section 3.4)
    """
    raise NotImplementedError("your turn: weights")


def learn(Q, memory, p, index, w, lr, gamma, eps=1e-6):
    """One update from the batch `index` with weights w. Changes Q [n_states, n_actions] and p [N] in place, and gives nothing.

    δ_j = r + γ max_a Q(s', a) − Q(s, a), where nothing follows r − Q(s, a): all with Q as it was before the batch
    Q(s, a) ← Q(s, a) + lr · w_j δ_j        for every j: what is in the batch twice counts twice
    p_j ← |δ_j| + ε
    """
    raise NotImplementedError("your turn: one update")


def ledge(n):
    """A ledge of n states as a memory that holds every sequence of n moves once, and Q*, γ = 0.9.

    Move 1 goes on, move 0 falls off; only the end of the ledge pays.
    """
    met = []
    for moves in np.ndindex(*(2,) * n):
        for s, a in enumerate(moves):
            over = a == 0 or s == n - 1
            met.append((s, a, float(a == 1 and over), s if over else s + 1, over))
            if over:
                break
    return Memory(*map(np.array, zip(*met))), np.stack([np.zeros(n), 0.9 ** np.arange(n - 1, -1, -1)], 1)


def updates(memory, Q, right, alpha, rng, lr=0.25, gamma=0.9, most=20_000):
    """How many updates with single transitions it takes until Q is nearly right, the mean of its squared errors below 0.001. It is written already.

    Q is where learning begins, right what it should become. Every transition begins with priority 1.
    """
    Q, p = Q.copy(), np.ones(len(memory.s))
    for k in range(most):
        if k % 10 == 0 and np.mean((Q - right) ** 2) < 1e-3:
            return k
        P = probabilities(p, alpha)
        index = draw(P, 1, rng)
        learn(Q, memory, p, index, weights(P, index, 1.0), lr, gamma)
    return most


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    P = probabilities(np.array([1.0, 4.0]), 0.5)
    print("P", P, "weights", weights(P, np.array([0, 1]), 1.0))  # should be 1/3 2/3, and 1 0.5
    print("draws", draw(P, 10, np.random.default_rng(0)))
    memory, right = ledge(6)
    for alpha in (0.0, 0.6):
        rngs = [np.random.default_rng(k) for k in range(10)]
        print("α", alpha, "updates, 10 seeds:", [updates(memory, rng.normal(0, 0.1, right.shape), right, alpha, rng) for rng in rngs])
