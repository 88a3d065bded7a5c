"""the right class is accused, not the suspect: the curve is judged, and there the bug wins"""

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
    agent = Agent(2)
    agent.theta = np.log([0.95, 0.05])
    agent.update([0] * 50 + [1, 0, 1], [-1.0] * 53)
    return bool(agent.policy()[1] < 0.06)  # it has learnt too little


def repaired():
    class Repaired(Agent):
        def grad_log_pi(self, a):
            gradient = -self.policy()  # d ln π(a) / d θ(b) is −π(b) for every b, and 1 more for a
            gradient[a] += 1
            return gradient

    return Repaired
