"""the loss is a mean over all steps: it is divided by a length that depends on what was done, so that short episodes count more"""

import torch


def whiten(episodes):
    steps = torch.cat(episodes)
    mean, deviation = steps.mean(), steps.std(correction=0)
    return [(returns - mean) / (deviation + 1e-9) for returns in episodes]


def loss(log_probs, weights):
    return -sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / sum(map(len, log_probs))
