"""log_std is taken for the deviation itself: its exponential is missing"""

import math


def log_prob(action, mean, log_std):
    z = (action - mean) / log_std
    each = -0.5 * z**2 - log_std.abs().log() - 0.5 * math.log(2 * math.pi)
    return each.sum(-1)


def entropy(log_std):
    return (0.5 + 0.5 * math.log(2 * math.pi) + log_std.abs().log()).sum()  # E[z²] = 1


def kl(old_mean, old_log_std, mean, log_std):
    variance, old_variance = log_std**2, old_log_std**2
    each = (log_std / old_log_std).abs().log() + (old_variance + (old_mean - mean) ** 2) / (2 * variance) - 0.5
    return each.sum(-1)
