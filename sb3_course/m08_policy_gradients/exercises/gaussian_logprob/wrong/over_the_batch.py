"""the sum goes over the batch, too: one number is left of M log-probabilities"""

import math


def log_prob(action, mean, log_std):
    z = (action - mean) / log_std.exp()
    each = -0.5 * z**2 - log_std - 0.5 * math.log(2 * math.pi)
    return each.sum()


def entropy(log_std):
    return (0.5 + 0.5 * math.log(2 * math.pi) + log_std).sum()  # E[z²] = 1


def kl(old_mean, old_log_std, mean, log_std):
    variance, old_variance = (2 * log_std).exp(), (2 * old_log_std).exp()
    each = log_std - old_log_std + (old_variance + (old_mean - mean) ** 2) / (2 * variance) - 0.5
    return each.sum()
