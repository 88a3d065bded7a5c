"""Optimistic initial values (Sutton & Barto 2018, §2.6).

    Q(a) ← 5, far above what any arm can pay
    loop:
        A ← argmax_a Q(a), ties broken at random
        R ← bandit(A)
        Q(A) ← Q(A) + α [R − Q(A)]

Every arm disappoints, so all are tried, without any ε. The step size is constant: the sample average would forget Q₁ at the first pull.
"""

from __future__ import annotations

from from_scratch.bandits.epsilon_greedy import EpsilonGreedyBandit


class OptimisticBandit(EpsilonGreedyBandit):
    learning_rate = 0.1  # α
    learning_rate_decay = 0.0  # ω
    initial_value = 5.0  # Q₁
    epsilon = 0.0  # ε
