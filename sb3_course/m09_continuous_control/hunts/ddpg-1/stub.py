"""Hunt ddpg-1: a critic that holds all to be the same.

The agent below has one bug. It raises nothing, and it learns something. The symptom is what this file prints when it is run.

The right agent is used as this one is, whatever is inside it:

    agent = Agent(n_obs, gamma=0.9, tau=0.1, rate=0.3, batch_size=64, spread=0.5, seed=0)
    agent.learn(env, steps)                 plays and learns, an update a step; gives the rewards
    agent.act(agent.actor, obs)             actions [M, 1] of an actor, for rows of observations, a tensor [M, n_obs]
    agent.value(agent.q, obs, action)       Q(s, a) of a critic, for rows of observations and actions [M, 1]
    agent.target(reward, next_obs, ends)    y of a batch; reward and ends are [M], next_obs [M, n_obs], all tensors
    agent.actor, agent.q, agent.actor_target, agent.q_target    networks, 0 in a new agent
"""

from copy import deepcopy

import numpy as np
import torch
from torch import nn


class Agent:
    """DDPG for one action component from -1 to 1. The actor is tanh of something linear in s, Q(s, a) is linear in (s, s·a, s·a²)."""

    def __init__(self, n_obs, gamma=0.9, tau=0.1, rate=0.3, batch_size=64, spread=0.5, seed=0):
        self.actor, self.q = nn.Linear(n_obs, 1, bias=False), nn.Linear(3 * n_obs, 1, bias=False)
        for network in (self.actor, self.q):
            nn.init.zeros_(network.weight)  # the action 0 everywhere, Q = 0
        self.actor_target, self.q_target = deepcopy(self.actor), deepcopy(self.q)
        self.optimisers = [torch.optim.SGD(network.parameters(), lr=rate) for network in (self.q, self.actor)]
        self.gamma, self.tau, self.batch_size, self.spread = gamma, tau, batch_size, spread
        self.memory, self.rng = [], np.random.default_rng(seed)

    def act(self, actor, obs):
        """The actions of an actor, [M, 1]."""
        return torch.tanh(actor(obs))

    def value(self, critic, obs, action):
        """Q(s, a) of a critic."""
        return critic(torch.cat((obs, obs * action, obs * action**2), -1))

    def target(self, reward, next_obs, ends):
        """y of a batch; reward and ends are [M]."""
        with torch.no_grad():
            return reward + self.gamma * (1 - ends) * self.value(self.q_target, next_obs, self.act(self.actor_target, next_obs))

    def track(self):
        """The targets follow."""
        with torch.no_grad():
            for network, slow in ((self.actor, self.actor_target), (self.q, self.q_target)):
                slow.weight.copy_(self.tau * network.weight + (1 - self.tau) * slow.weight)

    def update(self):
        """One step of the critic and one of the actor, on a batch of the memory."""
        rows = [self.memory[k] for k in self.rng.integers(len(self.memory), size=self.batch_size)]
        obs, action, reward, next_obs, ends = (torch.tensor(np.array(part), dtype=torch.float32) for part in zip(*rows))
        y = self.target(reward, next_obs, ends)
        self.minimise(((self.value(self.q, obs, action) - y) ** 2).mean() / 2, self.optimisers[0])
        self.minimise(-self.value(self.q, obs, self.act(self.actor, obs)).mean(), self.optimisers[1])
        self.track()

    def minimise(self, loss, optimiser):
        """A step of gradient descent."""
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def learn(self, env, steps):
        """Play and learn, an update a step. Gives the rewards."""
        rewards, obs = [], np.array(env.reset()[0])
        for _ in range(steps):
            with torch.no_grad():
                action = self.act(self.actor, torch.tensor(obs)[None])[0].numpy() + self.spread * self.rng.normal(size=1)
            action = action.clip(-1, 1).astype(np.float32)
            next_obs, reward, terminated, truncated, _ = env.step(action)
            self.memory.append((obs, action, reward, np.array(next_obs), terminated))
            self.update()
            rewards.append(reward)
            obs = np.array(env.reset()[0] if terminated or truncated else next_obs)
        return rewards


class Script:
    """An environment that plays its episodes in turn, whatever is done. Each is a list of steps (reward, next state, how); it begins in state 0.

    how: "on", "end" (terminated), or "cut" (truncated). seen: what is observed of each state, a row for each.
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


class Aim:
    """An episode goes through the states 0, 1, … once. In each the reward is its worth − (a − its goal)². seen: as in Script."""

    def __init__(self, worths, goals, seen):
        self.worths, self.goals, self.seen = worths, goals, np.array(seen, dtype=np.float32)

    def reset(self, seed=None, options=None):
        self.s = 0
        return self.seen[0], {}

    def step(self, action):
        reward = self.worths[self.s] - float((action[0] - self.goals[self.s]) ** 2)
        self.s += 1
        ends = self.s == len(self.goals)
        return self.seen[0 if ends else self.s], reward, ends, False, {}


def diagnose(Agent):
    """Whether a class of agents has this bug: True or False.

    It is tried on this agent and on the right one, so look at what only the bug does.
    A small environment of which you know by hand what must be learnt tells more than a long run. A worked example of such a look, for another bug:
    an agent that cannot learn at all still has agent.q.weight = 0 after agent.learn(Script([(1.0, 0, "end")], seen=[[1]]), 10).
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
    print("Two states, whose best actions 0.5 and -0.5 earn -1 and 1, γ = 0: Q of the actor's actions after 100, 200 and 300 steps")
    for seed in range(3):
        agent, env, found = Agent(2, gamma=0.0, seed=seed), Aim([-1, 1], [0.5, -0.5], seen=np.eye(2)), []
        for _ in range(3):
            agent.learn(env, 100)
            found.append(agent.value(agent.q, torch.eye(2), agent.act(agent.actor, torch.eye(2))).reshape(-1).tolist())
        print(f"seed {seed}:", *(f"   {first:4.1f} {second:4.1f}" for first, second in found))
