"""an episode that is cut is taken for one that ends: behind a cut something follows, and the right class counts it"""

import numpy as np


class Agent:
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
    agent.learn(Script([(1.0, 0, "cut")]), 50)
    return bool(agent.Q[0, 0] > 1.5)  # one step, one point: more can only come from behind the end


def repaired():
    class Repaired(Agent):
        def learn(self, env, episodes):
            returns = []
            for _ in range(episodes):
                s, _ = env.reset()
                total, is_over = 0.0, False
                while not is_over:
                    a = self.choose(s)
                    s_next, r, terminated, truncated, _ = env.step(a)
                    self.update(s, a, r, None if terminated else s_next)  # before the reset, and nothing behind the end
                    total += r
                    s, is_over = s_next, terminated or truncated
                returns.append(total)
            return returns

    return Repaired
