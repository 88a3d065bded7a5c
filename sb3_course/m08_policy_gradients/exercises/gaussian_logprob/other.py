"""The same by torch's own distributions, and the divergence component by component."""

import torch
from torch.distributions import Independent, Normal, kl_divergence


def of(mean, log_std):
    return Independent(Normal(mean, log_std.exp().expand(mean.shape)), 1)


def log_prob(action, mean, log_std):
    return of(mean, log_std).log_prob(action)


def entropy(log_std):
    return of(torch.zeros_like(log_std), log_std).entropy()


def kl(old_mean, old_log_std, mean, log_std):
    total = torch.zeros(len(mean), dtype=mean.dtype)
    for i in range(len(log_std)):
        total = total + kl_divergence(Normal(old_mean[:, i], old_log_std[i].exp()), Normal(mean[:, i], log_std[i].exp()))
    return total
