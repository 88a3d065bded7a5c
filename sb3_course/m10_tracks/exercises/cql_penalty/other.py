"""The same by log-probabilities: log Σ exp Q − Q(a) is the surprise of a under a softmax of the values."""

import torch
from torch.nn import functional as F


def penalty(q, actions):
    return F.cross_entropy(q, actions.long())


def cql_loss(q, actions, y, alpha):
    of_data = torch.stack([row[a] for row, a in zip(q, actions)])
    with torch.no_grad():
        y = y.clone()
    return F.mse_loss(of_data, y) / 2 + alpha * penalty(q, actions)


def log_integral(q, log_p):
    weighted = q - log_p
    top = weighted.max(1, keepdim=True).values
    return top[:, 0] + torch.exp(weighted - top).mean(1).log()
