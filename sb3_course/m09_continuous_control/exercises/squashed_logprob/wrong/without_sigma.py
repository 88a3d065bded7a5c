"""log σ is left out: then the density is that of the noise, not that of u, which shows wherever σ is not 1"""

import math

import torch
from torch.nn.functional import softplus


def log_slope(u):
    return 2 * (math.log(2) - u - softplus(-2 * u))  # log(1 − tanh²u) without 1 − 1


def squashed_logprob(mean, log_std, noise):
    u = mean + log_std.exp() * noise
    normal = -(noise**2) / 2 - math.log(2 * math.pi) / 2
    return torch.tanh(u), (normal - log_slope(u)).sum(-1)


def log_prob_of(mean, log_std, action):
    u = torch.atanh(action.clamp(-1 + 1e-6, 1 - 1e-6))
    normal = -(((u - mean) / log_std.exp()) ** 2) / 2 - math.log(2 * math.pi) / 2
    return (normal - log_slope(u)).sum(-1)


if __name__ == "__main__":
    a, log_pi = squashed_logprob(torch.zeros(5, 1), torch.zeros(1), torch.linspace(-2, 2, 5).reshape(-1, 1))
    print(torch.cat([a, log_pi.exp().reshape(-1, 1)], 1))
