"""the parameter is the deviation itself, 0.607, where its logarithm was asked for: a step of the optimiser may make it negative"""

import math
from itertools import pairwise

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from from_scratch.core.returns import gae


def mlp(sizes):
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(n_in, n_out))
        if i < len(sizes) - 2:
            layers.append(nn.Tanh())
    return nn.Sequential(*layers)


def new_policy(n_obs, n_actions, hidden=(64, 64)):
    pi = nn.Module()
    pi.mean = mlp([n_obs, *hidden, n_actions])
    pi.log_std = nn.Parameter(torch.full((n_actions,), -0.5).exp())
    return pi


def log_prob(action, mean, log_std):
    z = (action - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


@torch.no_grad()
def act(pi, obs, low, high, generator):
    mean = pi.mean(obs)
    action = mean + pi.log_std.exp() * torch.randn(mean.shape, generator=generator)
    return action, action.clamp(low, high), log_prob(action, mean, pi.log_std)


def evaluate(pi, obs, action):
    return log_prob(action, pi.mean(obs), pi.log_std)


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
