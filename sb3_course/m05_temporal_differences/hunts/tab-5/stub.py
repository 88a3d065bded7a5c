"""Hunt tab-5: an agent that is led astray by noise, although it has two tables.

The agent below has one bug. It raises nothing, and it learns something. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0)
    agent.learn(env, episodes)        plays, learns, gives the sum of the rewards of each episode
    agent.choose(s)                   an action
    agent.Q                           [n_states, n_actions]; agent.gamma, agent.epsilon and agent.Q may be set, too

This one has agent.Q12 [2, n_states, n_actions], too, and agent.Q is the mean of both. Others need not: hasattr(agent, "Q12") says whether they have it.
"""

import numpy as np


class Agent:
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
        return self.Q12[k, s, best]

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


class Doubtful:
    """As example 6.7 of the book: in state 0 the even actions (right) end the episode for nothing, the odd ones (left) lead to state 1 for nothing.

    In state 1 every action ends it with a reward from N(-0.1, 1): going left costs 0.1. `left` says of each episode whether it went left.
    """

    def __init__(self, seed):
        self.rng, self.left = np.random.default_rng(seed), []

    def reset(self, seed=None, options=None):
        self.s = 0
        return 0, {}

    def step(self, action):
        if self.s == 1:
            return 0, self.rng.normal(-0.1, 1.0), True, False, {}
        self.s = action % 2
        self.left.append(self.s)
        return self.s, 0.0, self.s == 0, False, {}


def diagnose(Agent):
    """Whether a class of agents has this bug: True or False.

    It is tried on this agent, on the right one, and on the agents of other hunts with their bugs and without: so look at what only this bug does. Some of
    the others are plain Q-learning, with one table. They go left, too, and do not have this bug.
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
    print("example 6.7, 20 agents a line: % of episodes that go left, means of 60 episodes each")
    for seed in range(3):
        worlds = [Doubtful([seed, k]) for k in range(20)]
        for k, world in enumerate(worlds):
            Agent(2, 10, alpha=0.1, seed=100 * seed + k).learn(world, 300)
        print(f"seed {seed}:", *(f"{100 * np.mean([world.left[k : k + 60] for world in worlds]):6.0f}" for k in range(0, 300, 60)))
