"""Hunt tab-4: an agent that learns slowly, and then well.

The agent below has one bug. It raises nothing, and in the end it has learnt what it should. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0)
    agent.learn(env, episodes)        plays, learns, gives the sum of the rewards of each episode
    agent.choose(s)                   an action
    agent.Q                           [n_states, n_actions]; agent.gamma, agent.epsilon and agent.Q may be set, too
"""

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
    from from_scratch.envs import GridWorld

    maze = GridWorld(desc=[".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", "........."], step_reward=-1.0)
    print("a maze of 14 steps, 60 episodes: sum of the rewards, means of 12 episodes each")
    for seed in range(4):
        returns = Agent(54, 4, alpha=0.1, seed=seed).learn(maze, 60)
        print(f"seed {seed}:", *(f"{np.mean(returns[k : k + 12]):6.0f}" for k in range(0, 60, 12)))
