"""the deviation is divided by n − 1: a batch of one step has none, and gives NaN

With many steps the two are nearly equal.
"""

import torch


def whiten(episodes):
    steps = torch.cat(episodes)
    mean, deviation = steps.mean(), steps.std()
    return [(returns - mean) / (deviation + 1e-9) for returns in episodes]


def loss(log_probs, weights):
    return -sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / len(log_probs)
