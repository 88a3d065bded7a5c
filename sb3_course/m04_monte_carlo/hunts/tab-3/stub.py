"""Hunt tab-3: an agent whose values are slightly too low.

The agent below has one bug. It raises nothing, and it learns something. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0)
    agent.learn(env, episodes)        plays, learns, gives the sum of the rewards of each episode
    agent.choose(s)                   an action
    agent.Q                           [n_states, n_actions]; agent.gamma, agent.epsilon and agent.Q may be set, too
"""

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


class Ice:
    """Five cells in a row. A step leads on with probability 0.8, else one slips and stays; each step pays 1, and behind the last cell is the end."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def reset(self, seed=None, options=None):
        self.s = 0
        return 0, {}

    def step(self, action):
        self.s += int(self.rng.random() < 0.8)
        return min(self.s, 4), 1.0, self.s == 5, False, {}


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
    print("five cells of ice, values after 3000 episodes")
    print("true:  ", *(f"{1.25 * k:6.2f}" for k in range(5, 0, -1)))
    for seed in range(3):
        agent = Agent(5, 1, seed=seed)
        agent.learn(Ice(seed), 3000)
        print(f"seed {seed}:", *(f"{value:6.2f}" for value in agent.Q[:, 0]))
