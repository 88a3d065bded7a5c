"""The same in units of half the range, row by row."""

import torch


def next_action(actor_target, next_obs, noise, low, high, sigma=0.2, clip=0.5):
    middle, half = (low + high) / 2, (high - low) / 2
    share = (actor_target(next_obs) - middle) / half
    share = share + torch.clip(noise * sigma, min=-clip, max=clip)
    return middle + half * torch.clip(share, min=-1, max=1)


def td3_target(q1_target, q2_target, actor_target, reward, next_obs, terminated, noise, low, high, gamma):
    a = next_action(actor_target, next_obs, noise, low, high)
    both = torch.stack([q(next_obs, a) for q in (q1_target, q2_target)])
    y = reward + gamma * torch.where(terminated > 0, 0.0, both.amin(dim=0))
    return y.detach()


def actor_loss(q1, q2, actor, obs):
    values = q1(obs, actor(obs))
    return values.sum() / -len(values)
