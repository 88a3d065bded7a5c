"""Double Q-learning (van Hasselt 2010; Sutton & Barto 2018, section 6.7).

Q-learning takes the largest of several estimates for the value of the best action. Where the estimates are noisy, the largest is mostly too large.
Double Q-learning keeps two tables. In each step one of them learns, and a fair coin says which:

    Q1(s, a) ← Q1(s, a) + α (target − Q1(s, a))        target = r + γ Q2(s', argmax_a Q1(s', a))        (eq. 6.10)

or the same with Q1 and Q2 exchanged. Behind the end the target is r. The agent acts by both: ε-greedily on Q1 + Q2.

A worked example: Q1 learns, Q1(s', ·) = (3, 1), Q2(s', ·) = (2, 5), r = 1, γ = 0.5. Action 0 is the best by Q1, and Q2 says that it is worth 2: the target is
1 + 0.5 · 2 = 2.
"""

import numpy as np


def target(q_this, q_other, r, terminated, gamma):
    """The number towards which this table is moved.

    q_this [n_actions] is Q(s', ·) of the table that learns, q_other [n_actions] that of the other one. Both are arrays.
    """
    raise NotImplementedError("your turn: one table selects, the other values")


def learn(env, n_episodes, alpha, gamma, epsilon, rng):
    """Both tables, Q1 and Q2; each is such as zeros(env) gives.

    An episode begins with s, info = env.reset(); each step is s_next, r, terminated, truncated, info = env.step(a). It is over when it terminated, or was
    truncated, which means cut short: there was more to come. In state s there are env.n_actions[s] actions. Draw from rng only; rng.random() < 0.5 is a coin.
    """
    raise NotImplementedError("your turn: two tables, and a coin")


def choose(q, epsilon, rng):
    """An action, ε-greedily; among equals each is equally likely. q is an array [n_actions]."""
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = np.flatnonzero(q == q.max())
    return int(best[rng.integers(len(best))])


def zeros(env):
    """A table: for each state s an array of env.n_actions[s] zeros."""
    return [np.zeros(n) for n in env.n_actions]


class Doubtful:
    """The MDP of example 6.7. In state 0 action 0 (right) ends the episode and pays 0, action 1 (left) leads to state 1 and pays 0.

    In state 1 each of ten actions ends the episode, with a reward from N(-0.1, 1). State 2 is behind the end. `first` keeps the first action of each episode.
    """

    n_actions = [2, 10, 1]

    def __init__(self, seed=0):
        self.rng, self.first = np.random.default_rng(seed), []

    def reset(self):
        self.s = 0
        return 0, {}

    def step(self, action):
        if self.s == 1:
            return 2, self.rng.normal(-0.1, 1.0), True, False, {}
        self.first.append(action)
        self.s = 1 if action == 1 else 2
        return self.s, 0.0, action == 0, False, {}


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    lefts = []
    for seed in range(200):
        env = Doubtful(seed)
        learn(env, 100, 0.1, 1.0, 0.1, np.random.default_rng(seed))
        lefts.append(env.first)
    print(f"200 runs, episodes 81 to 100: left in {100 * np.mean(np.array(lefts)[:, 80:]):.0f} %")
