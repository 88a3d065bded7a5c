"""only Q1 ever learns: Q2 stays at 0, and so all that Q1 hears of the future is 0"""

import numpy as np


def target(q_this, q_other, r, terminated, gamma):
    if terminated:
        return r
    return r + gamma * q_other[int(np.argmax(q_this))]  # eq. (6.10)


def learn(env, n_episodes, alpha, gamma, epsilon, rng):
    Q1, Q2 = zeros(env), zeros(env)
    for _ in range(n_episodes):
        s, _ = env.reset()
        over = False
        while not over:
            a = choose(Q1[s] + Q2[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            this, other = Q1, Q2
            this[s][a] += alpha * (target(this[s_next], other[s_next], r, terminated, gamma) - this[s][a])
            s, over = s_next, terminated or truncated
    return Q1, Q2


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


if __name__ == "__main__":
    lefts = []
    for seed in range(200):
        env = Doubtful(seed)
        learn(env, 100, 0.1, 1.0, 0.1, np.random.default_rng(seed))
        lefts.append(env.first)
    print(f"200 runs, episodes 81 to 100: left in {100 * np.mean(np.array(lefts)[:, 80:]):.0f} %")
