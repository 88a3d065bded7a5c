"""An agent whose first visits are the last ones (E6)."""

import numpy as np


class Right:
    """First-visit Monte Carlo control on a table, ε-greedy."""

    def __init__(self, n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0):
        self.Q, self.N = np.zeros((n_states, n_actions)), np.zeros((n_states, n_actions))
        self.gamma, self.epsilon = gamma, epsilon
        self.rng = np.random.default_rng(seed)

    def choose(self, s):
        """An action in state s."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.Q.shape[1]))
        best = np.flatnonzero(self.Q[s] == self.Q[s].max())
        return int(best[int(self.rng.random() * len(best))])

    def update(self, episode):
        """Learn from a whole episode, [(s, a, r), ...]: the mean of the returns behind the first visits of s and a."""
        first = {}
        for t, (s, a, _) in enumerate(episode):
            if (s, a) not in first:
                first[s, a] = t
        G = 0.0
        for t, (s, a, r) in reversed(list(enumerate(episode))):
            G = r + self.gamma * G
            if first[s, a] == t:
                self.N[s, a] += 1
                self.Q[s, a] += (G - self.Q[s, a]) / self.N[s, a]

    def learn(self, env, episodes):
        """Play and learn. Gives the sum of the rewards of each episode."""
        returns = []
        for _ in range(episodes):
            s, _ = env.reset()
            episode, is_over = [], False
            while not is_over:
                a = self.choose(s)
                s_next, r, terminated, truncated, _ = env.step(a)
                episode.append((s, a, r))
                s, is_over = s_next, terminated or truncated
            self.update(episode)
            returns.append(sum(r for _, _, r in episode))
        return returns


class Suspect(Right):
    def update(self, episode):
        """Learn from a whole episode, [(s, a, r), ...]: the mean of the returns behind the first visits of s and a."""
        G, visited = 0.0, set()
        for s, a, r in reversed(episode):
            G = r + self.gamma * G
            if (s, a) not in visited:
                visited.add((s, a))
                self.N[s, a] += 1
                self.Q[s, a] += (G - self.Q[s, a]) / self.N[s, a]
