"""the divergence goes the other way, KL(π ‖ π_old): the mean under the new policy

Near each other the two are nearly equal. Far apart they are not.
"""

import math


def log_prob(action, mean, log_std):
    z = (action - mean) / log_std.exp()
    each = -0.5 * z**2 - log_std - 0.5 * math.log(2 * math.pi)
    return each.sum(-1)


def entropy(log_std):
    return (0.5 + 0.5 * math.log(2 * math.pi) + log_std).sum()  # E[z²] = 1


def kl(old_mean, old_log_std, mean, log_std):
    variance, old_variance = (2 * log_std).exp(), (2 * old_log_std).exp()
    each = old_log_std - log_std + (variance + (old_mean - mean) ** 2) / (2 * old_variance) - 0.5
    return each.sum(-1)
