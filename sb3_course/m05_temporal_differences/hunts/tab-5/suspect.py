"""An agent of two tables, of which one has both roles."""

import numpy as np


class Right:
    """Double Q-learning, ε-greedy on the mean of both tables."""

    def __init__(self, n_states, n_actions, gamma=1.0, alpha=0.5, epsilon=0.1, seed=0):
        self.Q12 = np.zeros((2, n_states, n_actions))
        self.Q = np.zeros((n_states, n_actions))  # their mean
        self.gamma, self.alpha, self.epsilon = gamma, alpha, epsilon
        self.rng = np.random.default_rng(seed)

    def choose(self, s):
        """An action in state s."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.Q.shape[1]))
        best = np.flatnonzero(self.Q[s] == self.Q[s].max())
        return int(best[int(self.rng.random() * len(best))])

    def update(self, s, a, r, s_next):
        """Learn from one step, in one of the tables; s_next is None behind the end."""
        k = int(self.rng.random() < 0.5)
        target = r if s_next is None else r + self.gamma * self.value(k, s_next)
        self.Q12[k, s, a] += self.alpha * (target - self.Q12[k, s, a])
        self.Q[s, a] = self.Q12[:, s, a].mean()

    def value(self, k, s):
        """What state s is worth to table k, which is about to learn."""
        best = self.Q12[k, s].argmax()
        return self.Q12[1 - k, s, best]

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
    def value(self, k, s):
        """What state s is worth to table k, which is about to learn."""
        best = self.Q12[k, s].argmax()
        return self.Q12[k, s, best]
