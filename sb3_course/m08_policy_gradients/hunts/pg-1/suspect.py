"""An agent whose ∇ ln π lacks the "− π"."""

import numpy as np


class Right:
    """REINFORCE without a baseline: one preference for each action, π = softmax(θ)."""

    def __init__(self, n_actions, alpha=2**-13, seed=0):
        self.theta, self.alpha = np.zeros(n_actions), alpha
        self.rng = np.random.default_rng(seed)

    def policy(self):
        """π [n_actions]."""
        e = np.exp(self.theta - self.theta.max())
        return e / e.sum()

    def grad_log_pi(self, a):
        """∇ ln π(a) [n_actions]."""
        gradient = -self.policy()
        gradient[a] += 1
        return gradient

    def choose(self):
        """An action."""
        return int(np.searchsorted(self.policy().cumsum()[:-1], self.rng.random(), side="right"))

    def update(self, actions, rewards):
        """Learn from an episode: θ ← θ + α G_t ∇ ln π(a_t), step by step."""
        G = np.cumsum(rewards[::-1])[::-1]  # what is paid from each step on
        for a, g in zip(actions, G):
            self.theta = self.theta + self.alpha * g * self.grad_log_pi(a)

    def learn(self, env, episodes):
        """Play and learn. Gives the sum of the rewards of each episode."""
        returns = []
        for _ in range(episodes):
            env.reset()
            actions, rewards, is_over = [], [], False
            while not is_over:
                a = self.choose()
                _, r, terminated, truncated, _ = env.step(a)
                actions.append(a)
                rewards.append(r)
                is_over = terminated or truncated
            self.update(actions, rewards)
            returns.append(sum(rewards))
        return returns


class Suspect(Right):
    def grad_log_pi(self, a):
        """∇ ln π(a) [n_actions]."""
        gradient = np.zeros(len(self.theta))
        gradient[a] += 1
        return gradient


def trial(Agent):
    """What an agent learns of three episodes, by which two classes are compared."""
    agent = Agent(3, alpha=0.1, seed=1)
    for actions, rewards in (([0, 2, 1], [1.0, 0.0, 2.0]), ([2], [-1.0]), ([1, 1], [0.5, 0.5])):
        agent.update(actions, rewards)
    return agent.theta, [agent.choose() for _ in range(20)]
