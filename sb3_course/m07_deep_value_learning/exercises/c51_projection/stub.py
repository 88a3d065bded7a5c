"""Exercise: the projection of C51 (Bellemare, Dabney & Munos 2017, arXiv:1707.06887, algorithm 1).

A return is one of N atoms, z [N], equally far apart: z_1 < … < z_N. A distribution of returns is N probabilities, p. All arrays are tensors; there are M
transitions in a batch, and A actions.

A worked example: atoms 0 1 2, and a return that is surely 2. A step before, with reward 0.5 and γ = 0.5, it is 0.5 + 0.5 · 2 = 1.5. There is no such atom: half
of the probability goes to 1, half to 2, and the mean stays 1.5. A return of 1.25 would lie nearer to 1, and give it three quarters.
"""

import torch


def expected(p, z):
    """Q(s, ·) [M, A], the means of the distributions p [M, A, N] on the atoms z [N]."""
    raise NotImplementedError("your turn: the mean")


def project(p, reward, terminated, z, gamma):
    """The distribution [M, N] of the return one step before, on the same atoms.

    p [M, N]: the distribution of the return from s' on, for the best action there. reward, terminated [M], the latter 0. or 1.

    Each atom z_j moves to reward + γ z_j; where nothing follows, to the reward alone. What lies outside [z_1, z_N] is cut to its ends.
    Its probability p_j is shared out between the two atoms next to that place, the nearer one getting more: 1 − distance / gap. If it falls on an atom, that
    one gets all.        (eq. 7)
    """
    raise NotImplementedError("your turn: the projection")


def loss(logits, action, target):
    """The cross-entropy −Σ_i m_i log p_i, the mean over the batch: one number, a tensor with a gradient.

    logits [M, A, N], of every action; p is the softmax of those of the action that was taken, over its N atoms. action [M], whole numbers. m = target [M, N].
    """
    raise NotImplementedError("your turn: the loss")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    z = torch.tensor([0.0, 1.0, 2.0])
    print(project(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.5]), torch.tensor([0.0]), z, 0.5))  # should be 0, 0.5, 0.5
