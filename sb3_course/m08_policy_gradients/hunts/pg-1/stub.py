"""Hunt pg-1: an agent that does better than the right one.

The agent below has one bug. It raises nothing. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_actions, alpha=2**-13, seed=0)
    agent.theta                        the preferences [n_actions], which may be set, too
    agent.policy()                     π [n_actions]
    agent.grad_log_pi(a)               ∇ ln π(a) [n_actions]
    agent.choose()                     an action
    agent.update(actions, rewards)     learns from an episode
    agent.learn(env, episodes)         plays and learns; gives the sum of the rewards of each episode
"""

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


class Corridor:
    """Example 13.1 of Sutton & Barto: from place 0 to place 3, each step costs 1; at place 1 left and right are switched.

    Action 1 is right. The agent sees nothing, so that its best policy is a coin: π(right) = 0.59, and a return of −11.66.
    """

    def reset(self, seed=None, options=None):
        self.place, self.t = 0, 0
        return 0, {}

    def step(self, action):
        self.place = max(0, self.place + (1 if (action == 1) != (self.place == 1) else -1))
        self.t += 1
        return 0, -1.0, self.place == 3, self.t == 1000 and self.place < 3, {}


def diagnose(Agent):
    """Whether a class of agents has this bug: True or False.

    It is tried on this agent, and on the right one. The curve will not help: look at the gradient. A worked example of such a look, for another bug: an
    agent that learns with the wrong sign has a smaller agent.policy()[1] after agent.update([1], [1.0]) than before.
    """
    raise NotImplementedError("your turn: tell this bug from all else")


def repaired():
    """A class that is right: Agent with one method written anew.

    class Repaired(Agent):
        def the_method(self, ...): ...

    return Repaired
    """
    raise NotImplementedError("your turn: mend the method")


if __name__ == "__main__":  # not part of the hunt: the symptom
    print("The short corridor, from π(right) = 0.05, 300 episodes: mean return of 60 episodes each, and π(right) at the end")
    for seed in range(3):
        agent = Agent(2, seed=seed)
        agent.theta = np.log([0.95, 0.05])
        returns = agent.learn(Corridor(), 300)
        print(f"seed {seed}:", *(f"{np.mean(returns[k : k + 60]):6.1f}" for k in range(0, 300, 60)), f"  π(right) {agent.policy()[1]:.2f}")
