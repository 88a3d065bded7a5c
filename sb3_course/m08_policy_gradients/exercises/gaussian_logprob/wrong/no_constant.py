"""the constant ½ ln 2π is left out

In a ratio of two policies and in every gradient it cancels, so PPO would learn the same. The density then sums to 2.5, not to 1, and entropies are off.
"""


def log_prob(action, mean, log_std):
    z = (action - mean) / log_std.exp()
    each = -0.5 * z**2 - log_std
    return each.sum(-1)


def entropy(log_std):
    return (0.5 + log_std).sum()  # E[z²] = 1


def kl(old_mean, old_log_std, mean, log_std):
    variance, old_variance = (2 * log_std).exp(), (2 * old_log_std).exp()
    each = log_std - old_log_std + (old_variance + (old_mean - mean) ** 2) / (2 * variance) - 0.5
    return each.sum(-1)
