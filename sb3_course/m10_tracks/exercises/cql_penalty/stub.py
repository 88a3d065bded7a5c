"""The penalty of conservative Q-learning (Kumar et al. 2020, arXiv:2006.04779, eq. 4).

From a data set nobody can find out that an action is worse than the critic thinks. CQL lets the critic pay for high values of all actions, and gives back
what the data's own action is worth: what is left over is a gap between the data and the rest.
"""

import torch


def penalty(q, actions):
    """How far the values of all actions lie above those of the data's, the mean over the batch.

        mean of  log Σ_a exp Q(s, a) − Q(s, a_data)

    q: tensor [M, n_actions], actions: tensor [M] of whole numbers. A worked example: q = [[2, 0]]. With the action 0 it is log(e² + 1) − 2 = 0.127, with the
    action 1 it is 2.127. Values may be in the thousands.
    """
    raise NotImplementedError("your turn: above the data")


def cql_loss(q, actions, y, alpha):
    """α times the penalty, and half the mean squared error of the data's values against the targets y [M].

    y may come from a network; no gradient is to reach it.
    """
    raise NotImplementedError("your turn: the loss")


def log_integral(q, log_p):
    """Where actions are numbers, the sum becomes an integral, log ∫ exp Q(s, a) da, estimated from n actions drawn from a density p. [M].

    q, log_p: tensors [M, n], the values of the drawn actions and the logarithms of their densities. What was drawn rarely has to count for more.
    A worked example: Q = 0 everywhere, actions uniform in (−1, 1), so that log p = −log 2. The integral is 2, whatever n is.
    """
    raise NotImplementedError("your turn: by importance sampling")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    q = torch.zeros(1, 2, requires_grad=True)
    for _ in range(200):  # one state, reward 1 for action 0; action 1 is never in the data
        loss = cql_loss(q, torch.tensor([0]), torch.ones(1), alpha=0.1)
        loss.backward()
        with torch.no_grad():
            q -= 0.1 * q.grad
            q.grad = None
    print("values of the action that is there and of the one that is not:", q.tolist())
