"""the repair adds up the rewards before a visit, not those behind it: the sum runs forwards"""

import numpy as np


class Agent:
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
        G, visited = 0.0, set()
        for s, a, r in reversed(episode):
            G = r + self.gamma * G
            if (s, a) not in visited:
                visited.add((s, a))
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


class Script:
    """An environment that plays its episodes in turn, whatever is done. Each is a list of steps (reward, next state, how); it begins in state 0.

    how: "on", "end" (terminated), or "cut" (truncated). Script([(1.0, 1, "on"), (2.0, 0, "end")]) pays 1 and leads to state 1, then pays 2 and ends.
    """

    def __init__(self, *episodes):
        self.episodes, self.k = episodes, -1

    def reset(self, seed=None, options=None):
        self.k, self.t = (self.k + 1) % len(self.episodes), 0
        return 0, {}

    def step(self, action):
        reward, s_next, how = self.episodes[self.k][self.t]
        self.t += 1
        return s_next, reward, how == "end", how == "cut", {}


def diagnose(Agent):
    agent = Agent(1, 1, gamma=1.0)
    agent.learn(Script([(1.0, 0, "on"), (1.0, 0, "on"), (1.0, 0, "end")]), 100)
    return bool(abs(agent.Q[0, 0] - 1.0) < 1e-9)  # behind the first visit come three points, behind the last one


def repaired():
    class Repaired(Agent):
        def update(self, episode):
            G = 0.0
            for t, (s, a, r) in enumerate(episode):
                G = r + self.gamma * G
                if (s, a) not in [(s_k, a_k) for s_k, a_k, _ in episode[:t]]:
                    self.N[s, a] += 1
                    self.Q[s, a] += (G - self.Q[s, a]) / self.N[s, a]

    return Repaired
