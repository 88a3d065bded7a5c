"""e^log_std is taken for the variance: the square is divided by 2σ, not by 2σ²"""

import math


def log_prob(action, mean, log_std):
    z = (action - mean) / (0.5 * log_std).exp()
    each = -0.5 * z**2 - 0.5 * log_std - 0.5 * math.log(2 * math.pi)
    return each.sum(-1)


def entropy(log_std):
    return (0.5 + 0.5 * math.log(2 * math.pi) + 0.5 * log_std).sum()  # E[z²] = 1


def kl(old_mean, old_log_std, mean, log_std):
    variance, old_variance = log_std.exp(), old_log_std.exp()
    each = 0.5 * (log_std - old_log_std) + (old_variance + (old_mean - mean) ** 2) / (2 * variance) - 0.5
    return each.sum(-1)
