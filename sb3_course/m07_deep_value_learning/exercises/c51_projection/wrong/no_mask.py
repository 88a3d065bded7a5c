"""the return behind a terminal transition is added: terminated is not used (E9)"""

import torch


def expected(p, z):
    return (p * z).sum(-1)


def project(p, reward, terminated, z, gamma):
    gap, n = z[1] - z[0], len(z)
    tz = reward[:, None] + gamma * z
    b = ((tz.clamp(z[0], z[-1]) - z[0]) / gap).clamp(0, n - 1)  # the place, counted in atoms
    lower = b.floor().long().clamp(max=n - 2)
    up = b - lower  # the share of the atom above
    m = torch.zeros_like(p)
    m.scatter_add_(1, lower, p * (1 - up))
    m.scatter_add_(1, lower + 1, p * up)
    return m


def loss(logits, action, target):
    taken = logits[torch.arange(len(logits)), action]
    return -(target * taken.log_softmax(-1)).sum(-1).mean()


if __name__ == "__main__":
    z = torch.tensor([0.0, 1.0, 2.0])
    print(project(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.5]), torch.tensor([0.0]), z, 0.5))
