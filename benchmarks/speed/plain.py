"""What the tabular cases are compared with: the textbook's boxes as anyone would type them, without a library around them.

They are lists and loops on purpose. Both have the two names of a model that the measuring needs: `learn` and `num_timesteps`.
"""

from __future__ import annotations

import random

import gymnasium as gym


class PlainQLearning:
    """Sutton & Barto 2018, §6.5, on an environment with Discrete observations and actions."""

    def __init__(self, env: str, learning_rate: float, gamma: float, epsilon: float):
        self.env: gym.Env = gym.make(env)
        self.α, self.γ, self.ε = learning_rate, gamma, epsilon
        self.random = random.Random(0)
        self.n_actions = int(self.env.action_space.n)  # type: ignore[attr-defined]
        self.Q = [[0.0] * self.n_actions for _ in range(int(self.env.observation_space.n))]  # type: ignore[attr-defined]
        self.num_timesteps = 0

    def choose(self, s: int) -> int:
        """ε-greedy, ties broken at random."""
        if self.random.random() < self.ε:
            return self.random.randrange(self.n_actions)
        best = max(self.Q[s])
        return self.random.choice([a for a in range(self.n_actions) if self.Q[s][a] == best])

    def learn(self, total_timesteps: int, reset_num_timesteps: bool = True) -> None:
        """Play and learn for total_timesteps environment steps, from a new episode on."""
        Q, α, γ = self.Q, self.α, self.γ
        s, _ = self.env.reset(seed=self.num_timesteps)
        for _ in range(total_timesteps):
            a = self.choose(s)
            s_next, r, terminated, truncated, _ = self.env.step(a)
            target = r if terminated else r + γ * max(Q[s_next])
            Q[s][a] += α * (target - Q[s][a])
            s = s_next
            if terminated or truncated:
                s, _ = self.env.reset()
        self.num_timesteps += total_timesteps

    @property
    def values(self) -> list[float]:
        return [max(row) for row in self.Q]


class PlainValueIteration:
    """Sutton & Barto 2018, §4.4: the loop over states, actions and outcomes.

    A sweep reads the old values, as ours does, so that both make the same values with as many backups.
    """

    def __init__(self, env: str, gamma: float):
        self.P = gym.make(env).unwrapped.P  # type: ignore[attr-defined]
        self.γ = gamma
        self.values = [0.0] * len(self.P)
        self.num_timesteps = 0

    def learn(self, total_timesteps: int, reset_num_timesteps: bool = True) -> None:
        """Sweep until total_timesteps state backups are done."""
        P, γ, backups = self.P, self.γ, 0
        while backups < total_timesteps:
            V = self.values
            swept = []
            for s in range(len(P)):
                best = float("-inf")
                for a in range(len(P[s])):
                    q = 0.0
                    for probability, s_next, r, terminated in P[s][a]:
                        q += probability * (r + (0.0 if terminated else γ * V[s_next]))
                    best = max(best, q)
                swept.append(best)
            self.values = swept
            backups += len(P)
        self.num_timesteps += backups
