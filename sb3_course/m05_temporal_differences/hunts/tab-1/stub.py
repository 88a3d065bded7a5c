"""Hunt tab-1: an agent that would rather not arrive.

The agent below has one bug. It raises nothing, and it learns something. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0)
    agent.learn(env, episodes)        plays, learns, gives the sum of the rewards of each episode
    agent.choose(s)                   an action
    agent.Q                           [n_states, n_actions]; agent.gamma, agent.epsilon and agent.Q may be set, too
"""

import gymnasium as gym
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
    """Whether a class of agents has this bug: True or False.

    It is tried on this agent, on the right one, and on the agents of other hunts with their bugs and without: so look at what only this bug does.
    A small environment of which you know by hand what must be learnt tells more than a long run. A worked example of such a look, for another bug: an agent
    that never explores has chosen one action only after agent.Q[0] = [1, 0] and 1000 times agent.choose(0), with epsilon=0.5.
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
    print("CliffWalking-v1, 100 episodes: sum of the rewards, means of 20 episodes each")
    for seed in range(3):
        returns = Agent(48, 4, seed=seed).learn(gym.make("CliffWalking-v1"), 100)
        print(f"seed {seed}:", *(f"{np.mean(returns[k : k + 20]):6.0f}" for k in range(0, 100, 20)))
