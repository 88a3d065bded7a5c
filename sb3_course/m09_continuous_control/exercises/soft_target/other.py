"""The same with the entropy as a reward of the next state."""

import torch


def soft_value(q1, q2, log_pi, alpha):
    smaller = torch.where(q1 < q2, q1, q2)
    return smaller + alpha * (-log_pi)


def soft_target(q1_next, q2_next, log_pi_next, reward, terminated, alpha, gamma):
    bonus = -alpha * log_pi_next
    later = torch.stack((q1_next, q2_next)).amin(0) + bonus
    later = torch.where(terminated.bool(), torch.zeros_like(later), later)
    return (reward + gamma * later).detach()


def actor_loss(q1, q2, log_pi, alpha):
    return (alpha * log_pi - torch.minimum(q1, q2)).sum() / log_pi.shape[0]
