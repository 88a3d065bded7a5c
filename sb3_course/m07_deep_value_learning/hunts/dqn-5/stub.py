"""Hunt dqn-5: an agent that expects too much.

The agent below has one bug. It raises nothing, and it learns something. The symptom is what this file prints when it is run.

Other agents are used as this one is, whatever is inside them:

    agent = Agent(n_obs, n_actions=1, gamma=0.9, rate=0.3, batch_size=16, copy_every=10, epsilon=0.1, seed=0)
    agent.learn(env, steps)                 plays and learns, an update a step; gives the rewards
    agent.Q(observations)                   values of all actions, for rows of observations
    agent.memory                            rows (s, a, r, s', whether nothing follows)
    agent.q, agent.q_target                 networks with a weight [n_actions, n_obs], 0 in a new agent
    agent.target(reward, next_obs, ends)    y of a batch; reward and ends are [M, 1], next_obs [M, n_obs], all tensors
"""

from copy import deepcopy

import numpy as np
import torch
from torch import nn


class Agent:
    """DQN on observations that are vectors; Q is linear in them. Of a batch of M, everything has the shape [M, ...], rewards and targets too: [M, 1]."""

    def __init__(self, n_obs, n_actions=1, gamma=0.9, rate=0.3, batch_size=16, copy_every=10, epsilon=0.1, seed=0):
        self.q = nn.Linear(n_obs, n_actions, bias=False)
        nn.init.zeros_(self.q.weight)
        self.q_target = deepcopy(self.q)
        self.optimiser = torch.optim.SGD(self.q.parameters(), lr=rate)
        self.n_actions, self.gamma, self.batch_size, self.copy_every, self.epsilon = n_actions, gamma, batch_size, copy_every, epsilon
        self.memory, self.rng = [], np.random.default_rng(seed)

    def Q(self, obs):
        """Values of all actions, for rows of observations: [M, n_actions]."""
        return self.q(torch.as_tensor(np.array(obs), dtype=torch.float32)).detach().numpy()

    def choose(self, obs):
        """An action, ε-greedy."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.n_actions))
        return int(self.Q([obs])[0].argmax())

    def remember(self, obs, action, reward, next_obs, terminated, truncated):
        """A row of the memory: s, a, r, s', and whether nothing follows."""
        self.memory.append((obs, action, reward, np.array(next_obs), terminated))

    def target(self, reward, next_obs, ends):
        """y, from columns of rewards and ends."""
        with torch.no_grad():
            best = self.q_target(next_obs).max(0, keepdim=True).values
            return reward + self.gamma * (1 - ends) * best

    def copy(self):
        """θ⁻ becomes θ."""
        self.q_target.load_state_dict(self.q.state_dict())

    def update(self):
        """One step of gradient descent on a batch of the memory."""
        rows = [self.memory[k] for k in self.rng.integers(len(self.memory), size=self.batch_size)]
        obs, action, reward, next_obs, ends = (torch.tensor(np.array(part), dtype=torch.float32).reshape(len(rows), -1) for part in zip(*rows))
        y = self.target(reward, next_obs, ends)
        loss = ((self.q(obs).gather(1, action.long()) - y) ** 2).mean() / 2
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def learn(self, env, steps):
        """Play and learn, an update a step. Gives the rewards."""
        rewards, obs = [], np.array(env.reset()[0])
        for k in range(steps):
            action = self.choose(obs)
            next_obs, reward, terminated, truncated, _ = env.step(action)
            self.remember(obs, action, reward, next_obs, terminated, truncated)
            self.update()
            if (k + 1) % self.copy_every == 0:
                self.copy()
            rewards.append(reward)
            obs = np.array(env.reset()[0] if terminated or truncated else next_obs)
        return rewards


class Script:
    """An environment that plays its episodes in turn, whatever is done. Each is a list of steps (reward, next state, how); it begins in state 0.

    how: "on", "end" (terminated), or "cut" (truncated). seen: what is observed of each state, a row for each. As fast environments do, it writes every
    observation into the same array, and hands out that one.
    """

    def __init__(self, *episodes, seen):
        self.episodes, self.k = episodes, -1
        self.seen = np.array(seen, dtype=np.float32)
        self.obs = np.zeros_like(self.seen[0])

    def reset(self, seed=None, options=None):
        self.k, self.t = (self.k + 1) % len(self.episodes), 0
        self.obs[:] = self.seen[0]
        return self.obs, {}

    def step(self, action):
        reward, s_next, how = self.episodes[self.k][self.t]
        self.t += 1
        self.obs[:] = self.seen[s_next]
        return self.obs, reward, how == "end", how == "cut", {}


def diagnose(Agent):
    """Whether a class of agents has this bug: True or False.

    It is tried on this agent, on the right one, and on the agents of other hunts with their bugs and without: so look at what only this bug does.
    Ask the parts before you ask a run. A worked example of such a look, for another bug: an agent that forgets the end of an episode has the same
    agent.target(reward, next_obs, ends) for ends = 0 and for ends = 1.
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
    print("Four states in a row, 1 is paid in the second, γ = 0.9: their values after 200 steps")
    for seed in range(3):
        agent = Agent(4, rate=1.0, copy_every=5, seed=seed)
        agent.learn(Script([(0.0, 1, "on"), (1.0, 2, "on"), (0.0, 3, "on"), (0.0, 0, "end")], seen=np.eye(4)), 200)
        print(f"seed {seed}:", *(f"{v:6.1f}" for v in agent.Q(np.eye(4))[:, 0]))
