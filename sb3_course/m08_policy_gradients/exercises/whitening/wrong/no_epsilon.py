"""the deviation of equal returns is 0, and 0 / 0 is NaN: a bandit that has found the better arm ends so"""

import torch


def whiten(episodes):
    steps = torch.cat(episodes)
    mean, deviation = steps.mean(), steps.std(correction=0)
    return [(returns - mean) / deviation for returns in episodes]


def loss(log_probs, weights):
    return -sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / len(log_probs)
