"""C51's projection once more: every atom asks every return how far away it is, and no place is ever looked up."""

import torch
import torch.nn.functional as F


def expected(p, z):
    return torch.einsum("man,n->ma", p, z)


def project(p, reward, terminated, z, gamma):
    gap = float(z[1] - z[0])
    rows = []
    for row, r, over in zip(p, reward, terminated):
        places = torch.full_like(z, float(r)) if over else r + gamma * z
        places = torch.minimum(torch.maximum(places, z[0]), z[-1])
        distance = (places[None, :] - z[:, None]).abs() / gap  # [to the atom i, from the return j]
        rows.append(torch.relu(1 - distance) @ row)
    return torch.stack(rows)


def loss(logits, action, target):
    pairs = [F.kl_div(row[a].log_softmax(0), m, reduction="sum") for row, a, m in zip(logits, action, target)]
    entropy = torch.special.entr(target).sum(-1)
    return (torch.stack(pairs) + entropy).mean()
