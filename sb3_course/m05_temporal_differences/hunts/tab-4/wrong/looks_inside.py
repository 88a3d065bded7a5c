"""z is looked at, which the agents of other hunts do not have: look at Q, which all have"""

import numpy as np


class Agent:
    """Sarsa(λ) on a table, ε-greedy, with replacing traces."""

    def __init__(self, n_states, n_actions, gamma=1.0, alpha=0.5, epsilon=0.1, lambda_=0.9, seed=0):
        self.Q, self.z = np.zeros((n_states, n_actions)), np.zeros((n_states, n_actions))
        self.gamma, self.alpha, self.epsilon, self.lambda_ = gamma, alpha, epsilon, lambda_
        self.rng = np.random.default_rng(seed)

    def choose(self, s):
        """An action in state s."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.Q.shape[1]))
        best = np.flatnonzero(self.Q[s] == self.Q[s].max())
        return int(best[int(self.rng.random() * len(best))])

    def update(self, s, a, r, s_next, a_next):
        """Learn from one step, in all states that have a trace; s_next is None behind the end."""
        self.z *= self.gamma * self.lambda_
        self.z[s, a] = 1.0
        target = r if s_next is None else r + self.gamma * self.Q[s_next, a_next]
        self.Q += self.alpha * (target - self.Q[s, a]) * self.z

    def learn(self, env, episodes):
        """Play and learn. Gives the sum of the rewards of each episode."""
        returns, self.z = [], np.zeros_like(self.Q)
        for _ in range(episodes):
            s, _ = env.reset()
            a = self.choose(s)
            total, is_over = 0.0, False
            while not is_over:
                s_next, r, terminated, truncated, _ = env.step(a)
                a_next = self.choose(s_next)
                self.update(s, a, r, None if terminated else s_next, a_next)
                total += r
                s, a, is_over = s_next, a_next, terminated or truncated
            returns.append(total)
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
    agent = Agent(2, 1, gamma=1.0)
    agent.learn(Script([(0.0, 1, "on"), (0.0, 0, "end")], [(1.0, 0, "end")]), 2)
    return bool(agent.z[1, 0] > 0)


def repaired():
    class Repaired(Agent):
        def learn(self, env, episodes):
            returns = []
            for _ in range(episodes):
                self.z[:] = 0.0  # what is learnt now is of no concern to the steps of the episode before
                s, _ = env.reset()
                a = self.choose(s)
                total, is_over = 0.0, False
                while not is_over:
                    s_next, r, terminated, truncated, _ = env.step(a)
                    a_next = self.choose(s_next)
                    self.update(s, a, r, None if terminated else s_next, a_next)
                    total += r
                    s, a, is_over = s_next, a_next, terminated or truncated
                returns.append(total)
            return returns

    return Repaired
