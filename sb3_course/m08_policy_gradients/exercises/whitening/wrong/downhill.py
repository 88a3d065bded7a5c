"""the minus is missing: an optimiser makes losses small, and this one would make good actions rarer"""

import torch


def whiten(episodes):
    steps = torch.cat(episodes)
    mean, deviation = steps.mean(), steps.std(correction=0)
    return [(returns - mean) / (deviation + 1e-9) for returns in episodes]


def loss(log_probs, weights):
    return sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / len(log_probs)
