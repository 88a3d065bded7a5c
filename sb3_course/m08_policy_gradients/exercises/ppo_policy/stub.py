"""The policy of PPO for continuous actions (Spinning Up, exercise 1.2).

The network gives the means of the components of an action, the deviations are parameters that do not depend on the observation, kept as logarithms. Actions are
drawn from that without a bound; what the environment is given is clipped to its bounds. What is learnt from is the action that was *drawn*, with its own
log-probability: a clipped action has another one, or none, and then the ratio in PPO is not 1 where it must be.

A worked example: one component, mean 1.9, σ = 0.5, drawn 2.4, bounds −2 and 2. The environment is given 2. The action is 2.4, and its log-probability that of
one deviation above the mean, −0.5 − ln 0.5 − ½ ln 2π = −0.726.
"""

import math

import gymnasium as gym
import numpy as np
import torch

from from_scratch.core.returns import gae


def mlp(sizes):
    """A torch.nn.Sequential from sizes[0] inputs to sizes[-1] outputs: a Linear layer for each step from one size to the next, and Tanh between them.

    Behind the last layer there is nothing, so that a mean may be any number.
    """
    raise NotImplementedError("your turn: the network")


def new_policy(n_obs, n_actions, hidden=(64, 64)):
    """A torch.nn.Module with two attributes:

    mean: an mlp from n_obs inputs over the hidden sizes to n_actions outputs
    log_std: a torch.nn.Parameter [n_actions], −0.5 each, so that pi.parameters() has it and an optimiser moves it

    An empty nn.Module() that is given attributes will do.
    """
    raise NotImplementedError("your turn: the policy")


def log_prob(action, mean, log_std):
    """ln π [M] of actions [M, n]. It is written already: you wrote it in the exercise gaussian_logprob."""
    z = (action - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


def act(pi, obs, low, high, generator):
    """action [M, n] as drawn, action [M, n] as the environment gets it, and the log-probability [M] of the first; all without a gradient.

    obs [M, n_obs]. Draw with torch.randn(…, generator=generator), a number for each component of each row.
    """
    raise NotImplementedError("your turn: draw actions")


def evaluate(pi, obs, action):
    """ln π(action|obs) [M], of actions [M, n] that were drawn before, by the policy as it is now; with a gradient to all of its parameters."""
    raise NotImplementedError("your turn: judge actions of the past")


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
