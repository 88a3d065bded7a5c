"""what was drawn often counts for more, instead of what was drawn rarely"""

import math

import torch


def penalty(q, actions):
    return (torch.logsumexp(q, dim=1) - q.gather(1, actions.view(-1, 1))[:, 0]).mean()


def cql_loss(q, actions, y, alpha):
    of_data = q.gather(1, actions.view(-1, 1))[:, 0]
    return alpha * penalty(q, actions) + 0.5 * ((of_data - y.detach()) ** 2).mean()


def log_integral(q, log_p):
    return torch.logsumexp(q + log_p, dim=1) - math.log(q.shape[1])


if __name__ == "__main__":
    q = torch.tensor([[2.0, 0.0]])
    print(penalty(q, torch.tensor([0])), penalty(q, torch.tensor([1])))
