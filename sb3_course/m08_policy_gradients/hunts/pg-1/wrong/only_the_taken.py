"""the repair mends the entry of the action taken, 1 − π(a); those of the others are −π(b), not 0"""

import numpy as np


class Agent:
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
        gradient = np.zeros(len(self.theta))
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


def diagnose(Agent):
    agent, h = Agent(3), 1e-6
    theta = np.array([0.3, -0.7, 1.2])

    def log_pi(change):
        agent.theta = theta + change
        return np.log(agent.policy()[0])

    differences = [(log_pi(h * e) - log_pi(-h * e)) / (2 * h) for e in np.eye(3)]
    agent.theta = theta
    return bool(np.abs(agent.grad_log_pi(0) - differences).max() > 1e-3)


def repaired():
    class Repaired(Agent):
        def grad_log_pi(self, a):
            gradient = np.zeros(len(self.theta))
            gradient[a] = 1 - self.policy()[a]
            return gradient

    return Repaired
