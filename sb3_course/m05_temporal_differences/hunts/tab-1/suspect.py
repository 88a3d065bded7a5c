"""An agent that learns from the state after the reset."""

import numpy as np


class Right:
    """Q-learning on a table, ε-greedy."""

    def __init__(self, n_states, n_actions, gamma=1.0, alpha=0.5, epsilon=0.1, seed=0):
        self.Q = np.zeros((n_states, n_actions))
        self.gamma, self.alpha, self.epsilon = gamma, alpha, epsilon
        self.rng = np.random.default_rng(seed)

    def choose(self, s):
        """An action in state s."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.Q.shape[1]))
        return self.greedy(s)

    def greedy(self, s):
        """The best action in state s."""
        best = np.flatnonzero(self.Q[s] == self.Q[s].max())
        return int(best[int(self.rng.random() * len(best))])

    def update(self, s, a, r, s_next):
        """Learn from one step; s_next is None behind the end."""
        target = r if s_next is None else r + self.gamma * self.Q[s_next].max()
        self.Q[s, a] += self.alpha * (target - self.Q[s, a])

    def learn(self, env, episodes):
        """Play and learn. Gives the sum of the rewards of each episode."""
        returns = []
        for _ in range(episodes):
            s, _ = env.reset()
            total, is_over = 0.0, False
            while not is_over:
                a = self.choose(s)
                s_next, r, terminated, truncated, _ = env.step(a)
                self.update(s, a, r, None if terminated else s_next)
                total += r
                s, is_over = s_next, terminated or truncated
            returns.append(total)
        return returns


class Suspect(Right):
    def learn(self, env, episodes):
        """Play and learn. Gives the sum of the rewards of each episode."""
        returns = []
        total, played = 0.0, 0
        s, _ = env.reset()
        while played < episodes:
            a = self.choose(s)
            s_next, r, terminated, truncated, _ = env.step(a)
            total += r
            if terminated or truncated:
                returns.append(total)
                total, played = 0.0, played + 1
                s_next, _ = env.reset()
            self.update(s, a, r, s_next)
            s = s_next
        return returns
