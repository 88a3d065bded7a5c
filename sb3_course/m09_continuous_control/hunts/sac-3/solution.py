"""Hunt sac-3: an agent to which nothing is worth anything."""

import math
from copy import deepcopy

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus


class Agent:
    """SAC with a fixed α, for one action component. μ and log σ are linear in s, Q(s, a) is linear in (s, s·a, s·a²), and one critic is enough here."""

    def __init__(self, n_obs, gamma=0.9, alpha=0.2, tau=0.02, rate=0.1, batch_size=16, seed=0):
        self.actor, self.q = nn.Linear(n_obs, 2, bias=False), nn.Linear(3 * n_obs, 1, bias=False)
        for network in (self.actor, self.q):
            nn.init.zeros_(network.weight)  # μ = 0, σ = 1, Q = 0
        self.q_target = deepcopy(self.q)
        self.optimisers = [torch.optim.SGD(network.parameters(), lr=rate) for network in (self.q, self.actor)]
        self.gamma, self.alpha, self.tau, self.batch_size = gamma, alpha, tau, batch_size
        self.memory, self.rng = [], np.random.default_rng(seed)

    def noise(self, size):
        """Numbers from N(0, 1), [size, 1]."""
        return torch.as_tensor(self.rng.normal(size=(size, 1)), dtype=torch.float32)

    def policy(self, obs, noise):
        """Actions tanh(μ + σ · noise), [M, 1], and log π(a|s), [M]."""
        mean, log_std = self.actor(obs).chunk(2, -1)
        u = mean + log_std.exp() * noise
        normal = -(noise**2) / 2 - log_std - math.log(2 * math.pi) / 2
        log_slope = 2 * (math.log(2) - u - softplus(-2 * u))  # log(1 − tanh²u)
        return torch.tanh(u), (normal - log_slope)[:, 0]

    def value(self, critic, obs, action):
        """Q(s, a) of a critic, [M]."""
        return critic(torch.cat((obs, obs * action, obs * action**2), -1))[:, 0]

    def target(self, reward, next_obs, ends):
        """y [M]; reward and ends are [M]."""
        with torch.no_grad():
            action, _ = self.policy(next_obs, self.noise(len(next_obs)))
            return reward + self.gamma * (1 - ends) * self.value(self.q_target, next_obs, action)

    def track(self):
        """The target critic follows the critic."""
        with torch.no_grad():
            for p, p_target in zip(self.q.parameters(), self.q_target.parameters()):
                p_target.copy_(self.tau * p + (1 - self.tau) * p_target)

    def update(self):
        """One step of the critic and one of the actor, on a batch of the memory."""
        rows = [self.memory[k] for k in self.rng.integers(len(self.memory), size=self.batch_size)]
        obs, action, reward, next_obs, ends = (torch.tensor(np.array(part), dtype=torch.float32) for part in zip(*rows))
        y, (fresh, log_pi) = self.target(reward, next_obs, ends), self.policy(obs, self.noise(len(obs)))
        self.minimise(((self.value(self.q, obs, action) - y) ** 2).mean() / 2, self.optimisers[0])
        self.minimise((self.alpha * log_pi - self.value(self.q, obs, fresh)).mean(), self.optimisers[1])
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
                action = self.policy(torch.tensor(obs)[None], self.noise(1))[0][0].numpy()
            next_obs, reward, terminated, truncated, _ = env.step(action)
            self.memory.append((obs, action, reward, np.array(next_obs), terminated))
            self.update()
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
    agent = Agent(1)
    agent.learn(Script([(0.0, 0, "cut")], seen=[[1]]), 5)
    return bool(agent.q.weight.abs().max() == 0)  # nothing is paid, but there is entropy to come


def repaired():
    class Repaired(Agent):
        def target(self, reward, next_obs, ends):
            with torch.no_grad():
                action, log_pi = self.policy(next_obs, self.noise(len(next_obs)))
                v = self.value(self.q_target, next_obs, action) - self.alpha * log_pi
                return reward + self.gamma * (1 - ends) * v

    return Repaired
