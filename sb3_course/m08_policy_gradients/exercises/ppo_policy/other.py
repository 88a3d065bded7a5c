"""The same as a class, with torch's distributions."""

from itertools import pairwise

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, Normal

from from_scratch.core.returns import gae


class Net(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))

    def forward(self, x):
        *first, last = self.layers
        for layer in first:
            x = layer(x).tanh()
        return last(x)


def mlp(sizes):
    return Net(list(sizes))


class Policy(nn.Module):
    def __init__(self, n_obs, n_actions, hidden):
        super().__init__()
        self.mean = mlp((n_obs, *hidden, n_actions))
        self.log_std = nn.Parameter(-torch.ones(n_actions) / 2)

    def forward(self, obs):
        return Independent(Normal(self.mean(obs), self.log_std.exp()), 1)


def new_policy(n_obs, n_actions, hidden=(64, 64)):
    return Policy(n_obs, n_actions, hidden)


def act(pi, obs, low, high, generator):
    now = pi(obs)
    noise = torch.randn(now.mean.shape, generator=generator, dtype=obs.dtype)
    action = (now.mean + noise * now.base_dist.scale).detach()
    return action, torch.clip(action, low, high), now.log_prob(action).detach()


def evaluate(pi, obs, action):
    return pi(obs).log_prob(action)


# --- written already --------------------------------------------------------------------------------------------------


def improve(pi, optimiser, obs, action, old_log_prob, advantage, epochs=10, batch_size=256, clip=0.2, generator=None):
    """PPO's epochs over a rollout: obs [M, n], action [M, k], old_log_prob and advantage [M]."""
    for _ in range(epochs):
        for batch in torch.randperm(len(obs), generator=generator).split(batch_size):
            A = advantage[batch]
            A = (A - A.mean()) / (A.std() + 1e-8)
            ratio = torch.exp(evaluate(pi, obs[batch], action[batch]) - old_log_prob[batch])
            objective = torch.min(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A).mean()
            optimiser.zero_grad()
            (-objective).backward()
            optimiser.step()


def train(seed, iterations, n_envs=8, n_steps=128, gamma=0.9, decay=0.95):
    """PPO on Pendulum-v1, n_envs · n_steps steps an iteration. Gives the mean return of the last 24 episodes."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    env = gym.make_vec("Pendulum-v1", num_envs=n_envs, vectorization_mode="sync", vector_kwargs={"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP})
    pi, value = new_policy(3, 1), mlp([3, 64, 64, 1])
    optimiser, value_optimiser = torch.optim.Adam(pi.parameters(), lr=1e-3), torch.optim.Adam(value.parameters(), lr=1e-3)
    obs, total, returns = torch.as_tensor(env.reset(seed=seed)[0]), np.zeros(n_envs), []
    for _ in range(iterations):
        rows = []
        for _ in range(n_steps):
            action, played, logp = act(pi, obs, -2.0, 2.0, generator)
            next_obs, r, _, truncated, info = env.step(played.numpy())
            total += r
            last = next_obs.copy()  # the observation that an episode ended with, where it did
            for i in np.flatnonzero(truncated):  # Pendulum is never terminated
                last[i] = info["final_obs"][i]
                returns.append(total[i])
                total[i] = 0.0
            rows.append((obs, action, logp, torch.as_tensor(r / 8, dtype=torch.float32), torch.as_tensor(last), torch.as_tensor(~truncated)))
            obs = torch.as_tensor(next_obs)
        s, a, logp, r, s_next, goes_on = (torch.stack(part) for part in zip(*rows))
        with torch.no_grad():
            v, v_next = value(s).squeeze(-1), value(s_next).squeeze(-1)
        advantage = gae(r, torch.full_like(r, gamma), v, v_next, decay * goes_on)
        target, s = (advantage + v).flatten(), s.flatten(0, 1)
        improve(pi, optimiser, s, a.flatten(0, 1), logp.flatten(), advantage.flatten(), generator=generator)
        for _ in range(10):
            for batch in torch.randperm(len(s), generator=generator).split(256):
                loss = ((value(s[batch]).squeeze(-1) - target[batch]) ** 2).mean()
                value_optimiser.zero_grad()
                loss.backward()
                value_optimiser.step()
    env.close()
    return float(np.mean(returns[-24:]))


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. Random torques earn about −1200
    for iterations in (5, 40):
        print(f"mean return after {1024 * iterations} steps: {train(0, iterations):.0f}")
