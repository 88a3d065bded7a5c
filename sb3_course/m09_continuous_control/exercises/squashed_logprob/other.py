"""The same by torch's own distributions."""

import torch
from torch.distributions import Independent, Normal, TanhTransform, TransformedDistribution


def policy(mean, log_std):
    transform = TanhTransform(cache_size=1)  # remembers u of an action, which artanh would not find again
    normal = Independent(Normal(mean, log_std.exp().expand_as(mean)), 1)
    return TransformedDistribution(normal, [transform]), transform


def squashed_logprob(mean, log_std, noise):
    pi, transform = policy(mean, log_std)
    action = transform(mean + noise * torch.exp(log_std))
    return action, pi.log_prob(action)


def log_prob_of(mean, log_std, action):
    inside = torch.clip(action, min=-(1 - 1e-6), max=1 - 1e-6)
    return policy(mean, log_std)[0].log_prob(inside)
